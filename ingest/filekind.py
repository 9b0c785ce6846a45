"""What a file is, judged by its content alone: the name and the declared type may lie."""

from __future__ import annotations

import re
from typing import Literal

from stats.errors import BadInput

FileKind = Literal["text", "package"]

SAVE_AS = (
    "Open it in the program that made it, save it as CSV (UTF-8) or as an Excel .xlsx workbook, "
    "and upload that file."
)

# First bytes -> what to call it. Longest first where one is the beginning of another.
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls) or a protected one"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a Linux program"),
    (b"\xca\xfe\xba\xbe", "a compiled program"),
    (b"\xcf\xfa\xed\xfe", "a macOS program"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"$FL2", "an SPSS data file"),
    (b"$FL3", "an SPSS data file"),
    (b"<stata_dta>", "a Stata data file"),
    (b"RDX2\n", "an R data file"),
    (b"RDX3\n", "an R data file"),
    (b"X\n\x00\x00\x00", "an R data file"),
    (b"{\\rtf", "a rich text document"),
    (b"HEADER RECORD*******LIBRARY HEADER", "a SAS transport file"),
    (b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xc2\xea\x81\x60", "a SAS data file"),
)  # fmt: skip

# Tags and lines that open text formats that are not tables, after blanks and a byte order mark.
_PAGE = "a web page (HTML), although its name may end in .xls or .csv"
_TAGS: tuple[tuple[bytes, str], ...] = (
    (b"!doctype html", _PAGE),
    (b"html", _PAGE),
    (b"table", _PAGE),
    (b"script", _PAGE),
    (b"?xml", "an XML file"),
    (b"svg", "an SVG picture"),
)
_PICKLE_0 = re.compile(rb"c[A-Za-z_][A-Za-z0-9_.]{0,99}\n[A-Za-z_][A-Za-z0-9_.]{0,99}\n[(p]")
_TEXT_BYTES = bytes([9, 10, 12, 13, *range(32, 127)])
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")


def refuse_kind(what: str) -> BadInput:
    """The refusal of a file that is not a table."""
    return BadInput(
        f"The file is {what}; tables are read from text (CSV, TSV) and .xlsx workbooks.",
        rule="file kind", found=what, hint=SAVE_AS,
    )  # fmt: skip


def kind_of_content(head: bytes) -> FileKind:
    """Kind of a file from its first kilobytes; BadInput names every other known kind.

    `head` may be the whole file. An empty head is "text": the text reader says that it is empty.
    """
    if head.startswith(_ZIP):
        return "package"
    # A table may start with the letters of a signature: "MZ" are monozygotic twins.
    binary = head[:4096].translate(None, _TEXT_BYTES) != b""
    for signature, what in _SIGNATURES:
        if head.startswith(signature) and (binary or not signature.isalnum()):
            raise refuse_kind(what)
    if _PICKLE_0.match(head) and head.rstrip()[-1:] == b".":
        raise refuse_kind("a Python pickle")
    if head[:1] == b"\x80" or (head[:2] in (b"(l", b"(d") and head.rstrip()[-1:] == b"."):
        raise refuse_kind("a Python pickle")
    if head[257:262] == b"ustar":
        raise refuse_kind("a tar archive")
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    for tag, what in _TAGS:
        if start.startswith(b"<" + tag):
            raise refuse_kind(what)
    if start.startswith(b"#!/"):
        raise refuse_kind("a program script")
    if start[:2] in (b"{\n", b'{"', b"[{", b"[\n") or start[:3] == b'{ "':
        raise refuse_kind("a JSON file")
    return "text"
