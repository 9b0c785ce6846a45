"""c: empty, header only, odd headers, one row, constant and empty columns."""

from __future__ import annotations

from tests.corpus.case import Corpus, refused, table

corpus = Corpus()
corpus.add("c01_zero_bytes", b"", refused("empty"))
corpus.add("c02_blank_lines_only", b"\n\n  \n\r\n", refused("empty"))
corpus.add("c03_header_only", b"a,b,c\n", refused("no rows"))
corpus.add("c04_one_row", b"a,b\n1,x\n", table({"a": [1], "b": ["x"]}))
corpus.add("c05_separators_only", b",,,\n,,,\n", refused("empty"))
corpus.add(
    "c06_duplicate_names", b"a,a,b,a\n1,2,3,4\n5,6,7,8\n",
    table({"a": [1, 5], "a (2)": [2, 6], "b": [3, 7], "a (3)": [4, 8]}, "duplicate_names",
          also=("look_alike_names",)),
)  # fmt: skip
corpus.add(
    "c07_empty_names", b"a,,c,\n1,2,3,4\n5,6,7,8\n",
    table({"a": [1, 5], "column_2": [2, 6], "c": [3, 7], "column_4": [4, 8]}, "empty_names"),
)  # fmt: skip
corpus.add(
    "c08_blank_names", b"a,   ,c\n1,2,3\n5,6,7\n",
    table({"a": [1, 5], "column_2": [2, 6], "c": [3, 7]}, "empty_names"),
)  # fmt: skip
corpus.add(
    "c09_year_names", b"2019,2020,2021\n1.5,2.5,3.5\n4.5,5.5,6.5\n7,8,9\n",
    table({"2019": [1.5, 4.5, 7], "2020": [2.5, 5.5, 8], "2021": [3.5, 6.5, 9]}, "numeric_header"),
)  # fmt: skip
corpus.add(
    "c10_no_header", b"M,54,1.5\nF,61,2.5\nM,47,3.5\nF,50,1\n",
    table({"column_1": ["M", "F", "M", "F"], "column_2": [54, 61, 47, 50],
           "column_3": [1.5, 2.5, 3.5, 1]}, "no_header"),
)  # fmt: skip
corpus.add(
    "c11_no_header_chosen", b"1,2\n3,4\n5,6\n",
    table({"column_1": [1, 3, 5], "column_2": [2, 4, 6]}, "no_header"), header_row=0,
)  # fmt: skip
corpus.add(
    "c12_empty_column", b"a,b,c\n1,,x\n2,,y\n",
    table({"a": [1, 2], "b": [None, None], "c": ["x", "y"]}, "empty_column", "empty_cells"),
)  # fmt: skip
corpus.add(
    "c13_unnamed_empty_column", b"a,,c\n1,,x\n2,,y\n",
    table({"a": [1, 2], "c": ["x", "y"]}, "empty_columns", also=("empty_names",)),
)  # fmt: skip
corpus.add(
    "c14_line_break_in_name", b'"age\n(years)",b\n54,1\n61,2\n',
    table({"age (years)": [54, 61], "b": [1, 2]}, "cleaned_names"),
)  # fmt: skip
corpus.add(
    "c15_case_twins", b"Age,age,AGE \n1,2,3\n4,5,6\n",
    table({"Age": [1, 4], "age": [2, 5], "AGE": [3, 6]}, "look_alike_names"),
)  # fmt: skip
corpus.add(
    "c16_constant", b"a,b\n1,x\n1,y\n1,z\n",
    table({"a": [1, 1, 1], "b": ["x", "y", "z"]}, "constant_column"),
)  # fmt: skip
corpus.add("c17_header_row_absent", b"a,b\n1,2\n", refused("no header", "line 9"), header_row=9)
corpus.add(
    "c18_taken_made_up_name", b"column_2,\n1,2\n3,4\n",
    table({"column_2": [1, 3], "column_2 (2)": [2, 4]}, "empty_names"),
)  # fmt: skip
corpus.add(
    "c19_name_that_would_clash", b"a,a (2),a\n1,2,3\n4,5,6\n",
    table({"a": [1, 4], "a (2)": [2, 5], "a (3)": [3, 6]}, "duplicate_names"),
)  # fmt: skip
corpus.add(
    "c20_huge_numbers", b"a,b\n1e308,-1e308\n2e-308,0\n",
    table({"a": [1e308, 2e-308], "b": [-1e308, 0.0]}),
)  # fmt: skip
corpus.add("c21_one_unended_line_after_blank", b"\na", refused("no rows"))
corpus.add(
    "c22_table_far_below", b"\n" * 3000 + b"a,b\n1,2\n3,4\n", table({"a": [1, 3], "b": [2, 4]})
)
corpus.add(
    "c23_many_gaps",
    lambda: b"a\n" + b"1\n\n" * 50_000 + b"2\n",
    table({"a": [1, None] * 50_000 + [2]}, "blank_lines"),
)
