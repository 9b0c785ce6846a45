"""Values to bytes and back, without any way for bytes to run code.

Layout: a 24-byte prefix (magic, header length, total length), a JSON header that describes the
value, then raw little-endian blocks in the order in which the header names them, each aligned
to 64 bytes. The header numbers the blocks and gives their sizes, never offsets, so no block can
be read twice or out of order, and decoding allocates no more than a small multiple of the bytes
given.

In the header a plain JSON value stands for itself; every array is `[tag, ...]`:

    l t      list, tuple (of nodes)             L T   the same, of plain values only
    d m      dict, read-only mapping            i     whole number beyond 10^18, as hex
    b        bytes block                        a s   numpy array, numpy scalar
    c        object of an allowed class         pandas tags: see `codec_pandas`

Objects are rebuilt by calling their class with keyword arguments, and only classes that the
codec was given can be named. Neither pickle nor eval takes part.
"""

from __future__ import annotations

import importlib
import json
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from utils import codec_pandas, packed
from utils.errors import CodecError
from utils.packed import Packed, Unpacked

_MAGIC = b"CLINCOD1"
_PREFIX = struct.Struct("<8sQQ")
_ALIGN = 64
_DEEPEST = 64
_LARGEST_PLAIN = 10**18
_PLAIN: frozenset[type] = frozenset({str, bool, int, float, type(None)})
_DTYPE = re.compile(
    r"[<|](b1|i[1248]|u[1248]|f[248]|c8|c16|[mM]8(\[\d{0,6}[a-zA-Z]{1,2}\])?|[SU][1-9]\d{0,6})"
)

# Everything that numpy, pandas, json and the constructors of allowed classes raise on bytes
# that make no sense.
_NONSENSE = (
    ArithmeticError, AssertionError, AttributeError, BufferError, ImportError, LookupError,
    MemoryError, RecursionError, TypeError, ValueError, struct.error,
)  # fmt: skip


class Codec:
    """Encoder and decoder for plain data, numpy, pandas and the classes given.

    `classes` maps the name written into the bytes to a class, or to "module:Class", which is
    imported when first needed. An object is taken apart by its `codec_state()` where it has
    one, by its dataclass fields otherwise.
    """

    def __init__(self, classes: Mapping[str, type | str] | None = None) -> None:
        self._classes: dict[str, type | str] = dict(classes or {})
        self._names: dict[type | str, str] = {kind: name for name, kind in self._classes.items()}

    @property
    def classes(self) -> Mapping[str, str]:
        """Name -> "module:Class" of every allowed class: what an equal codec is built from."""
        return {
            name: kind if isinstance(kind, str) else f"{kind.__module__}:{kind.__qualname__}"
            for name, kind in self._classes.items()
        }

    def encode(self, value: object) -> bytes:
        """The bytes of `value`; CodecError when a part of it has a type not known here."""
        return self.pack(value).payload

    def pack(self, value: object) -> Packed:
        """The bytes of `value`, and what is known about it.

        Immutable are plain scalars, bytes, tuples and read-only mappings of such, and objects
        of allowed frozen dataclasses whose state is made of such.
        """
        try:
            return _Encoder(self).run(value)
        except _NONSENSE as error:
            if isinstance(error, CodecError):
                raise
            raise CodecError(f"A {type(value).__name__} cannot be stored.") from error

    def decode(self, data: bytes | memoryview, *, copy: bool = True) -> Any:
        """The value in `data`; CodecError for anything but bytes written by `encode`.

        With `copy=False` arrays are read-only views of `data`.
        """
        return self.unpack(data, copy=copy).value

    def unpack(self, data: bytes | memoryview, *, copy: bool = True) -> Unpacked:
        """The value in `data`, and what `pack` knew about it."""
        try:
            reader = _Decoder(self, memoryview(data), copy=copy)
            return Unpacked(reader.run(), reader.immutable, reader.live_bytes)
        except _NONSENSE as error:
            if isinstance(error, CodecError):
                raise
            raise CodecError("Stored bytes do not describe a value.") from error

    def name_of(self, kind: type) -> str | None:
        """The name under which objects of `kind` are written, None when they are not allowed."""
        return self._names.get(kind) or self._names.get(f"{kind.__module__}:{kind.__qualname__}")

    def class_of(self, name: str) -> type:
        """The class of that name, imported now if it was given as a path."""
        kind = self._classes.get(name)
        if kind is None:
            raise CodecError("Stored bytes name a class that is not allowed.")
        if isinstance(kind, str):
            module, _, attribute = kind.partition(":")
            kind = getattr(importlib.import_module(module), attribute)
            if not isinstance(kind, type):
                raise CodecError("An allowed name is not a class.")
            self._classes[name] = kind
            self._names[kind] = name
        return kind


