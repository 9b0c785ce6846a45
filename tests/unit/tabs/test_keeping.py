"""What the page says about what is kept, and about what was deleted."""

from __future__ import annotations

import pytest

from logic import Receipt, Settings
from tabs.keeping import kept_words
from tabs.receipt import NOTHING, receipt_lines
from tabs.words import span_words

ALL_GONE = Receipt(
    datasets=1, results=3, cache_entries=6, jobs=0, size_bytes=1_400_000, shared_results=0,
    shared_dataset=False, complete=True,
)  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (7 * 86_400, "7 days"), (86_400, "24 hours"), (129_600, "36 hours"), (3_600, "1 hour"),
        (5_400, "90 minutes"), (60, "1 minute"), (90, "2 minutes"), (5, "5 seconds"),
    ],
)  # fmt: skip
def test_spans_are_said_as_people_say_them(seconds: float, words: str) -> None:
    assert span_words(seconds) == words


def test_what_is_kept_follows_the_settings() -> None:
    words = " ".join(kept_words(Settings()))
    for part in ("8 hours", "24 hours", "7 days", "exactly the same file"):
        assert part in words
    settings = Settings(
        workspace_idle_seconds=1_800, workspace_seconds=7_200, cache_ttl_seconds=3_600,
        cache_scope="workspace", redis_url="redis://127.0.0.1:1/0",
    )  # fmt: skip
    words = " ".join(kept_words(settings))
    for part in ("30 minutes", "2 hours", "1 hour", "the store that several servers share"):
        assert part in words
    assert "same file" not in words


def test_a_plain_receipt() -> None:
    assert receipt_lines(ALL_GONE) == (
        "Deleted: your file, 3 results (6 stored copies) and your choices; 1.4 MB of files.",
    )
    assert receipt_lines(None) == (NOTHING,)


def test_what_others_hold_and_what_is_owed_is_said() -> None:
    shared = Receipt(
        datasets=0, results=0, cache_entries=0, jobs=2, size_bytes=900, shared_results=1,
        shared_dataset=True, complete=False,
    )  # fmt: skip
    lines = receipt_lines(shared)
    assert lines[0] == "Deleted: your choices; 1 kB of files."
    assert lines[1].startswith("2 analyses that ran or had just ended were stopped")
    assert "somebody else (perhaps by you, in another window)" in lines[2]
    assert lines[3].startswith("1 result had also been asked for by somebody else and goes")
    assert "tries again every hour" in lines[4]
