"""a: the same small Thai and Western tables in every encoding that reaches a hospital."""

from __future__ import annotations

from tests.corpus.case import Corpus, refused, table

corpus = Corpus()

THAI = "เพศ,อายุ,หอผู้ป่วย\nชาย,54,อายุรกรรม\nหญิง,61,ศัลยกรรม\nหญิง,47,อายุรกรรม\n"
THAI_TRUTH = {
    "เพศ": ["ชาย", "หญิง", "หญิง"],
    "อายุ": [54, 61, 47],
    "หอผู้ป่วย": ["อายุรกรรม", "ศัลยกรรม", "อายุรกรรม"],
}
WEST = "Größe,Prénom,âge\n1.75,René,54\n1.62,Zoë,61\n1.80,François,47\n"
WEST_TRUTH = {
    "Größe": [1.75, 1.62, 1.8],
    "Prénom": ["René", "Zoë", "François"],
    "âge": [54, 61, 47],
}
SIGNS = "Temp °C;CRP (µg/ml)\n37,5;12,1\n38,1;3,4\n"

corpus.add("a01_ascii", b"a,b\n1,x\n2,y\n", table({"a": [1, 2], "b": ["x", "y"]}))
corpus.add("a02_utf8_thai", THAI.encode(), table(THAI_TRUTH))
corpus.add("a03_utf8_bom_thai", b"\xef\xbb\xbf" + THAI.encode(), table(THAI_TRUTH))
corpus.add(
    "a04_utf16_le_bom", b"\xff\xfe" + THAI.encode("utf-16-le"), table(THAI_TRUTH, "encoding")
)
corpus.add(
    "a05_utf16_be_bom", b"\xfe\xff" + THAI.encode("utf-16-be"), table(THAI_TRUTH, "encoding")
)
corpus.add("a06_utf16_le_bare", THAI.encode("utf-16-le"), table(THAI_TRUTH, "encoding"))
corpus.add("a07_utf16_be_bare", THAI.encode("utf-16-be"), table(THAI_TRUTH, "encoding"))
corpus.add("a08_utf16_le_bare_latin", WEST.encode("utf-16-le"), table(WEST_TRUTH, "encoding"))
corpus.add("a09_tis620", THAI.encode("tis-620"), table(THAI_TRUTH, "encoding"))
corpus.add("a10_cp874", THAI.encode("cp874"), table(THAI_TRUTH, "encoding"))
corpus.add("a11_cp1252", WEST.encode("cp1252"), table(WEST_TRUTH, "encoding"))
corpus.add(
    "a12_cp1252_signs", SIGNS.encode("cp1252"),
    table({"Temp °C": [37.5, 38.1], "CRP (µg/ml)": [12.1, 3.4]}, "encoding", "decimal_mark"),
)  # fmt: skip
corpus.add("a13_utf8_west", WEST.encode(), table(WEST_TRUTH))
corpus.add(
    "a14_utf8_one_bad_byte", (WEST * 3).encode() + b"1.7,Ren\xe9,50\n" + WEST.encode(),
    refused("utf-8 except", "line 13"),
)  # fmt: skip
corpus.add("a15_utf16_odd_length", b"\xff\xfe" + THAI.encode("utf-16-le")[:-1], refused("utf-16"))
corpus.add(
    "a16_utf32_bom", b"\xff\xfe\x00\x00" + THAI.encode("utf-32-le"), table(THAI_TRUTH, "encoding")
)
corpus.add("a17_nul_in_header", b"a\x00b,c\n1,2\n3,4\n", refused("line 1", "zero byte"))
corpus.add("a18_nul_in_cell", b"a,b\n1,2\n3,\x004\n", refused("line 3", "zero byte"))
corpus.add(
    "a19_chosen_latin1", WEST.encode("latin-1"), table(WEST_TRUTH), encoding="latin-1"
)  # fmt: skip
corpus.add("a20_chosen_wrong", WEST.encode("cp1252"), refused("line 1", "utf-8"), encoding="utf-8")
corpus.add("a21_chosen_unknown", b"a\n1\n2\n", refused("klingon"), encoding="klingon")
corpus.add(
    "a22_invisible_in_names", "a\u200b,b\u00a0c,\ufeffd\n1,2,3\n4,5,6\n".encode(),
    table({"a": [1, 4], "b c": [2, 5], "d": [3, 6]}, "cleaned_names"),
)  # fmt: skip
corpus.add(
    "a23_look_alike_names", "age,аge\n1,2\n3,4\n".encode(),
    table({"age": [1, 3], "аge": [2, 4]}, "look_alike_names"),
)  # fmt: skip
corpus.add(
    "a24_right_to_left", "שם,עיר\nדן,חיפה\nרות,יפו\n".encode(),
    table({"שם": ["דן", "רות"], "עיר": ["חיפה", "יפו"]}),
)  # fmt: skip
corpus.add(
    "a25_emoji_levels", "a,b\n1,🙂\n2,🙁\n3,🙂\n".encode(),
    table({"a": [1, 2, 3], "b": ["🙂", "🙁", "🙂"]}),
)  # fmt: skip
corpus.add(
    "a26_cyrillic_1251", "пол,возраст\nмужской,54\nженский,61\n".encode("cp1251"),
    refused("encoding", "cannot be told"),
)  # fmt: skip
corpus.add(
    "a27_cyrillic_chosen", "пол,возраст\nмужской,54\nженский,61\n".encode("cp1251"),
    table({"пол": ["мужской", "женский"], "возраст": [54, 61]}), encoding="cp1251",
)  # fmt: skip
corpus.add(
    "a28_combining_forms", "caf\u00e9,cafe\u0301\n1,2\n3,4\n".encode(),
    table({"caf\u00e9": [1, 3], "cafe\u0301": [2, 4]}, "look_alike_names"),
)  # fmt: skip