def state_of(value: object) -> Mapping[str, object]:
    """Field name -> value, as the constructor of `value` takes them back."""
    taken_apart = getattr(value, "codec_state", None)
    if taken_apart is not None:
        return taken_apart()
    if not is_dataclass(value):
        raise CodecError(f"A {type(value).__name__} cannot be taken apart.")
    return {item.name: getattr(value, item.name) for item in fields(value) if item.init}


class _Encoder:
    """Writes one value."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._blocks: list[Any] = []
        self._classes: dict[tuple[str, ...], int] = {}
        self._depth = 0
        self._immutable = True
        self._live_bytes = 0

    def run(self, value: object) -> Packed:
        root = self.node(value)
        described = {
            "immutable": self._immutable,
            "live_bytes": self._live_bytes,
            "classes": [[*key] for key in self._classes],
            "root": root,
        }
        text = json.dumps(described, ensure_ascii=False, separators=(",", ":"))
        header = text.encode("utf-8", "surrogatepass")
        parts: list[Any] = [header, bytes(-(_PREFIX.size + len(header)) % _ALIGN)]
        total = _PREFIX.size + len(header) + len(parts[1])
        for block in self._blocks:
            size = len(block)
            parts += [block, bytes(-size % _ALIGN)]
            total += size + -size % _ALIGN
        payload = b"".join([_PREFIX.pack(_MAGIC, len(header), total), *parts])
        return Packed(payload, self._immutable, self._live_bytes)

    def node(self, value: Any) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            self._live_bytes += packed.of_scalar(value)
            return self._whole(value) if kind is int else value
        self._depth += 1
        if self._depth > _DEEPEST:
            raise CodecError("A value is nested too deeply to be stored.")
        writer = _WRITERS.get(kind)
        if writer is not None:
            found = writer(self, value)
        elif self._codec.name_of(kind) is not None:
            found = self._object(value)
        elif isinstance(value, np.generic):
            found = ["s", _dtype_text(value.dtype), value.tobytes().hex()]
        else:
            self._immutable = False
            found = codec_pandas.node_of(value, self.node)
        self._depth -= 1
        return found

    def _whole(self, value: int) -> Any:
        return value if -_LARGEST_PLAIN < value < _LARGEST_PLAIN else ["i", f"{value:x}"]

    def sequence(self, value: list[Any] | tuple[Any, ...]) -> list[Any]:
        tag = "t"
        if type(value) is list:
            tag, self._immutable = "l", False
        self._live_bytes += packed.of_sequence(len(value))
        kinds = set(map(type, value))
        if kinds <= _PLAIN and (int not in kinds or _all_small(value)):
            self._live_bytes += packed.of_plain(value, kinds)
            return [tag.upper(), list(value)]
        return [tag, [self.node(item) for item in value]]

    def mapping(self, value: Mapping[Any, Any]) -> list[Any]:
        names = list(value)
        if set(map(type, names)) - {str}:
            raise CodecError("A mapping has a key that is not text.")
        self._live_bytes += packed.of_mapping(len(names))
        tag = "m"
        if type(value) is dict:
            tag, self._immutable = "d", False
        return [tag, names, [self.node(item) for item in value.values()]]

    def block(self, value: bytes) -> list[Any]:
        self._blocks.append(value)
        self._live_bytes += packed.of_bytes(len(value))
        return ["b", len(self._blocks), len(value)]

    def array(self, value: np.ndarray[Any, Any]) -> list[Any]:
        self._immutable = False
        if value.dtype.kind == "O":
            if value.ndim != 1:
                raise CodecError("A table of mixed objects cannot be stored.")
            return ["o", [self.node(item) for item in value.tolist()]]
        plain = np.asarray(value, dtype=value.dtype.newbyteorder("<"), order="C")
        kind = _dtype_text(plain.dtype)
        self._live_bytes += packed.of_array(plain.nbytes)
        self._blocks.append(plain.reshape(-1).view("u1").data if plain.size else b"")
        return ["a", len(self._blocks), kind, list(plain.shape)]

    def _object(self, value: object) -> list[Any]:
        state = state_of(value)
        self._live_bytes += packed.of_object(len(state))
        parameters = getattr(type(value), "__dataclass_params__", None)
        if parameters is None or not parameters.frozen:
            self._immutable = False
        name = self._codec.name_of(type(value)) or ""
        index = self._classes.setdefault((name, *state), len(self._classes))
        return ["c", index, [self.node(item) for item in state.values()]]


def _all_small(values: list[Any] | tuple[Any, ...]) -> bool:
    return all(type(v) is not int or -_LARGEST_PLAIN < v < _LARGEST_PLAIN for v in values)


def _dtype_text(dtype: np.dtype[Any]) -> str:
    text = dtype.newbyteorder("<").str
    if not _DTYPE.fullmatch(text):
        raise CodecError(f"An array has the type {dtype}, which cannot be stored.")
    return text


_WRITERS: Mapping[type, Callable[[_Encoder, Any], list[Any]]] = MappingProxyType(
    {
        list: _Encoder.sequence,
        tuple: _Encoder.sequence,
        dict: _Encoder.mapping,
        MappingProxyType: _Encoder.mapping,
        bytes: _Encoder.block,
        np.ndarray: _Encoder.array,
    }
)


class _Decoder:
    """Reads one value. Raises whatever nonsense makes Python raise; `Codec.decode` catches."""

    def __init__(self, codec: Codec, data: memoryview, *, copy: bool) -> None:
        self._codec = codec
        self._copy = copy
        magic, size, total = _PREFIX.unpack_from(data)
        start = _PREFIX.size + size
        if magic != _MAGIC or total != len(data) or start > total:
            raise CodecError("Stored bytes have another format or length.")
        described = json.loads(str(data[_PREFIX.size : start], "utf-8", "surrogatepass"))
        self._root = described["root"]
        self.immutable = described["immutable"] is True
        self.live_bytes = int(described["live_bytes"])
        self._classes: list[tuple[type, list[str]]] = [
            (codec.class_of(name), names) for name, *names in described["classes"]
        ]
        self._data = data
        self._next = start + -start % _ALIGN
        self._taken = 0

    def run(self) -> Any:
        value = self.value(self._root)
        if self._next != len(self._data):
            raise CodecError("Stored bytes hold more than they describe.")
        return value

    def value(self, node: Any) -> Any:
        kind = type(node)
        if kind is list:
            return _READERS[node[0]](self, *node[1:])
        if kind in _PLAIN:
            return node
        raise CodecError("Stored bytes hold an unknown node.")

    def take(self, number: int, size: int) -> memoryview:
        """The next block, which must be the one that the node was written with."""
        self._taken += 1
        if number != self._taken:
            raise CodecError("Stored bytes describe their blocks in another order.")
        end = self._next + size
        if type(size) is not int or size < 0 or end > len(self._data):
            raise CodecError("Stored bytes are shorter than they describe.")
        block = self._data[self._next : end]
        self._next = end + -end % _ALIGN
        return block

    def block(self, number: int, size: int) -> bytes:
        return bytes(self.take(number, size))

    def many(self, nodes: list[Any]) -> list[Any]:
        # Most nodes of a table are plain: asking here saves a call for each.
        return [n if type(n) in _PLAIN else self.value(n) for n in nodes]

    def plain(self, values: list[Any]) -> list[Any]:
        if type(values) is not list or not set(map(type, values)) <= _PLAIN:
            raise CodecError("Stored bytes hold an unknown node.")
        return values

    def mapping(self, names: list[str], nodes: list[Any]) -> dict[str, Any]:
        if (
            type(names) is not list
            or set(map(type, names)) - {str}
            or len(set(names)) != len(names)
        ):
            raise CodecError("Stored bytes hold a mapping with unusable names.")
        return dict(zip(names, self.many(nodes), strict=True))

    def array(self, number: int, kind: str, shape: list[int]) -> np.ndarray[Any, Any]:
        dtype = _dtype_of(kind)
        size = dtype.itemsize
        for length in shape:
            if type(length) is not int or length < 0:
                raise CodecError("Stored bytes describe an impossible array.")
            size *= length
        flat = np.frombuffer(self.take(number, size), dtype=dtype)
        shaped = flat.reshape(shape)
        if not self._copy:
            shaped.flags.writeable = False
            return shaped
        return shaped.copy()

    def objects(self, nodes: list[Any]) -> np.ndarray[Any, Any]:
        values = np.empty(len(nodes), dtype=object)
        for position, node in enumerate(nodes):
            values[position] = self.value(node)
        return values

    def scalar(self, kind: str, text: str) -> np.generic:
        return np.frombuffer(bytes.fromhex(text), dtype=_dtype_of(kind), count=1)[0]

    def object(self, index: int, nodes: list[Any]) -> Any:
        kind, names = self._classes[index]
        return kind(**dict(zip(names, self.many(nodes), strict=True)))

    def pandas(self, *node: Any) -> Any:
        return codec_pandas.value_of(node, self.value)


def _dtype_of(text: str) -> np.dtype[Any]:
    if not _DTYPE.fullmatch(text):
        raise CodecError("Stored bytes describe an array of an unknown type.")
    return np.dtype(text)


_READERS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "l": _Decoder.many,
        "L": _Decoder.plain,
        "t": lambda reader, nodes: tuple(reader.many(nodes)),
        "T": lambda reader, values: tuple(reader.plain(values)),
        "d": _Decoder.mapping,
        "m": lambda reader, names, nodes: MappingProxyType(reader.mapping(names, nodes)),
        "i": lambda _reader, text: int(text, 16),
        "b": _Decoder.block,
        "a": _Decoder.array,
        "o": _Decoder.objects,
        "s": _Decoder.scalar,
        "c": _Decoder.object,
        "pd": _Decoder.pandas,
    }
)
