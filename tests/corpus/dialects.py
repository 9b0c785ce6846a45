"""b: separators, quotation marks, decimal marks, line ends, lines that do not fit."""

from __future__ import annotations

from tests.corpus.case import Corpus, refused, table

corpus = Corpus()
PLAIN = {"age": [54, 61, 47], "crp": [1.5, 20.25, 3.0], "sex": ["M", "F", "F"]}


def rows(sep: str, decimal: str = ".", end: str = "\n") -> str:
    lines = ["age crp sex", "54 1.5 M", "61 20.25 F", "47 3 F"]
    return "".join(line.replace(".", decimal).replace(" ", sep) + end for line in lines)


corpus.add("b01_comma", rows(",").encode(), table(PLAIN))
corpus.add("b02_semicolon", rows(";").encode(), table(PLAIN, "separator"))
corpus.add("b03_tab", rows("\t").encode(), table(PLAIN, "separator"))
corpus.add("b04_bar", rows("|").encode(), table(PLAIN, "separator"))
corpus.add("b05_semicolon_decimal_comma", rows(";", ",").encode(), table(PLAIN, "decimal_mark"))
corpus.add("b06_tab_decimal_comma", rows("\t", ",").encode(), table(PLAIN, "decimal_mark"))
corpus.add("b07_sep_line", b"sep=;\n" + rows(";").encode(), table(PLAIN))
corpus.add("b08_crlf", rows(",", end="\r\n").encode(), table(PLAIN))
corpus.add("b09_cr", rows(",", end="\r").encode(), table(PLAIN))
corpus.add("b10_no_final_line_end", rows(",").encode().rstrip(), table(PLAIN))
corpus.add("b11_mixed_line_ends", b"age,crp,sex\r\n54,1.5,M\n61,20.25,F\r47,3,F\n", table(PLAIN))
corpus.add(
    "b12_blanks_aligned", b"age   crp   sex\n54    1.5   M\n61    20.25 F\n47    3     F\n",
    table(PLAIN, "separator"),
)  # fmt: skip
corpus.add(
    "b13_short_line", b"a,b,c\n1,2,3\n4,5\n6,7,8\n",
    table({"a": [1, 4, 6], "b": [2, 5, 7], "c": [3, None, 8]}, "short_lines"),
)  # fmt: skip
corpus.add(
    "b14_long_line", b"a,b\n" + b"1,2\n" * 20 + b"3,4,5\n" + b"6,7\n",
    table({"a": [1] * 20 + [6], "b": [2] * 20 + [7]}, "long_lines"),
)  # fmt: skip
corpus.add(
    "b15_index_shift", b"a,b\n1,2,3\n4,5,6\n7,8,9\n", refused("header", "2 columns", "3 cells")
)
corpus.add(
    "b16_surplus_separators", b"a,b\n1,2,\n3,4,\n5,6,\n",
    table({"a": [1, 3, 5], "b": [2, 4, 6]}, "surplus_separators"),
)  # fmt: skip
corpus.add(
    "b17_preamble", b"Ward report 2024,,\nprinted by: office\n\nid,age,sex\n1,54,M\n2,61,F\n3,40,F\n",
    table({"id": [1, 2, 3], "age": [54, 61, 40], "sex": ["M", "F", "F"]}, "preamble"),
)  # fmt: skip
corpus.add(
    "b18_footer", b"id,age,sex\n1,54,M\n2,61,F\n3,40,F\n\nSource: ward register\n",
    table({"id": [1, 2, 3], "age": [54, 61, 40], "sex": ["M", "F", "F"]}, "footer"),
)  # fmt: skip
corpus.add(
    "b19_second_table", b"id,age,sex\n1,54,M\n2,61,F\n\nward,beds\nA,10\nB,12\n",
    table({"id": [1, 2], "age": [54, 61], "sex": ["M", "F"]}, "second_table"),
)  # fmt: skip
corpus.add(
    "b20_second_table_same_width", b"id,age,n\n1,54,3\n2,61,4\n\nward,beds,staff\n7,10,5\n8,12,6\n",
    table({"id": [1, 2], "age": [54, 61], "n": [3, 4]}, "second_table"),
)  # fmt: skip
corpus.add(
    "b21_quoted_separator", b'a,b\n"x, y",1\n"z",2\n', table({"a": ["x, y", "z"], "b": [1, 2]})
)  # fmt: skip
corpus.add(
    "b22_quoted_line_break", b'a,b\n"x\ny",1\n"z",2\n', table({"a": ["x\ny", "z"], "b": [1, 2]})
)  # fmt: skip
corpus.add(
    "b23_doubled_quotes", b'a,b\n"he said ""no""",1\n"""x""",2\n',
    table({"a": ['he said "no"', '"x"'], "b": [1, 2]}),
)  # fmt: skip
corpus.add("b24_unclosed_quote", b'a,b\n1,2\n"x,3\n4,5\n', refused("quotation mark", "line 3"))
corpus.add(
    "b25_inch_mark", b'tube,n\n5" tube,1\n6" tube,2\nnone,3\n',
    table({"tube": ['5" tube', '6" tube', "none"], "n": [1, 2, 3]}, also=("numbers_with_marks",)),
)  # fmt: skip
corpus.add("b26_text_after_quote", b'a,b\n"x"y,1\nz,2\n', refused("quotation mark", "line 2"))
corpus.add(
    "b27_total_row", b"id,n\n1,5\n2,6\nTotal,11\n",
    table({"id": ["1", "2", "Total"], "n": [5, 6, 11]}, "total_row", "numbers_and_text"),
)  # fmt: skip
corpus.add(
    "b28_blank_lines_inside", b"a,b\n1,2\n\n3,4\n,\n5,6\n",
    table({"a": [1, 3, 5], "b": [2, 4, 6]}, "blank_lines"),
)  # fmt: skip
corpus.add(
    "b29_blanks_after_commas", b"a, b, c\n1, x, 2.5\n2, y, 3.5\n",
    table({"a": [1, 2], "b": ["x", "y"], "c": [2.5, 3.5]}, "trimmed_blanks"),
)  # fmt: skip
corpus.add(
    "b30_blank_then_quote", b'a, b\n1, "x, y"\n2, "z"\n',
    table({"a": [1, 2], "b": ["x, y", "z"]}),
)  # fmt: skip
corpus.add(
    "b31_one_column", b"age\n54\n\n61\n", table({"age": [54, None, 61]}, "blank_lines")
)  # fmt: skip
corpus.add(
    "b32_thousands_comma", b'a;b\n"1,234.5";x\n"12,000";y\n7;z\n',
    table({"a": [1234.5, 12000, 7], "b": ["x", "y", "z"]}, "thousands_marks", also=("separator",)),
)  # fmt: skip
corpus.add(
    "b33_thousands_point", b"a;b\n1.234,5;x\n12.000,0;y\n7;z\n",
    table({"a": [1234.5, 12000, 7], "b": ["x", "y", "z"]}, "thousands_marks"),
)  # fmt: skip
corpus.add(
    "b34_ambiguous_comma", b"a;b\n1,234;x\n5,678;y\n", table(
        {"a": ["1,234", "5,678"], "b": ["x", "y"]}, "ambiguous_numbers"),
)  # fmt: skip
corpus.add(
    "b35_ambiguous_chosen", b"a;b\n1,234;x\n5,678;y\n",
    table({"a": [1.234, 5.678], "b": ["x", "y"]}), decimal_mark=",",
)  # fmt: skip
corpus.add(
    "b36_ambiguous_chosen_point", b"a;b\n1,234;x\n5,678;y\n",
    table({"a": [1234, 5678], "b": ["x", "y"]}, "thousands_marks"), decimal_mark=".",
)  # fmt: skip
corpus.add(
    "b37_thousands_blank", "a;b\n1\u202f234\u202f567,5;x\n12 000;y\n7;z\n".encode(),
    table({"a": [1234567.5, 12000, 7], "b": ["x", "y", "z"]}, "thousands_marks"),
)  # fmt: skip
corpus.add(
    "b38_chosen_separator", b"a;b,c\n1;2,3\n4;5,6\n",
    table({"a;b": ["1;2", "4;5"], "c": [3, 6]}), separator=",",
)  # fmt: skip
corpus.add("b39_unknown_separator", b"a,b\n1,2\n", refused("separator"), separator="%")
corpus.add(
    "b40_unit_row", b"age,crp,sex\n(years),(mg/l),\n54,1.5,M\n61,2.5,F\n47,3,F\n50,4,M\n",
    table({"age": ["(years)", "54", "61", "47", "50"], "crp": ["(mg/l)", "1.5", "2.5", "3", "4"],
           "sex": [None, "M", "F", "F", "M"]}, "second_header", also=("numbers_and_text",)),
)  # fmt: skip
corpus.add(
    "b41_trailing_empty_rows", b"a,b\n1,2\n3,4\n" + b",\n" * 500,
    table({"a": [1, 3], "b": [2, 4]}),
)  # fmt: skip
corpus.add(
    "b42_mostly_long", b"a,b\n" + b"1,2,3\n" * 3 + b"4,5\n" * 4, refused("more cells")
)  # fmt: skip
corpus.add(
    "b43_quoted_everything", b'"a","b"\n"1","x"\n"2","y"\n', table({"a": [1, 2], "b": ["x", "y"]})
)  # fmt: skip
corpus.add(
    "b44_header_line_chosen", b"a,b\nx,y\n1,2\n3,4\n",
    table({"x": [1, 3], "y": [2, 4]}, "preamble"), header_row=2,
)  # fmt: skip
