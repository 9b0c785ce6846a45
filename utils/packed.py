"""What is known about an encoded value: can it change, and how much memory does it take?

Sizes are reckoned from lengths, not asked of the interpreter: equal values must give equal
bytes, and `sys.getsizeof` depends on how a list grew and on what a text has cached. The numbers
are CPython's on a 64-bit machine; they come out at 1 to 1.5 times what the allocator counts.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

_TEXT, _NUMBER, _SEQUENCE, _POINTER = 52, 28, 56, 8
_MAPPING, _NAME, _OBJECT, _ARRAY, _BYTES = 240, 90, 48, 112, 33


class Packed(NamedTuple):
    """Encoded bytes, and what is known about the value in them.

    `immutable`: nothing reachable from it can change. `live_bytes`: about how much memory the
    value takes once it is rebuilt (a table of short texts takes several times its bytes).
    """

    payload: bytes
    immutable: bool
    live_bytes: int


class Unpacked(NamedTuple):
    """A rebuilt value, and what `Packed` knew about it."""

    value: Any
    immutable: bool
    live_bytes: int


def of_text(joined: str, count: int) -> int:
    """Bytes of `count` texts that are `joined` together."""
    return _TEXT * count + len(joined) * (1 if joined.isascii() else 2)


def of_scalar(value: object) -> int:
    """Bytes of one plain value."""
    if isinstance(value, str):
        return of_text(value, 1)
    return 0 if value is None or isinstance(value, bool) else _NUMBER


def of_plain(values: Collection[Any], kinds: set[type]) -> int:
    """Bytes of many plain values, whose types are `kinds`."""
    if str not in kinds:
        return _NUMBER * len(values)
    texts = [v for v in values if type(v) is str]
    return of_text("".join(texts), len(texts)) + _NUMBER * (len(values) - len(texts))


def of_sequence(length: int) -> int:
    """Bytes of a list or tuple, its items not counted."""
    return _SEQUENCE + _POINTER * length


def of_mapping(length: int) -> int:
    """Bytes of a mapping with its names, its values not counted."""
    return _MAPPING + _NAME * length


def of_object(fields: int) -> int:
    """Bytes of a dataclass instance, its values not counted."""
    return _OBJECT + _POINTER * fields


def of_bytes(size: int) -> int:
    """Bytes of a bytes object."""
    return _BYTES + size


def of_array(size: int) -> int:
    """Bytes of a numpy array with a content of `size`."""
    return _ARRAY + size
