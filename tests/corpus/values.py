"""d: values that readers change behind the user's back."""

from __future__ import annotations

from tests.corpus.case import Corpus, day, refused, table

corpus = Corpus()


def column(values: list[str], name: str = "x") -> bytes:
    """One column of interest beside a plain one."""
    return (f"k,{name}\n" + "".join(f"{i},{v}\n" for i, v in enumerate(values))).encode()


def truth(values: list, *notes: str, name: str = "x", also: tuple[str, ...] = ()):
    return table({"k": list(range(len(values))), name: values}, *notes, also=also)


corpus.add("d01_below_limit", column(["<0.5", "1.2", "3.4", "0.7"]),
           truth(["<0.5", "1.2", "3.4", "0.7"], "censored_values"))  # fmt: skip
corpus.add("d02_above_limit", column([">100", "12", "34", "7"]),
           truth([">100", "12", "34", "7"], "censored_values"))  # fmt: skip
corpus.add("d03_sentinel_999", column(["54", "61", "999", "47"], "age"),
           truth([54, 61, 999, 47], "sentinel_values", name="age"))  # fmt: skip
corpus.add("d04_sentinel_minus", column(["5.4", "6.1", "-99", "4.7"]),
           truth([5.4, 6.1, -99, 4.7], "sentinel_values"))  # fmt: skip
corpus.add("d05_na_word", column(["54", "NA", "61"]), truth([54, None, 61], "missing_words"))
corpus.add("d06_namibia", column(["TH", "NA", "DE", "TH"], "country"),
           truth(["TH", "NA", "DE", "TH"], "na_is_value", name="country"))  # fmt: skip
corpus.add("d07_na_among_words", column(["mild", "NA", "severe", "mild"]),
           truth(["mild", None, "severe", "mild"], "missing_words"))  # fmt: skip
corpus.add("d08_none_is_value", column(["none", "mild", "none", "severe"]),
           truth(["none", "mild", "none", "severe"]))  # fmt: skip
corpus.add("d09_many_missing_words",
           column(["1.5", "N/A", "nan", "null", ".", "", "NULL", "NaN", "#N/A", "2.5"]),
           truth([1.5] + [None] * 8 + [2.5], "missing_words", "error_cells", "empty_cells"))  # fmt: skip
corpus.add("d10_missing_undone", column(["54", "NA", "61"]),
           truth(["54", "NA", "61"], "numbers_and_text"), missing_words=())  # fmt: skip
corpus.add("d11_missing_chosen", column(["54", "unk", "61"]),
           truth([54, None, 61], "missing_words"), missing_words=("unk",))  # fmt: skip
corpus.add("d12_leading_zeros", column(["00123", "00456", "12345"], "hn"),
           truth(["00123", "00456", "12345"], "codes_kept", "may_identify", name="hn"))  # fmt: skip
corpus.add("d13_beyond_2_53", column(["9007199254740993", "", "9007199254740995"], "num"),
           truth(["9007199254740993", None, "9007199254740995"], "codes_kept", name="num"))  # fmt: skip
corpus.add("d14_1e400", column(["1e400", "2", "3"]), truth(["1e400", "2", "3"], "codes_kept"))
corpus.add("d15_exponents", column(["1e3", "2.5E-2", "-1.25e+1"]), truth([1000, 0.025, -12.5]))
corpus.add(
    "d16_percent", column(["12%", "50%", "7%"]), truth(["12%", "50%", "7%"], "numbers_with_marks")
)
corpus.add("d17_units", column(["12 mg", "15 mg", "7 mg"]),
           truth(["12 mg", "15 mg", "7 mg"], "numbers_with_marks"))  # fmt: skip
corpus.add(
    "d18_accounting", column(["(5)", "7", "(3)"]), truth(["(5)", "7", "(3)"], "numbers_with_marks")
)
corpus.add(
    "d19_trailing_minus", column(["5-", "7", "3-"]), truth(["5-", "7", "3-"], "numbers_with_marks")
)
corpus.add("d20_dipstick", column(["1+", "2+", "neg", "1+"]),
           truth(["1+", "2+", "neg", "1+"], "numbers_with_marks"))  # fmt: skip
