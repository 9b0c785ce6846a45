"""e and f: huge and wide files; names and cells with markup, code, formulas, long strings."""

from __future__ import annotations

from ingest import ReadLimits
from tests.corpus.case import Corpus, refused, table

corpus = Corpus()
SMALL = ReadLimits(file_bytes=2000, rows=100, columns=50, cells=500, cell_characters=1000)

corpus.add("e01_file_too_large", b"a,b\n" + b"1,2\n" * 600, refused("mb"), limits=SMALL)
corpus.add("e02_too_many_columns", (",".join(f"v{i}" for i in range(2500)) + "\n" + "1," * 2499 + "1\n").encode(),
           refused("2,500 columns", "2,000"))  # fmt: skip
corpus.add("e03_ten_million_separators", lambda: b"," * 10_000_000 + b"\n", refused("line 1"))
corpus.add("e04_one_endless_line", lambda: b"x" * 9_000_000, refused("line 1", "longer than"))
corpus.add("e05_too_many_rows", lambda: b"a\n" + b"1\n" * 1_002_000, refused("1,000,000 rows"))
corpus.add("e06_unclosed_quote_to_the_end", lambda: b'a,b\n1,"x\n' + b"2,3\n" * 2_000_000,
           refused("quotation mark", "line 2"))  # fmt: skip
corpus.add("e07_long_cell", lambda: b"a,b\n1," + b"x" * 50_000 + b"\n2,y\n",
           refused("line 2", "32,767 characters"))  # fmt: skip
corpus.add("e08_cell_at_the_limit", lambda: b"a,b\n1," + b"x" * 32_767 + b"\n2,y\n",
           table({"a": [1, 2], "b": ["x" * 32_767, "y"]}))  # fmt: skip
corpus.add("e09_50kb_of_digits", lambda: b"a,b\n1," + b"9" * 32_000 + b"\n2,7\n",
           table({"a": [1, 2], "b": ["9" * 32_000, "7"]}, "codes_kept"))  # fmt: skip
corpus.add("e10_regex_traps",
           lambda: b"k,x\n" + b"".join(
               b"%d,%s\n" % (i, body * 15_000) for i, body in enumerate((b"1e", b"1,"[:1] + b".", b"< ", b"((", b"a1"))
           ),
           table({"k": [0, 1, 2, 3, 4],
                  "x": ["1e" * 15_000, "1." * 15_000, ("< " * 15_000).strip(), "((" * 15_000, "a1" * 15_000]},
                 "trimmed_blanks"))  # fmt: skip
corpus.add("e11_long_name", lambda: b"a," + b"n" * 30_000 + b"\n1,2\n3,4\n",
           table({"a": [1, 3], "n" * 299 + "\u2026": [2, 4]}, "cleaned_names"))  # fmt: skip
corpus.add("e12_many_blanks", lambda: b"a,b\n1," + b" " * 30_000 + b"x\n2,y\n",
           table({"a": [1, 2], "b": ["x", "y"]}, "trimmed_blanks"))  # fmt: skip
corpus.add("e13_million_quotes", lambda: b"a,b\n1," + b'"' * 1_000_000 + b"\n2,y\n",
           refused("longer than 32,767"))  # fmt: skip
corpus.add("e14_two_thousand_columns",
           (",".join(f"v{i}" for i in range(2000)) + "\n" + ("1," * 1999 + "1\n") * 3).encode(),
           table({f"v{i}": [1, 1, 1] for i in range(2000)}))  # fmt: skip

NASTY = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "=1+1", "+cmd|' /C calc'!A0",
    "@SUM(A1)", "-2+3", "Q('x')", "') + __import__('os').system('touch PWNED') + Q('",
    "{{7*7}}", "${jndi:x}", "$x_1^2$", "\\textbf{x}", "a`b`", "x; DROP TABLE y", "../../etc/passwd",
    "con", "None", "True", "\u202ereversed", "a'b", "%s%n", "\uff1d1+1", "index", "self", "__class__",
]  # fmt: skip
_SHOWN = ["reversed" if name.startswith("\u202e") else name for name in NASTY]


def quoted(values: list[str]) -> str:
    return ",".join('"' + v.replace('"', '""') + '"' for v in values) + "\n"


corpus.add("f01_nasty_names", (quoted(NASTY) + quoted(["1"] * len(NASTY)) + quoted(["2"] * len(NASTY))).encode(),
           table({name: [1, 2] for name in _SHOWN}, "cleaned_names", also=("look_alike_names",)))  # fmt: skip
corpus.add("f02_nasty_levels", ("k,x\n" + "".join(f"{i}," + quoted([v]) for i, v in enumerate(NASTY))).encode(),
           table({"k": list(range(len(NASTY))), "x": NASTY}, also=("missing_like",)))  # fmt: skip
corpus.add("f03_control_characters", b"a,b\n1,x\x01y\n2,\x1bz\n" + b"3,plain text\n" * 40,
           table({"a": [1, 2] + [3] * 40, "b": ["x\x01y", "\x1bz"] + ["plain text"] * 40}))  # fmt: skip
corpus.add("f04_control_in_name", b"a\x07b,c\n" + b"1,2\n" * 50,
           table({"ab": [1] * 50, "c": [2] * 50}, "cleaned_names"))  # fmt: skip
corpus.add("f05_path_as_file_name", b"a,b\n1,2\n3,4\n", table({"a": [1, 3], "b": [2, 4]}),
           file_name="../../etc/passwd\x00.csv")  # fmt: skip
corpus.add(
    "f06_file_name_lies", b"a,b\n1,2\n3,4\n", table({"a": [1, 3], "b": [2, 4]}), file_name="x.xlsx"
)
