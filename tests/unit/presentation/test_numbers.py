"""Printed numbers against the printed rules of AMA, NEJM, Lancet and BMJ, and the issue's examples."""

from __future__ import annotations

import math

import pytest

from presentation import numbers
from presentation.numbers import BMJ, JAMA, LANCET, NEJM, PLAIN, STYLES

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (0.0708, "0.071"), (1.0199, "1.02"), (12.34, "12.3"), (123.4, "123"), (0.5, "0.50"),
        (0.00123, "0.0012"), (9.999, "10.0"), (99.96, "100"), (NAN, "–"), (INF, "∞"),
        (-0.25, "−0.25"), (0.0, "0.00"), (2.5e-7, "2.5×10⁻⁷"), (3.2e8, "3.2×10⁸"),
    ],
)  # fmt: skip
def test_an_estimate_has_the_decimals_of_its_size(value, printed):
    assert numbers.estimate(value) == printed


@pytest.mark.parametrize(
    ("triple", "printed"),
    [
        ((1.522, 1.1, 2.08), "1.52 (1.10 to 2.08)"),
        ((0.0708, 0.000553, 0.5196), "0.071 (0.0006 to 0.520)"),
        ((12.34, 1.234, 123.4), "12.3 (1.2 to 123)"),
        ((123.4, 4.71, 2345.6), "123 (4.7 to 2346)"),
        ((1.0002, 1.0001, 1.0003), "1.0002 (1.0001 to 1.0003)"),
        ((1.52, 1.003, 2.3), "1.52 (1.003 to 2.30)"),  # never "1.00" when it is not 1
        ((0.8, 0.6, 0.9997), "0.80 (0.60 to 0.9997)"),
        ((NAN, 0.0, 0.36), "– (0 to 0.36)"),
        ((NAN, 3.1, INF), "– (3.10 to ∞)"),
        ((NAN, NAN, NAN), "–"),
        ((2.0, NAN, NAN), "2.00"),
        ((2.0, 0.5, INF), "2.00 (0.50 to ∞)"),
        ((1.0, 1.0, 1.0), "1.00 (1.00 to 1.00)"),
    ],
)
def test_an_interval_shares_the_precision_of_its_estimate(triple, printed):
    assert numbers.estimate_with_interval(*triple) == printed


def test_a_difference_is_compared_with_zero_and_keeps_its_signs_apart():
    shown = numbers.estimate_with_interval(-0.5, -1.2, -0.001, LANCET, null=0.0)
    assert shown == "−0·50 (−1·20 to −0·001)"


@pytest.mark.parametrize(
    ("p", "plain", "nejm", "jama", "lancet"),
    [
        (0.0, "<0.001", "<0.001", "<.001", "<0·0001"),
        (0.00049, "<0.001", "<0.001", "<.001", "0·00049"),
        (0.0035, "0.004", "0.004", ".004", "0·0035"),
        (0.0123, "0.012", "0.01", ".01", "0·012"),
        (0.046, "0.046", "0.046", ".046", "0·046"),  # AMA: not rounded onto 0.05
        (0.0523, "0.052", "0.052", ".052", "0·052"),
        (0.25, "0.250", "0.25", ".25", "0·25"),
        (0.9951, "0.995", ">0.99", ">.99", ">0·99"),
        (0.99999, ">0.999", ">0.99", ">.99", ">0·99"),
        (1.0, ">0.999", ">0.99", ">.99", ">0·99"),
        (NAN, "–", "–", "–", "–"),
    ],
)
def test_p_values_follow_each_journal(p, plain, nejm, jama, lancet):
    shown = [numbers.p_value(p, style) for style in (PLAIN, NEJM, JAMA, LANCET)]
    assert shown == [plain, nejm, jama, lancet]


def test_p_in_running_text():
    assert numbers.p_phrase(0.0004, NEJM) == "P < 0.001"
    assert numbers.p_phrase(0.0123) == "p = 0.012"
    assert numbers.p_phrase(NAN) == "p not estimable"


def test_counts_and_percentages():
    assert numbers.events_of(34, 120) == "34/120 (28.3%)"
    assert numbers.events_of(34, 120, JAMA) == "34/120 (28.3)"
    assert numbers.events_of(0, 0) == "0/0"
    assert numbers.events_of(NAN, 50) == "50"
    assert numbers.count_with_percent(34, 28.333, LANCET) == "34 (28·3%)"
    assert numbers.count_with_percent(NAN, NAN) == "–"


def test_means_and_medians_have_the_decimals_of_their_spread():
    assert [numbers.spread_decimals(s) for s in (256, 11.4, 4.3, 0.45, 0.0066, NAN, 0)] == [
        0, 1, 1, 2, 4, 1, 1,
    ]  # fmt: skip
    assert numbers.mean_with_sd(63.21, 11.43, 1) == "63.2 (11.4)"
    assert numbers.median_with_quartiles(63, 55, 71, 1) == "63.0 [55.0, 71.0]"
    assert numbers.median_with_quartiles(63, 55, 71, 1, NEJM) == "63.0 (55.0–71.0)"
    assert numbers.median_with_quartiles(-1, -5, 2, 1, BMJ) == "−1.0 (−5.0, 2.0)"


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("value", [0.0, 1e-300, -1e-12, 1e300, NAN, INF, -INF, 0.04999999])
def test_no_style_prints_a_machine_word(style, value):
    shown = [
        numbers.estimate(value, style),
        numbers.estimate_with_interval(value, value, value, style),
        numbers.p_value(min(max(value, 0.0), 1.0) if value == value else value, style),
        numbers.percent(value, style),
        numbers.count(value),
    ]
    for text in shown:
        assert not {"nan", "inf", "e-", "e+"} & {text.lower()[i : i + 3] for i in range(len(text))}
        assert text not in {"0.000", "0·000", ".000"}


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (0.0004, "<0.001"), (-0.0004, ">−0.001"), (0.0005, "0.001"), (0.1234, "0.123"), (0.0, "0"),
        (3e-15, "0"), (NAN, "–"), (INF, "∞"),
    ],
)  # fmt: skip
def test_a_small_measure_is_not_printed_as_zero(value, printed):
    assert numbers.fixed(value, 3) == printed