corpus.add("d21_iso_dates", column(["2024-01-31", "", "2024-02-29"], "seen"),
           truth([day("2024-01-31"), None, day("2024-02-29")], name="seen"))  # fmt: skip
corpus.add("d22_iso_times", column(["2024-01-31 13:05", "2024-01-31T13:05:30", "2024-02-01 00:00:00.25"]),
           truth([day("2024-01-31 13:05"), day("2024-01-31 13:05:30"), day("2024-02-01 00:00:00.250")]))  # fmt: skip
corpus.add("d23_ambiguous_dates", column(["03/04/2024", "05/06/2024"]),
           truth(["03/04/2024", "05/06/2024"], "dates_not_read"))  # fmt: skip
corpus.add("d24_ambiguous_chosen", column(["03/04/2024", "05/06/2024"]),
           truth([day("2024-04-03"), day("2024-06-05")], "date_order"), date_order="day first")  # fmt: skip
corpus.add("d25_day_first", column(["31/01/2024", "05/06/2024"]),
           truth([day("2024-01-31"), day("2024-06-05")], "date_order"))  # fmt: skip
corpus.add("d26_month_first", column(["01/31/2024", "05/06/2024"]),
           truth([day("2024-01-31"), day("2024-05-06")], "date_order"))  # fmt: skip
corpus.add("d27_mixed_orders", column(["31/01/2024", "01/31/2024"]),
           truth(["31/01/2024", "01/31/2024"], "dates_not_read"))  # fmt: skip
corpus.add("d28_mixed_formats", column(["2024-01-31", "31/01/2024"]),
           truth(["2024-01-31", "31/01/2024"], "dates_not_read"))  # fmt: skip
corpus.add("d29_two_digit_years", column(["31/01/24", "05/06/24"]),
           truth(["31/01/24", "05/06/24"], "dates_not_read"))  # fmt: skip
corpus.add("d30_impossible_date", column(["2024-02-30", "2024-01-31"]),
           truth(["2024-02-30", "2024-01-31"], "dates_not_read"))  # fmt: skip
corpus.add("d31_buddhist_dates", column(["2567-01-31", "2567-02-29"]),
           truth(["2567-01-31", "2567-02-29"], "buddhist_years"))  # fmt: skip
corpus.add("d32_buddhist_year_column", column(["2560", "2561", "2562"], "year"),
           truth([2560, 2561, 2562], "buddhist_years", name="year"))  # fmt: skip
corpus.add("d33_excel_serials", column(["45321", "45322", "45399"], "admission date"),
           truth([45321, 45322, 45399], "excel_serials", name="admission date"))  # fmt: skip
corpus.add("d34_month_names", column(["31-Jan-2024", "05-Jun-2024"]),
           truth([day("2024-01-31"), day("2024-06-05")], "date_order"))  # fmt: skip
corpus.add("d35_booleans", column(["TRUE", "FALSE", "TRUE"]), truth(["TRUE", "FALSE", "TRUE"]))
corpus.add("d36_trailing_blanks", column(["yes", "yes ", " no", "no"]),
           truth(["yes", "yes", "no", "no"], "trimmed_blanks"))  # fmt: skip
corpus.add("d37_case_levels", column(["Yes", "yes", "NO", "no"]),
           truth(["Yes", "yes", "NO", "no"], "similar_levels"))  # fmt: skip
corpus.add("d38_inner_blanks", column(["very low", "very  low", "high", "high"]),
           truth(["very low", "very  low", "high", "high"], "similar_levels"))  # fmt: skip
corpus.add("d39_question_mark", column(["yes", "?", "no", "-"]),
           truth(["yes", "?", "no", "-"], "missing_like"))  # fmt: skip
