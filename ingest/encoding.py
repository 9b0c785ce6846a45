"""Which character encoding a text file is written in, and its text as UTF-8.

UTF-8 is certain when it decodes: random bytes almost never do. Otherwise the bytes above 127
are judged by the spelling rules of the two families met in the clinic: Thai (a vowel or tone
mark stands on a consonant) and Western European (single accented letters between plain ones).
Anything else is refused with the question, never read as if it were Latin-1.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest.report import ImportNote
from stats.errors import BadInput

PIECE_BYTES = 1 << 19
_CHANGE = "If letters look wrong, choose another encoding in the import options."
_SAVE = "Save the file again as CSV UTF-8, or choose its encoding in the import options."
_NAMES = {
    "utf-8": "UTF-8",
    "utf-16-le": "UTF-16 (little endian)",
    "utf-16-be": "UTF-16 (big endian)",
    "utf-32-le": "UTF-32 (little endian)",
    "utf-32-be": "UTF-32 (big endian)",
    "cp874": "Thai (Windows-874 / TIS-620)",
    "cp1252": "Western European (Windows-1252)",
}
_SAME_AS = {
    "tis-620": "cp874", "iso8859-11": "cp874", "windows-874": "cp874", "ascii": "utf-8",
    "utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le",
}  # fmt: skip
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """`codec` as Python names it, the bytes of a byte order mark to skip, notes to the user."""

    codec: str
    skip_bytes: int = 0
    notes: tuple[ImportNote, ...] = ()

    @property
    def title(self) -> str:
        """The encoding as it is printed."""
        return _NAMES.get(self.codec, self.codec)


def decide_encoding(path: Path, chosen: str | None) -> Encoding:
    """The encoding of the file at `path`.

    `chosen` is the user's own choice and is taken at its word. The whole file is decoded once,
    piece by piece. BadInput with line numbers when it does not decode.
    """
    with path.open("rb") as file:
        head = file.read(PIECE_BYTES)
    bom = next(((mark, codec) for mark, codec in _BOMS if head.startswith(mark)), None)
    if chosen is not None:
        codec = _known_codec(chosen)
        skip = 0
        if bom and codec.startswith(bom[1][:6]):  # the mark knows the order of bytes
            skip, codec = len(bom[0]), bom[1]
        _check_decodes(path, codec, skip)
        return Encoding(codec, skip)
    if bom:
        mark, codec = bom
        _check_decodes(path, codec, len(mark))
        return Encoding(codec, len(mark), _wide_note(codec))
    if b"\x00" in head:
        codec = _utf16_without_mark(head)
        _check_decodes(path, codec, 0)
        return Encoding(codec, 0, _wide_note(codec))
    bad = _first_bad_byte(path, "utf-8", 0)
    if bad is None:
        return _guessed(path, "cp874") if _thai_by_chance_utf8(head) else Encoding("utf-8")
    return _single_byte(path, bad)


def _wide_note(codec: str) -> tuple[ImportNote, ...]:
    if codec == "utf-8":
        return ()
    text = f"The text was read as {_NAMES[codec]}."
    return (ImportNote("encoding", "info", text, _CHANGE),)


def _known_codec(chosen: str) -> str:
    try:
        info = codecs.lookup(_SAME_AS.get(chosen.strip().lower(), chosen.strip()))
        "".encode(info.name)  # refuses codecs that do not turn text into bytes
    except (LookupError, ValueError):
        raise BadInput(
            f'"{chosen[:40]}" is not an encoding that is known here.',
            rule="encoding", found=chosen[:40],
            hint="Choose UTF-8, UTF-16, cp874 (Thai) or cp1252 (Western European).",
        ) from None  # fmt: skip
    return _SAME_AS.get(info.name, info.name)


def pieces(path: Path, encoding: Encoding) -> Iterator[bytes]:
    """The text of the file as UTF-8 with line feeds only, in pieces of about a megabyte."""
    decoder = codecs.getincrementaldecoder(encoding.codec)("strict")
    plain = encoding.codec == "utf-8"
    held, line = b"", 1
    with path.open("rb") as file:
        file.seek(encoding.skip_bytes)
        while raw := file.read(PIECE_BYTES):
            piece = held + (raw if plain else decoder.decode(raw).encode("utf-8", "replace"))
            held = b"\r" if piece.endswith(b"\r") else b""
            if b"\r" in piece:
                piece = piece[: len(piece) - len(held)]
                piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            if b"\x00" in piece:
                raise _zero_byte(line + piece.count(b"\n", 0, piece.index(b"\x00")))
            line += piece.count(b"\n")
            yield piece
    if held:
        yield b"\n"


def _first_bad_byte(path: Path, codec: str, skip: int) -> int | None:
    """Offset of the first byte that does not decode; None when all do."""
    decoder = codecs.getincrementaldecoder(codec)("strict")
    done = skip
    with path.open("rb") as file:
        file.seek(skip)
        while raw := file.read(PIECE_BYTES):
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(raw)
            except UnicodeDecodeError as error:
                return done - pending + error.start
            done += len(raw)
    pending = len(decoder.getstate()[0])
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return done - pending
    return None


def _line_at(path: Path, offset: int, codec: str) -> int:
    wide = {"16": 2, "32": 4}.get(codec[4:6], 1) if codec.startswith("utf-") else 1
    with path.open("rb") as file:
        before = file.read(offset)
    text = before if wide == 1 else before.replace(b"\x00", b"")
    return 1 + text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n")


def _check_decodes(path: Path, codec: str, skip: int) -> None:
    bad = _first_bad_byte(path, codec, skip)
    if bad is not None:
        line = _line_at(path, bad, codec)
        raise BadInput(
            f"Line {line} holds bytes that are not valid {_NAMES.get(codec, codec)}.",
            rule="encoding", found=f"line {line}", hint=_SAVE,
        )  # fmt: skip


def _utf16_without_mark(head: bytes) -> str:
    """Which UTF-16 has its zero bytes where they stand; BadInput when it is not text."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    codec = "utf-16-le" if odd > even else "utf-16-be"
    few, many = sorted((even, odd))
    # Separators, digits and line ends give each line some zero bytes, all on one side.
    text = head[: len(head) // 2 * 2].decode(codec, "ignore")
    ends_lines = "\n" in text or "\r" in text
    plain = sum(ch.isprintable() or ch in "\r\n\t" for ch in text[:4096])
    if not ends_lines or few > many // 20 or plain < 0.95 * len(text[:4096]):
        raise _zero_byte(1 + head[: head.index(0)].count(b"\n"))
    return codec


def _zero_byte(line: int) -> BadInput:
    return BadInput(
        f"Line {line} holds a zero byte, so the file is damaged or is not a text file.",
        rule="zero byte", found=f"line {line}",
        hint="Open it in the program that made it and save it again as CSV UTF-8.",
    )  # fmt: skip


def _single_byte(path: Path, bad: int) -> Encoding:
    """Thai, Western, or a refusal, for a file that is not UTF-8 at byte `bad`."""
    raw, first_line = _window(path, bad)
    _refuse_mixed(raw, first_line)
    if _looks_thai(raw):
        return _guessed(path, "cp874")
    if _looks_western(raw):
        return _guessed(path, "cp1252")
    raise BadInput(
        "The file's letters are in an encoding that cannot be told from its content.",
        rule="encoding", found="unknown", hint=_SAVE,
    )  # fmt: skip


def _window(path: Path, offset: int) -> tuple[bytes, int]:
    """Whole lines around `offset` (about two megabytes) and the line number of the first."""
    start = max(0, offset - PIECE_BYTES)
    with path.open("rb") as file:
        before = file.read(start)
        raw = file.read(2 * PIECE_BYTES)
        more = bool(file.read(1))
    if more and b"\n" in raw:
        raw = raw[: raw.rindex(b"\n") + 1]
    first_line = 1 + before.count(b"\n")
    if start and b"\n" in raw[: offset - start]:
        raw, first_line = raw[raw.index(b"\n") + 1 :], first_line + 1
    return raw, first_line


def _guessed(path: Path, codec: str) -> Encoding:
    _check_decodes(path, codec, 0)
    text = f"The file is not UTF-8; its text was read as {_NAMES[codec]}."
    return Encoding(codec, 0, (ImportNote("encoding", "caution", text, _CHANGE),))


_BAD = re.compile("[\udc80-\udcff]")
# Blocks below U+0800 in which hardly anyone writes. Pairs of Thai bytes can be valid UTF-8 by
# chance, and then mostly fall here.
_UNUSUAL = re.compile("[\u0080-\u009f\u0250-\u036f\u0460-\u05cf\u0700-\u07ff]")
_ACCENTED = re.compile(rb"[A-Za-z][\x80-\xff]|[\x80-\xff][A-Za-z]|[\x80-\xa0]")
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")


def _refuse_mixed(raw: bytes, first_line: int) -> None:
    """BadInput for a file that is UTF-8 except in some places."""
    text = raw.decode("utf-8", "surrogateescape")
    bad = len(_BAD.findall(text))
    good = len(_BEYOND_ASCII.findall(text)) - bad - len(_UNUSUAL.findall(text))
    if good < 2 or good * 3 < bad:
        return
    lines = [n for n, line in enumerate(text.split("\n"), start=first_line) if _BAD.search(line)]
    shown = ", ".join(str(n) for n in lines[:5]) + (" and more" if len(lines) > 5 else "")
    raise BadInput(
        f"The file is UTF-8 except for bytes in line {shown} that are not.",
        rule="encoding", found=f"line {shown}", hint=_SAVE,
    )  # fmt: skip


def _thai_by_chance_utf8(head: bytes) -> bool:
    """True for a few Thai words whose bytes are valid UTF-8 as well, as those of two letters
    each can be: they would be letters that no one uses."""
    if head.isascii() or _ACCENTED.search(head):
        return False
    text = head.decode("utf-8", "ignore")
    found, unusual = len(_BEYOND_ASCII.findall(text)), len(_UNUSUAL.findall(text))
    return 2 * unusual >= found and max(text) < "\u0800" and _looks_thai(head)


def _high_runs(raw: bytes) -> Iterator[bytes]:
    """The runs of bytes above 127."""
    table = bytes(32 if value < 128 else value for value in range(256))
    yield from raw.translate(table).split()


_THAI_ABOVE_BELOW = frozenset([0xD1, *range(0xD4, 0xDB), *range(0xE7, 0xEF)])
_THAI_LEADING = frozenset(range(0xE0, 0xE5))
_THAI_CONSONANT = frozenset(range(0xA1, 0xCF))
_THAI_ABSENT = frozenset([*range(0xDB, 0xDF), *range(0xFC, 0x100)])


def _looks_thai(raw: bytes) -> bool:
    """True when the high bytes obey Thai spelling (TIS-620 positions)."""
    letters = broken = long_runs = 0
    for run in _high_runs(raw):
        letters += len(run)
        long_runs += len(run) if len(run) >= 2 else 0
        before = 0
        for i, byte in enumerate(run):
            if byte in _THAI_ABSENT:
                return False
            on_consonant = before in _THAI_CONSONANT or before in _THAI_ABOVE_BELOW
            if byte in _THAI_ABOVE_BELOW and not on_consonant:
                broken += 1
            follower = run[i + 1] if i + 1 < len(run) else 0
            if byte in _THAI_LEADING and follower not in _THAI_CONSONANT:
                broken += 1
            before = byte
    return letters > 0 and long_runs >= 0.6 * letters and broken <= 0.05 * letters


_WESTERN_ABSENT = frozenset([0x81, 0x8D, 0x8F, 0x90, 0x9D])


def _looks_western(raw: bytes) -> bool:
    """True when high bytes stand alone or in pairs, as accents and signs do."""
    letters = alone = 0
    for run in _high_runs(raw):
        if not _WESTERN_ABSENT.isdisjoint(run):
            return False
        letters += len(run)
        alone += len(run) if len(run) <= 2 else 0
    return alone >= 0.8 * letters
