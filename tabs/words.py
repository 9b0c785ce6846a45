"""Small numbers in words: sizes, durations, counts."""

from __future__ import annotations


def memory_words(size_bytes: float) -> str:
    """`812 kB`, `3.4 MB`: units of 1000 bytes."""
    if size_bytes < 999_500:
        return f"{max(1, round(size_bytes / 1000))} kB"
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes < 99.95e6 else f"{size_bytes / 1e6:.0f} MB"


def limit_words(size_bytes: int) -> str:
    """A limit given in powers of two: `50 MB` for 50 x 1024 x 1024."""
    return f"{size_bytes / 1024 / 1024:.0f} MB"


def duration_words(seconds: float) -> str:
    """`0.08 ms`, `24 ms`, `2.4 s`."""
    milliseconds = seconds * 1000
    if milliseconds < 0.995:
        return f"{max(milliseconds, 0.01):.2f} ms"
    if milliseconds < 9.95:
        return f"{milliseconds:.1f} ms"
    return f"{milliseconds:.0f} ms" if milliseconds < 999.5 else f"{seconds:.1f} s"


def counted(n: int, noun: str, nouns: str = "") -> str:
    """`1 row`, `2 rows`, `12,000 rows`."""
    return f"{n:,} {noun if n == 1 else nouns or noun + 's'}"