corpus.add("d40_number_with_word", column(["54", "61", "refused", "47"]),
           truth(["54", "61", "refused", "47"], "numbers_and_text"))  # fmt: skip
corpus.add("d41_late_text",
           column([f"{i}.{i % 7}0" for i in range(1, 4000)] + ["<0.5"]),
           truth([f"{i}.{i % 7}0" for i in range(1, 4000)] + ["<0.5"], "censored_values"))  # fmt: skip
corpus.add("d42_plus_signs", column(["+1.5", "-0.5", "+2.0"]), truth([1.5, -0.5, 2], "plus_signs"))
corpus.add("d43_error_words", column(["1.5", "#DIV/0!", "#REF!", "2.5"]),
           truth([1.5, None, None, 2.5], "error_cells"))  # fmt: skip
corpus.add("d44_inf_word", column(["1", "inf", "2"]), truth(["1", "inf", "2"], "numbers_and_text"))
corpus.add("d45_hex_and_underscore", column(["0x10", "1_000", "7"]), truth(["0x10", "1_000", "7"]))
corpus.add("d46_typographic_minus", column(["\u22121.5", "2.5", "\u22123"]), truth([-1.5, 2.5, -3]))
corpus.add("d47_seventeen_digits", column(["0.1234567890123456", "0.30000000000000004", "1.7976931348623157e308"]),
           truth([0.1234567890123456, 0.30000000000000004, 1.7976931348623157e308]))  # fmt: skip
corpus.add("d48_integers_with_gap", column(["1", "", "3"]), truth([1.0, None, 3.0], "empty_cells"))
corpus.add("d49_whole_decimals", column(["1.0", "2.0", "3.0"]), truth([1, 2, 3]))
corpus.add(
    "d50_text_chosen",
    column(["1.50", "2.0", "3"]),
    truth(["1.50", "2.0", "3"]),
    text_columns=("x",),
)
corpus.add("d62_many_numbers_as_text", column([f"{i}.50" for i in range(3000)]),
           truth([f"{i}.50" for i in range(3000)]), text_columns=("x",))  # fmt: skip
corpus.add("d51_thai_digits", column(["๑๒", "๑๓", "๑๔"]), truth(["๑๒", "๑๓", "๑๔"]))
corpus.add("d52_gene_names", column(["SEP2", "MARCH1", "DEC1"]), truth(["SEP2", "MARCH1", "DEC1"]))
corpus.add("d53_ranges", column(["10-20", "20-30", "30-40"]), truth(["10-20", "20-30", "30-40"]))
corpus.add(
    "d54_fractions", column(["120/80", "140/90", "135/85"]), truth(["120/80", "140/90", "135/85"])
)
corpus.add("d55_nobreak_blank", column(["yes\u00a0", "yes", "no"]),
           truth(["yes", "yes", "no"], "trimmed_blanks"))  # fmt: skip
corpus.add(
    "d56_decimal_comma_in_comma_file",
    b'k,x\n0,"1,5"\n1,"2,25"\n',
    truth([1.5, 2.25], "decimal_mark"),
)
corpus.add("d57_bad_decimal_choice", b"a,b\n1,2\n", refused("decimal mark"), decimal_mark=";")
corpus.add(
    "d58_clock_times", column(["08:30", "23:15", "00:00"]), truth(["08:30", "23:15", "00:00"])
)
corpus.add("d59_time_zones", column(["2024-01-31T10:00:00Z", "2024-02-01T10:00:00+07:00"]),
           truth(["2024-01-31T10:00:00Z", "2024-02-01T10:00:00+07:00"]))  # fmt: skip
corpus.add("d60_negative_zero", column(["-0", "0", "5"]), truth([0, 0, 5]))
corpus.add("d61_two_kinds_of_decimal", b"k;x;y\n0;1,5;2.5\n1;2,25;3.75\n",
           table({"k": [0, 1], "x": [1.5, 2.25], "y": [2.5, 3.75]}, also=("decimal_mark",)))  # fmt: skip
