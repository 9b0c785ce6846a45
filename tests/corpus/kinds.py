"""h: files that are no table, whatever they are called."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import tarfile
import zipfile

from tests.corpus.case import Corpus, refused, table

corpus = Corpus()


def archive(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name.replace("__", "/"), content)
    return out.getvalue()


def tarball() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        info = tarfile.TarInfo("a.csv")
        info.size = 4
        file.addfile(info, io.BytesIO(b"a\n1\n"))
    return out.getvalue()


corpus.add("h01_pdf", b"%PDF-1.7\n%\xe2\xe3\n1 0 obj\n", refused("pdf"))
corpus.add(
    "h02_old_excel", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504), refused("old excel", ".xls")
)
corpus.add(
    "h03_html_as_xls", b"<html><table><tr><td>1</td></tr></table></html>", refused("web page")
)
corpus.add(
    "h04_html_table", b"\xef\xbb\xbf\n <TABLE><tr><td>a</td></tr></TABLE>", refused("web page")
)
corpus.add("h05_xml", b"<?xml version='1.0'?><a><b>1</b></a>", refused("xml"))
corpus.add("h06_gzip", lambda: gzip.compress(b"a,b\n1,2\n" * 1000), refused("gzip"))
corpus.add("h07_gzip_bomb", lambda: gzip.compress(bytes(50_000_000)), refused("gzip"))
corpus.add("h08_pickle", pickle.dumps({"a": [1, 2]}), refused("pickle"))
corpus.add("h09_pickle_protocol_0", b"cos\nsystem\n(S'touch PWNED'\ntR.", refused("pickle"))
corpus.add("h10_program", b"MZ\x90\x00" + bytes(200), refused("program"))
corpus.add("h11_elf", b"\x7fELF\x02\x01\x01" + bytes(200), refused("program"))
corpus.add("h12_zip_of_csv", lambda: archive(a=b"a,b\n1,2\n"), refused("zip archive"))
corpus.add(
    "h13_ods", lambda: archive(mimetype=b"x", **{"content.xml": b"<a/>"}), refused("opendocument")
)
corpus.add(
    "h14_docx",
    lambda: archive(word__document=b"", **{"word/document.xml": b"<a/>"}),
    refused("word"),
)
corpus.add(
    "h15_xlsb",
    lambda: archive(**{"xl/workbook.bin": b"x", "[Content_Types].xml": b"<a/>"}),
    refused("binary excel"),
)
corpus.add("h16_xlsm", lambda: archive(**{"xl/vbaProject.bin": b"x", "xl/workbook.xml": b"<a/>", "[Content_Types].xml": b"<a/>"}),
           refused("macros"))  # fmt: skip
corpus.add("h17_json", json.dumps([{"a": 1}, {"a": 2}]).encode(), refused("json"))
corpus.add("h18_png", b"\x89PNG\r\n\x1a\n" + bytes(range(200)), refused("picture"))
corpus.add("h19_sqlite", b"SQLite format 3\x00" + bytes(100), refused("database"))
corpus.add("h20_spss", b"$FL2@(#) SPSS DATA FILE" + bytes(100), refused("spss"))
corpus.add("h21_stata", b"<stata_dta><header>" + bytes(100), refused("stata"))
corpus.add("h22_r_data", b"RDX3\nX\n" + bytes(100), refused("r data"))
corpus.add("h23_parquet", b"PAR1" + bytes(100) + b"PAR1", refused("parquet"))
corpus.add("h24_tar", tarball, refused("tar archive"))
corpus.add(
    "h25_random_bytes", bytes((i * 97 + 31) % 256 for i in range(4000)), refused("zero byte")
)
corpus.add(
    "h26_binary_without_zero",
    bytes((i * 97 + 31) % 31 + 1 for i in range(4000)),
    refused("not a text file"),
)
corpus.add("h27_csv_called_xls", b"a\tb\n1\t2\n3\t4\n", table({"a": [1, 3], "b": [2, 4]}, also=("separator",)),
           file_name="export.xls")  # fmt: skip
corpus.add("h31_twins", b"MZ,DZ\n1,2\n3,4\n", table({"MZ": [1, 3], "DZ": [2, 4]}))
corpus.add("h32_gene_par1", b"PAR1,b\n1.5,2\n3.5,4\n", table({"PAR1": [1.5, 3.5], "b": [2, 4]}))
corpus.add("h28_rtf", rb"{\rtf1\ansi a,b}", refused("rich text"))
corpus.add("h29_script", b"#!/bin/sh\necho a,b\n", refused("script"))
corpus.add("h30_password_zip_entry", b"PK\x03\x04" + bytes(60), refused("damaged"))
