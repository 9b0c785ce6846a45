"""What "Forget my data" did, as lines for the page. There is no word of the data in them."""

from __future__ import annotations

from logic import Receipt
from tabs.words import counted, memory_words

NOTHING = "Nothing of yours was kept on this server any more."


def receipt_lines(receipt: Receipt | None) -> tuple[str, ...]:
    """One sentence per thing that was deleted, is held by others, or is still owed.

    None: there was nothing left to delete.
    """
    if receipt is None:
        return (NOTHING,)
    found = [_deleted(receipt)]
    if receipt.jobs:
        many = counted(receipt.jobs, "analysis", "analyses")
        were = "was" if receipt.jobs == 1 else "were"
        found.append(f"{many} that ran or had just ended {were} stopped and dropped.")
    if receipt.shared_dataset:
        found.append(
            "The same file was also opened by somebody else (perhaps by you, in another window); "
            "it goes when the last of them is forgotten or expires."
        )
    if receipt.shared_results:
        many = counted(receipt.shared_results, "result")
        found.append(
            f"{many} had also been asked for by somebody else and "
            f"{'goes' if receipt.shared_results == 1 else 'go'} with the last of them."
        )
    if not receipt.complete:
        found.append(
            "Not everything could be deleted at once, because a disk or a store did not answer. "
            "The server tries again every hour until it is gone."
        )
    return tuple(found)


def _deleted(receipt: Receipt) -> str:
    parts = ["your file"] if receipt.datasets else []
    if receipt.results:
        copies = counted(receipt.cache_entries, "stored copy", "stored copies")
        parts.append(f"{counted(receipt.results, 'result')} ({copies})")
    parts.append("your choices")
    words = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"Deleted: {words}; {memory_words(receipt.size_bytes)} of files."
