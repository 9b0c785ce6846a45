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


def span_words(seconds: float) -> str:
    """`45 minutes`, `8 hours`, `7 days`: a span that somebody set."""
    for size, noun, least in ((86_400, "day", 2), (3_600, "hour", 1), (60, "minute", 1)):
        if seconds >= size * least and seconds % size == 0:
            return counted(round(seconds / size), noun)
    if seconds >= 60:
        return counted(round(seconds / 60), "minute")
    return counted(round(seconds), "second")


def binary_words(size_bytes: float) -> str:
    """`12 kB`, `3.4 MB`, `143 MB`: units of powers of two, as limits are given."""
    if size_bytes < 1024 * 1024:
        return f"{size_bytes / 1024:.0f} kB"
    size = size_bytes / 1024 / 1024
    return f"{size:.1f} MB" if size < 9.95 else f"{size:.0f} MB"


def long_words(seconds: float) -> str:
    """`40 s`, `3 min`, `2 h 5 min`, `4 days`: for spans that nobody counts in milliseconds."""
    if seconds < 59.5:
        return f"{max(0.0, seconds):.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{round(hours / 24)} days"
