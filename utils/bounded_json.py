"""Plain data to JSON and back within limits: what workspaces and saved sessions are written in.

    write_json(value, limits) -> bytes          NotPlain when it is not plain data or too large
    read_json(data, limits) -> value            NotPlain when anything about the text is wrong
    frozen(value)                               the same, with tuples and read-only mappings

Plain data are None, True, False, whole numbers of 64 bits, finite numbers, text, lists and
mappings with text as keys. On reading, the text is hostile: its size, depth, number of items
and length of texts are bounded before anything is built from it, and what JSON parsers differ
about (the same key twice, NaN, half a surrogate pair) is refused.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NoReturn

_DEEPEST = 64
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
#: Brackets and whole texts of JSON; a text without its end matches nothing and is refused later.
_SHAPE = re.compile(rb'[\[\]{},]|"(?:[^"\\]|\\.)*+"', re.DOTALL)


class NotPlain(ValueError):
    """Not plain data, or outside the limits. The message is for logs and holds no data."""


class TooLarge(NotPlain):
    """Plain data, but more of it (bytes, depth, items) than the limits allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonLimits:
    """The largest text that is written or read; `items` counts values and keys of all levels."""

    size_bytes: int
    depth: int = 12
    items: int = 200_000


def frozen(value: Any, depth: int = _DEEPEST) -> Any:
    """Lists as tuples, mappings as read-only copies, so that what is kept cannot change.

    TooLarge for what is nested more than 64 levels deep.
    """
    if not isinstance(value, (Mapping, list, tuple)):
        return value
    if depth < 1:
        raise TooLarge("nested too deeply")
    if isinstance(value, Mapping):
        return MappingProxyType({key: frozen(item, depth - 1) for key, item in value.items()})
    return tuple(frozen(item, depth - 1) for item in value)


def write_json(value: Any, limits: JsonLimits) -> bytes:
    """Canonical JSON (sorted keys, no spaces) of plain data. NotPlain names the reason."""
    text = json.dumps(
        _thawed(value, limits.depth), ensure_ascii=False, allow_nan=False, sort_keys=True,
        separators=(",", ":"),
    )  # fmt: skip
    data = text.encode("utf-8")
    if len(data) > limits.size_bytes:
        raise TooLarge("too many bytes")
    if sum(map(data.count, (b"[", b"{", b","))) > limits.items:  # texts may hold some of these
        _check_shape(data, limits)
    return data


def _thawed(value: Any, depth: int) -> Any:
    """A plain copy of what may be frozen, each value checked."""
    if not isinstance(value, (Mapping, list, tuple)):
        return _checked(value)
    if depth < 1:
        raise TooLarge("nested too deeply")
    if isinstance(value, Mapping):
        if not all(type(key) is str for key in value):
            raise NotPlain("a key is not text")
        return {_checked(key): _thawed(item, depth - 1) for key, item in value.items()}
    return [_thawed(item, depth - 1) for item in value]


def _checked(value: Any) -> Any:
    if value is None or type(value) is bool:
        return value
    if type(value) is str:
        return value if value.isascii() else _whole(value)
    if type(value) is int and _SMALLEST <= value <= _LARGEST:
        return value
    if type(value) is float and math.isfinite(value):
        return value
    raise NotPlain(f"a value of type {type(value).__name__}")


def _whole(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotPlain("half a surrogate pair") from error
    return text


def read_json(data: bytes, limits: JsonLimits) -> Any:
    """The plain data that the text stands for, in dicts and lists. NotPlain otherwise."""
    if len(data) > limits.size_bytes:
        raise TooLarge("too many bytes")
    _check_shape(data, limits)
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_object, parse_constant=_refused)
    except NotPlain:
        raise
    except (ValueError, RecursionError) as error:
        raise NotPlain("not JSON in UTF-8") from error
    return _thawed(value, limits.depth)


def _check_shape(data: bytes, limits: JsonLimits) -> None:
    """Depth and number of items from the brackets and commas outside texts."""
    depth = items = 0
    for found in _SHAPE.finditer(data):
        mark = found.group()[:1]
        if mark in (b"[", b"{"):
            depth += 1
            items += 1
            if depth > limits.depth:
                raise TooLarge("nested too deeply")
        elif mark in (b"]", b"}"):
            depth -= 1
        elif mark == b",":
            items += 1
        if items > limits.items:
            raise TooLarge("too many items")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotPlain("the same key twice")
    return found


def _refused(_word: str) -> NoReturn:
    raise NotPlain("a number that is not finite")
