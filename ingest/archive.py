"""The zip archive of a workbook, examined before anything inside it is believed.

Only the parts that are needed are inflated, in a stream, counting the bytes that really come
out; the sizes and counts that the archive states are never used to reserve memory.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self
from xml.parsers import expat

from ingest.filekind import refuse_kind
from ingest.report import ReadLimits
from stats.errors import BadInput

_MOST_MEMBERS = 1_000
_MOST_DIRECTORY_BYTES = 1 << 20
_MOST_TAGS = 12_000_000  # starts and ends: a cell has four, with a formula six
_LONGEST_TAG_BYTES = 1 << 20
_DEEPEST = 10_000
_PIECE = 1 << 18
# What Python's reader raises for archives that are damaged on purpose or by accident.
_ZIP_FAULTS = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError,
    IndexError, KeyError, OverflowError,
)  # fmt: skip
_END_RECORD = struct.Struct("<4s4H2LH")


def damaged(what: str) -> BadInput:
    """The refusal of a workbook whose parts do not fit together."""
    return BadInput(
        f"The workbook is damaged: {what}.", rule="workbook", found=what,
        hint="Open it in the spreadsheet program, save it again as .xlsx, and upload that file.",
    )  # fmt: skip


def too_much(what: str, limit: str) -> BadInput:
    """The refusal of a workbook that unfolds to more than is read."""
    return BadInput(
        f"The workbook holds {what}; up to {limit} are read.", rule="workbook size", found=what,
        hint="Keep the rows and columns that you need, or save the sheet as CSV.",
    )  # fmt: skip


class Package:
    """An open workbook archive. Every part is read through `feed`, with its limits."""

    def __init__(self, path: Path, limits: ReadLimits) -> None:
        _check_end_record(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except _ZIP_FAULTS:
            raise damaged("its list of parts cannot be read") from None
        self.limits = limits
        self.inflated = 0
        infos = self._zip.infolist()
        self.names = frozenset(info.filename for info in infos)
        self._refuse_other_kinds()
        if len(self.names) < len(infos):
            raise damaged("it has two parts of the same name")
        if any(info.flag_bits & 1 for info in infos):
            raise refuse_kind("protected by a password")
        if any(info.compress_type not in (0, 8) for info in infos):
            raise damaged("its parts are packed in a way that spreadsheets do not use")
        stated = sum(info.file_size for info in infos)
        if stated > limits.inflated_bytes:
            raise self._inflates_too_much()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def _refuse_other_kinds(self) -> None:
        names = self.names
        for part, what in (
            ("xl/workbook.bin", "a binary Excel workbook (.xlsb)"),
            ("xl/vbaProject.bin", "an Excel workbook with macros (.xlsm)"),
            ("word/document.xml", "a Word document"),
            ("ppt/presentation.xml", "a presentation"),
            ("content.xml", "an OpenDocument file (.ods or .odt)"),
            ("META-INF/MANIFEST.MF", "a Java program"),
            ("EncryptedPackage", "protected by a password"),
        ):
            if part in names:
                raise refuse_kind(what)
        if "[Content_Types].xml" not in names:
            raise refuse_kind("a zip archive")

    def _inflates_too_much(self) -> BadInput:
        limit = f"{self.limits.inflated_bytes // 1024**2} MB"
        return too_much(f"more than {limit} when it is unpacked", limit)

    def _inflate(self, name: str) -> Iterator[bytes]:
        try:
            with self._zip.open(name) as part:
                while piece := part.read(_PIECE):
                    self.inflated += len(piece)
                    if self.inflated > self.limits.inflated_bytes:
                        raise self._inflates_too_much()
                    yield piece
        except _ZIP_FAULTS:
            raise damaged("a part of it cannot be unpacked") from None

    def feed(
        self, name: str, start: Callable[[str, dict[str, str]], Any],
        end: Callable[[str], Any] | None = None, text: Callable[[str], Any] | None = None,
    ) -> None:  # fmt: skip
        """Parse one XML part with these handlers (names without their prefix).

        Document types and entities are refused; so are parts with too many or too deep tags.
        """
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.CharacterDataHandler = text
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.EntityDeclHandler = _refuse_doctype
        tags = depth = 0
        before = self.inflated
        first = True
        try:
            for piece in self._inflate(name):
                if first and (prefix := _prefix(piece)):
                    parser.StartElementHandler = _without(prefix, start)
                    parser.EndElementHandler = _without(prefix, end) if end else None
                first = False
                opened = piece.count(b"<")
                alone, ends = piece.count(b"/>"), piece.count(b"</")
                tags += opened + alone
                depth += opened - alone - 2 * ends
                if tags > _MOST_TAGS:
                    most = f"{self.limits.workbook_cells:,} cells"
                    raise too_much(f"more than {most} need", most)
                if depth > _DEEPEST:
                    raise damaged("its parts are nested too deeply")
                parser.Parse(piece)
                # An unfinished tag is parsed again with each piece, in quadratic time.
                if self.inflated - before - parser.CurrentByteIndex > _LONGEST_TAG_BYTES:
                    raise damaged("one of its tags is longer than spreadsheets write them")
            parser.Parse(b"", True)
        except expat.ExpatError:
            raise damaged("a part of it is not well-formed") from None


def _refuse_doctype(*_: object) -> None:
    raise damaged("it declares a document type, which workbooks do not have")


def _prefix(piece: bytes) -> str:
    """The prefix of the root element: "x:" in <x:worksheet>."""
    at = 0
    while (at := piece.find(b"<", at)) >= 0 and piece[at + 1 : at + 2] in (b"?", b"!"):
        at += 1
    name = piece[at + 1 : at + 80].split(b">", 1)[0].split()
    return (
        name[0].decode("ascii", "ignore").partition(":")[0] + ":"
        if name and b":" in name[0]
        else ""
    )


def _without(prefix: str, handler: Callable[..., Any]) -> Callable[..., Any]:
    def handle(name: str, *rest: Any) -> None:
        handler(name.removeprefix(prefix), *rest)

    return handle


def _check_end_record(path: Path) -> None:
    """Refuse archives with too many members before their list is built in memory."""
    with path.open("rb") as file:
        file.seek(0, 2)
        size = file.tell()
        file.seek(max(0, size - 66_000))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END_RECORD.size:
        raise damaged("its end is missing")
    fields = _END_RECORD.unpack_from(tail, at)
    members, directory_bytes = fields[4], fields[5]
    if members > _MOST_MEMBERS or directory_bytes > _MOST_DIRECTORY_BYTES:
        raise too_much(f"more than {_MOST_MEMBERS:,} parts", f"{_MOST_MEMBERS:,}")
