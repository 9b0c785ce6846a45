"""Text that every medium can hold.

Names and levels come from uploaded files and may hold anything. XML 1.0 (Word, Excel, SVG)
forbids most control characters, UTF-8 forbids lone surrogates, and bidirectional overrides can
make a table read backwards. Such characters are replaced by visible stand-ins, never dropped.
"""

from __future__ import annotations

import re
import unicodedata

_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufff9-\uffff"
    "]|[\U0001fffe\U0001ffff\U0010fffe\U0010ffff]"
)
_REPLACEMENT = "\ufffd"
_MAX_NAME = 60


def _stand_in(found: re.Match[str]) -> str:
    code = ord(found.group())
    if code < 0x20:
        return chr(0x2400 + code)  # the control pictures block: NUL is U+2400
    return "\u2421" if code == 0x7F else _REPLACEMENT


def visible(text: str) -> str:
    """`text` with every control, override and non-character replaced by a visible sign.

    A TAB becomes U+2409, its control picture; a lone surrogate becomes U+FFFD.
    """
    if text.isprintable() and text.isascii():  # nearly all cells
        return text
    return _FORBIDDEN.sub(_stand_in, text)


def shortened(text: str, limit: int = _MAX_NAME) -> str:
    """At most `limit` characters, cut with an ellipsis and never inside an accented letter."""
    if len(text) <= limit:
        return text
    cut = limit - 1
    while cut > 0 and unicodedata.combining(text[cut]):
        cut -= 1
    return text[:cut].rstrip() + "…"


def joined(items: list[str] | tuple[str, ...]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def sentence(text: str) -> str:
    """Trimmed text that starts with a capital and ends with a full stop (none for empty)."""
    text = text.strip()
    if not text:
        return ""
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?…" else f"{text}."
