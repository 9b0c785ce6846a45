"""A session in one file: inputs, variable table, data fingerprint, and the data if asked for.

    write_session(SavedSession(...)) -> bytes           BadSessionFile when it is too large
    read_session(data, SessionLimits(...)) -> Reopened  BadSessionFile says what is wrong

    "CLINSTAT SESSION", newline | version 2 | JSON length 4 | data length 8 | JSON | data | sum 32

Whole numbers are big-endian; the sum (SHA-256 of all before it) finds damage, not forgery:
anybody may write such a file, so reading trusts nothing in it. Nothing is compressed, so that
nothing can unfold to more than the file itself; lengths have to add up to the file; the JSON is
read within limits (utils/bounded_json.py) and every field is checked for its type. There are no
results in it: they are computed again, and nothing of it reaches the cache. Fields that this
version does not know are left out, and `Reopened.notes` says so.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from utils.bounded_json import JsonLimits, NotPlain, TooLarge, frozen, read_json, write_json
from utils.errors import BadSessionFile
from utils.keys import digest

_MAGIC = b"CLINSTAT SESSION\n"
VERSION = 1
_HEAD = struct.Struct(f">{len(_MAGIC)}sHIQ")
_SUM_BYTES = 32
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MIB = 1024 * 1024
_NONE: Mapping[str, Any] = MappingProxyType({})
_TEXTS = ("name", "label", "kind", "unit")
_LISTS = ("levels", "level_labels", "missing_codes")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """The largest file that is opened, and the longest names in it."""

    file_bytes: int = 64 * _MIB
    json_bytes: int = 4 * _MIB
    variables: int = 2_000
    name_characters: int = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSession:
    """What a file holds. `fingerprint` is the digest of the bytes of the uploaded file, whose
    `data` are there only if the user asked for it."""

    made_with: str
    saved_at: str
    file_name: str
    fingerprint: str
    read_choices: Mapping[str, Any] = field(default_factory=lambda: _NONE)
    variables: tuple[Mapping[str, Any], ...] = ()
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: _NONE)
    data: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    """A session that was read, and what was left out of it, in words."""

    session: SavedSession
    notes: tuple[str, ...] = ()


def write_session(session: SavedSession, limits: SessionLimits | None = None) -> bytes:
    """The file. BadSessionFile when it would be larger than `read_session` opens.

    NotPlain (an error of the program) when inputs hold anything but plain data.
    """
    limits = limits or SessionLimits()
    plain = {
        "made_with": session.made_with, "saved_at": session.saved_at,
        "file_name": _CONTROL.sub(" ", session.file_name)[: limits.name_characters],
        "fingerprint": session.fingerprint,
        "read_choices": session.read_choices, "variables": session.variables,
        "inputs": session.inputs, "has_data": session.data is not None,
    }  # fmt: skip
    try:
        text = write_json(plain, _json_limits(limits))
    except TooLarge as error:
        raise _too_large(limits.json_bytes) from error
    data = session.data or b""
    body = _HEAD.pack(_MAGIC, VERSION, len(text), len(data)) + text + data
    if len(body) + _SUM_BYTES > limits.file_bytes:
        raise _too_large(limits.file_bytes)
    return body + hashlib.sha256(body).digest()


def read_session(data: bytes, limits: SessionLimits | None = None) -> Reopened:
    """The session in a file that anybody may have made.

    BadSessionFile with one sentence of what is wrong and one of what to do.
    """
    limits = limits or SessionLimits()
    if len(data) > limits.file_bytes:
        raise _too_large(limits.file_bytes)
    text, blob = _split(data)
    try:
        plain = read_json(text, _json_limits(limits))
    except NotPlain as error:
        raise _damaged() from error
    if not isinstance(plain, dict):
        raise _damaged()
    return _Reader(limits).session(plain, blob)


def _split(data: bytes) -> tuple[bytes, bytes]:
    """JSON and data, once lengths and digest fit."""
    if not data.startswith(_MAGIC):
        raise BadSessionFile
    if len(data) < _HEAD.size + _SUM_BYTES:
        raise _damaged()
    _, version, json_bytes, data_bytes = _HEAD.unpack_from(data)
    if version > VERSION:
        raise BadSessionFile(
            "This session was saved with a newer Clinstat.",
            hint="Open it in the version that saved it, or ask for an update of this server.",
        )
    if version < 1 or _HEAD.size + json_bytes + data_bytes + _SUM_BYTES != len(data):
        raise _damaged()
    view = memoryview(data)
    if not hmac.compare_digest(hashlib.sha256(view[:-_SUM_BYTES]).digest(), view[-_SUM_BYTES:]):
        raise _damaged()
    start = _HEAD.size + json_bytes
    return bytes(view[_HEAD.size : start]), bytes(view[start:-_SUM_BYTES])


class _Reader:
    """One reading. Collects what is left out."""

    def __init__(self, limits: SessionLimits) -> None:
        self._limits = limits
        self._left_out: set[str] = set()

    def session(self, plain: dict[str, Any], blob: bytes) -> Reopened:
        variables = self._take(plain, "variables", list)
        if len(variables) > self._limits.variables:
            raise _too_large_table(self._limits.variables)
        has_data = self._take(plain, "has_data", bool)
        session = SavedSession(
            made_with=self._name(plain, "made_with"),
            saved_at=self._name(plain, "saved_at"),
            file_name=self._name(plain, "file_name"),
            fingerprint=self._fingerprint(plain),
            read_choices=frozen(self._take(plain, "read_choices", dict)),
            variables=tuple(self._variable(row) for row in variables),
            inputs=self._inputs(self._take(plain, "inputs", dict)),
            data=blob if has_data else None,
        )
        if blob and not has_data:
            raise _damaged()
        if has_data and digest(blob) != session.fingerprint:
            raise BadSessionFile(
                "The data in this session are not those that it was saved with.",
                hint="Save the session again where it was made, or load your data file itself.",
            )
        self._left_out |= {str(key) for key in plain}
        return Reopened(session=session, notes=self._notes())

    def _take(self, plain: dict[str, Any], name: str, kind: type) -> Any:
        """Take a field out, of exactly this type."""
        value = plain.pop(name, None)
        if type(value) is not kind:
            raise _damaged()
        return value

    def _name(self, plain: dict[str, Any], name: str) -> str:
        text: str = self._take(plain, name, str)
        if len(text) > self._limits.name_characters or _CONTROL.search(text):
            raise _damaged()
        return text

    def _fingerprint(self, plain: dict[str, Any]) -> str:
        text: str = self._take(plain, "fingerprint", str)
        if _DIGEST.fullmatch(text) is None:
            raise _damaged()
        return text

    def _variable(self, row: object) -> Mapping[str, Any]:
        """One row of the variable table; what its values mean is checked by whoever uses it."""
        if not isinstance(row, dict):
            raise _damaged()
        known: dict[str, Any] = {}
        for name, value in row.items():
            fits = _VARIABLE_FIELDS.get(name)
            if fits is None:
                self._left_out.add(name)
            elif fits(value):
                known[name] = frozen(value)
            else:
                raise _damaged()
        if not known.get("name"):
            raise _damaged()
        return MappingProxyType(known)

    def _inputs(self, plain: dict[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        if not all(isinstance(values, dict) for values in plain.values()):
            raise _damaged()
        return frozen(plain)

    def _notes(self) -> tuple[str, ...]:
        if not self._left_out:
            return ()
        many = len(self._left_out)
        what = "One setting" if many == 1 else f"{many} settings"
        are = "is" if many == 1 else "are"
        return (f"{what} of this file {are} not known to this Clinstat and had to be left out.",)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


_VARIABLE_FIELDS: Mapping[str, Callable[[object], bool]] = MappingProxyType(
    dict.fromkeys(_TEXTS, _is_text)
    | dict.fromkeys(_LISTS, _is_texts)
    | {"reference": lambda value: value is None or isinstance(value, str)}
)


def _json_limits(limits: SessionLimits) -> JsonLimits:
    return JsonLimits(size_bytes=limits.json_bytes)


def _damaged() -> BadSessionFile:
    return BadSessionFile(
        "This saved session is damaged or incomplete.",
        hint="Save it again, or load your data file itself.",
    )


def _too_large(limit_bytes: int) -> BadSessionFile:
    return BadSessionFile(
        f"This session is larger than the limit of {max(1, limit_bytes // _MIB)} MB.",
        hint="Save it without the data, and send the data file by itself.",
    )


def _too_large_table(limit: int) -> BadSessionFile:
    return BadSessionFile(
        f"This session has more than {limit:,} variables.",
        hint="Leave out columns that you do not need, and save it again.",
    )


__all__ = [
    "Reopened", "SavedSession", "SessionLimits", "read_session", "write_session",
]  # fmt: skip
