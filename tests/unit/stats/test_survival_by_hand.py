"""Survival worked by hand on at most ten patients."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from stats.errors import BadInput, NotEstimable
from stats.incidence import estimate_incidence
from stats.life_table import without_rounding
from stats.log_rank import holm
from stats.survival import estimate_survival
from stats.survival_choices import nice_times


def frame(time, event, **more):
    return pd.DataFrame({"time": time, "event": event, **more})


def survival(data, **choices):
    return estimate_survival(data, time="time", event="event", **{"event_level": 1, **choices})


def codes(result):
    return {note.code for note in result.notes}


def test_one_step_at_a_time():
    # n: 6 5 . 3 2 1; deaths at 1, 3, 3, 5; censored at 2 and 6
    result = survival(frame([3, 1, 2, 3, 5, 6], [1, 1, 0, 1, 1, 0]), interval="plain")
    points = result.points
    assert points["time"].tolist() == [1, 2, 3, 5, 6]
    assert points["at_risk"].tolist() == [6, 5, 4, 2, 1]
    assert points["events"].tolist() == [1, 0, 2, 1, 0]
    assert points["censored"].tolist() == [0, 1, 0, 0, 1]
    s = np.array([5 / 6, 5 / 6, 5 / 12, 5 / 24, 5 / 24])
    assert_allclose(points["survival"], s, rtol=1e-15)
    greenwood = np.array([1 / 30, 1 / 30, 1 / 30 + 2 / 8, 1 / 30 + 2 / 8 + 1 / 2])
    assert_allclose(points["std_error"][:4], s[:4] * np.sqrt(greenwood), rtol=1e-14)
    summary = result.summary.iloc[0]
    assert summary["median"] == 3.0
    assert result.facts["tau"] == 6.0
    # the area under the steps
    assert_allclose(summary["rmst"], 1 + 2 * 5 / 6 + 2 * 5 / 12 + 1 * 5 / 24, rtol=1e-15)
    areas = np.array([2 * 5 / 6 + 2 * 5 / 12 + 5 / 24, 2 * 5 / 12 + 5 / 24, 5 / 24])
    variance = areas**2 @ [1 / 30, 2 / 8, 1 / 2]
    assert_allclose(summary["rmst_std_error"], math.sqrt(variance), rtol=1e-14)
    assert summary["person_time"] == 20.0


def test_intervals_by_their_formulas():
    # one death among four at time 2: S = 3/4, variance of log S = 1/12
    data = frame([2, 4, 4, 4], [1, 0, 0, 0])
    z, s, v = 1.959963984540054, 0.75, math.sqrt(1 / 12)
    expected = {
        "plain": (s - z * s * v, 1.0),
        "log": (s * math.exp(-z * v), 1.0),
        "log-log": (
            s ** math.exp(z * v / -math.log(s)), s ** math.exp(-z * v / -math.log(s))
        ),
    }  # fmt: skip
    for kind, (low, high) in expected.items():
        row = survival(data, interval=kind).points.iloc[0]
        assert_allclose([row["ci_low"], row["ci_high"]], [low, high], rtol=1e-13)


def test_a_censoring_tied_with_an_event_comes_after_it():
    points = survival(frame([2, 2, 3], [1, 0, 1])).points
    assert points["at_risk"].tolist() == [3, 1]
    assert_allclose(points["survival"], [2 / 3, 0.0])
    assert points["std_error"].isna().tolist() == [False, True]


def test_without_censoring_it_is_the_empirical_distribution():
    times = [4, 1, 3, 3, 7, 9, 2, 8]
    points = survival(frame(times, [1] * 8)).points
    expected = [np.mean(np.array(times) > t) for t in points["time"]]
    assert_allclose(points["survival"], expected, atol=1e-15)


def test_the_median_of_a_flat_half():
    data = frame([1, 2, 4, 6], [1, 1, 1, 1])
    assert survival(data).summary["median"][0] == 3.0
    assert survival(data, median_rule="first").summary["median"][0] == 2.0
    # the curve ends on the level: up to the end of follow-up
    data = frame([1, 2, 4, 6], [1, 1, 0, 0])
    assert survival(data).summary["median"][0] == 4.0
    # twenty deaths: the product of fractions is not exactly 1/2
    data = frame(range(1, 21), [1] * 20)
    assert survival(data).summary["median"][0] == 10.5


def test_all_censored():
    result = survival(frame([1, 2, 3], [0, 0, 0]))
    assert result.points["survival"].tolist() == [1.0, 1.0, 1.0]
    summary = result.summary.iloc[0]
    assert (summary["events"], summary["rmst"]) == (0, 3.0)
    assert math.isnan(summary["median"])
    assert "no_events" in codes(result)
    grouped = survival(frame([1, 2, 3], [0, 0, 0], group=["a", "b", "b"]), group="group")
    assert math.isnan(grouped.tests["p_value"][0])
    assert "no_comparison" in codes(grouped)


def test_a_group_without_events():
    data = frame([1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0], group=list("aaabbb"))
    result = survival(data, group="group")
    # expected in b: 3/6 + 3/5 + 3/4; variance 1/4 + 6/25 + 3/16
    expected = 3 / 6 + 3 / 5 + 3 / 4
    variance = 1 / 4 + 6 / 25 + 3 / 16
    test = result.tests.iloc[0]
    assert_allclose(test["statistic"], expected**2 / variance, rtol=1e-13)
    assert result.summary["expected"].tolist() == pytest.approx([3 - expected, expected])
    assert "no_events" in codes(result)
    assert any('in "b"' in note.text for note in result.notes)


def test_one_group_is_not_compared():
    result = survival(frame([1, 2], [1, 0], group=["a", "a"]), group="group")
    assert result.groups == ("a",)
    assert len(result.tests) == 0
    assert len(result.pairwise) == 0


def test_one_patient():
    for event in (0, 1):
        result = survival(frame([5], [event]))
        assert result.points["survival"].tolist() == [1.0 - event]


def test_left_truncation():
    # at risk at 3: entered before 3 and still there: a (0-3), b (1-5), not c (entry 3)
    data = frame([3, 5, 7], [1, 1, 0], entry=[0, 1, 3])
    result = survival(data, entry="entry")
    assert result.points["at_risk"].tolist() == [2, 2, 1]
    assert_allclose(result.points["survival"], [1 / 2, 1 / 4, 1 / 4])
    assert result.summary["person_time"][0] == 3 + 4 + 4
    again = survival(data, entry="entry", risk_times=[0, 1, 2, 4])
    assert again.chosen["at_risk"].tolist() == [1, 1, 2, 2]


def test_an_emptied_risk_set_is_told():
    data = frame([2, 9, 9], [1, 1, 0], entry=[0, 4, 4])
    result = survival(data, entry="entry")
    assert result.points["survival"].tolist()[0] == 0.0
    assert "risk_set_emptied" in codes(result)


def test_bad_rows_are_counted_and_named():
    data = frame([1, -2, np.nan, 4, 5, 3], [1, 1, 1, np.nan, 0, 1], entry=[0, 0, 0, 0, 5, np.nan])
    result = survival(data, entry="entry")
    assert result.n_used == 1
    assert dict(result.exclusions) == {
        "event missing": 1, "time missing": 1, "time negative": 1, "entry missing": 1,
        "entry not before time": 1,
    }  # fmt: skip
    texts = " ".join(note.text for note in result.notes)
    assert "row 2, left out" in texts
    assert "row 5, left out" in texts
    data["time"] = np.nan
    with pytest.raises(NotEstimable, match="time missing in 5"):
        survival(data, entry="entry")


def test_many_bad_rows_are_named_in_part():
    data = frame([-1.0] * 20 + [1.0], [1] * 21)
    text = next(n.text for n in survival(data).notes if n.code == "bad_times")
    assert "rows 1, 2, 3, 4, 5, 6, 7, 8 and 12 more" in text


def test_weights_by_hand():
    data = frame([1, 2, 3, 4], [1, 1, 1, 0], group=list("abab"))
    # group a at risk: 2 of 4, 1 of 3, 1 of 2; it has the deaths at 1 and 3
    n = np.array([4.0, 3.0, 2.0])
    expected = np.array([1 / 2, 1 / 3, 1 / 2])
    spread = expected * (1 - expected)
    before = np.array([1.0, 3 / 4, 1 / 2])
    for weights, w in (
        ("logrank", np.ones(3)), ("gehan-breslow", n), ("tarone-ware", np.sqrt(n)),
        ("fleming-harrington", before),
    ):  # fmt: skip
        difference = w @ (np.array([1, 0, 1]) - expected)
        test = survival(data, group="group", weights=weights).tests.iloc[0]
        assert_allclose(test["statistic"], difference**2 / (w**2 @ spread), rtol=1e-13)


def test_times_that_differ_by_rounding_are_one_time():
    assert 0.3 - 0.1 != 0.2
    points = survival(frame([0.3 - 0.1, 0.2, 0.5], [1, 1, 0])).points
    assert points["events"].tolist() == [2, 0]
    whole = np.array([1.0, 2.0])
    assert without_rounding([whole])[0] is whole


def test_holm():
    assert holm([0.01, 0.04, 0.03, float("nan")])[:3] == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.8, 0.9]) == [1.0, 1.0]


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (5565, (0, 1000, 2000, 3000, 4000, 5000)),
        (40, (0, 10, 20, 30, 40)),
        (0.35, (0, 0.06, 0.12, 0.18, 0.24, 0.3)),
        (0, (0,)),
        (72, (0, 12, 24, 36, 48, 60, 72)),
        (36, (0, 6, 12, 18, 24, 30, 36)),
    ],
)
def test_nice_times(last, expected):
    assert nice_times(last) == pytest.approx(expected)


def test_survival_at_chosen_times():
    data = frame([1, 2, 3, 4, 9, 9], [1, 1, 1, 0, 0, 0], group=list("aaaabb"))
    chosen = survival(data, group="group", times=[0, 2, 6], risk_times=[0, 5]).chosen
    own = chosen[chosen["group"] == "a"].set_index("time")
    assert_allclose(own["survival"], [1, 1 / 2, np.nan, np.nan])
    assert own["at_risk"].tolist() == [4, 3, 0, 0]
    assert own["events"].tolist() == [0, 2, 3, 3]
    assert own["asked"].tolist() == [True, True, False, True]
    assert own["listed"].tolist() == [True, False, True, False]


def test_the_event_is_never_guessed():
    data = frame([1, 2, 3], ["dead", "alive", "alive"])
    with pytest.raises(BadInput, match="Which value"):
        survival(data, event_level=None)
    assert "event_assumed" in codes(survival(frame([1, 2], [0, 1]), event_level=None))
    assert "event_assumed" in codes(survival(frame([1, 2], ["no", "no"]), event_level=None))
    three = frame([1, 2, 3], [1, 2, 3])
    with pytest.raises(BadInput, match="Which value"):
        survival(three, event_level=None)
    assert "censored_levels" in codes(survival(three))
    assert survival(three, event_level=[1, 3]).facts["events"] == 2
    assert survival(three, event_level="1").facts["events"] == 1
    with pytest.raises(BadInput, match='no level "7"'):
        survival(three, event_level=7)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"time": "when"}, "no column"),
        ({"time": "word"}, "must be a number"),
        ({"time": "date"}, "is date"),
        ({"group": "event"}, "two different roles"),
        ({"group": "id"}, "30 groups"),
        ({"strata": "group"}, "without groups"),
        ({"interval": "exact"}, "interval"),
        ({"ci_level": 95}, "between 0.5 and 1"),
        ({"tau": -1}, "above 0"),
        ({"tau": True}, "above 0"),
        ({"times": [-1]}, "above 0"),
        ({"times": "soon"}, "above 0"),
        ({"times": list(range(200))}, "at most 100"),
        ({"weights": "wilcoxon"}, "weights"),
        ({"rho": 1}, "Fleming-Harrington"),
        ({"weights": "fleming-harrington", "rho": -1}, "from 0 to 10"),
        ({"median_rule": "last"}, "median rule"),
        ({"pairwise": "tukey"}, "pairs"),
        ({"event": "id"}, "an event column has a few"),
    ],
)
def test_bad_choices_say_what_to_do(choices, words):
    n = 40
    data = frame(
        range(n), [0, 1] * 20, word=list("ab") * 20, group=list("ab") * 20, id=range(n),
        date=pd.Timestamp("2020-01-01"),
    )  # fmt: skip
    with pytest.raises(BadInput, match=words):
        survival(data, **choices) if "time" not in choices and "event" not in choices else (
            estimate_survival(data, **{"time": "time", "event": "event", **choices})
        )


def incidence(data, **choices):
    return estimate_incidence(data, time="time", event="event", **choices)


def test_incidence_by_hand():
    # 1 of a, 2 of b, 3 censored, 4 of a, 5 censored
    data = frame([1, 2, 3, 4, 5], ["a", "b", "c", "a", "c"])
    result = incidence(data, censored="c", times=[4.5])
    own = result.chosen[result.chosen["asked"]].set_index("cause")
    assert_allclose(own.loc["a", "incidence"], 1 / 5 + 3 / 5 * 1 / 2, rtol=1e-14)
    assert_allclose(own.loc["b", "incidence"], 4 / 5 * 1 / 4, rtol=1e-14)
    # Aalen's sum over 1 (a), 2 (b), 4 (a), with F = 1/5, 1/5, 1/2 and S = 4/5, 3/5, 3/10
    first = 1 / 25 * (1 - (3 / 10) / (4 / 5)) ** 2
    second = (4 / 5) ** 2 / 16 * ((3 / 10) / (3 / 5)) ** 2
    third = (3 / 5) ** 2 / 4
    assert_allclose(own.loc["a", "std_error"] ** 2, first + second + third, rtol=1e-13)


@pytest.mark.parametrize("seed", range(5))
def test_the_variance_of_incidence_is_its_double_sum(seed):
    # the sum over event times s <= t written out, with many ties and an emptied risk set
    rng = np.random.default_rng(seed)
    time, event = rng.integers(1, 9, 40), rng.integers(0, 3, 40)
    event[time == 8] = rng.integers(1, 3, (time == 8).sum())
    result = incidence(frame(time, event), causes=[1, 2], censored=0)
    for cause in (1, 2):
        free, f, sums = 1.0, 0.0, []
        for s in range(1, 9):
            n = (time >= s).sum()
            own = ((time == s) & (event == cause)).sum()
            other = ((time == s) & (event == 3 - cause)).sum()
            before, f = free, f + free * own / n
            free *= 1 - (own + other) / n
            ties = [1 - (d - 1) / (n - 1) if d > 1 else 1.0 for d in (own, other)]
            sums.append((before / n, free, f, own * ties[0], other * ties[1]))
            expected = 0.0
            for share, left, earlier, mine, theirs in sums:
                back = (f - earlier) / left if left > 0 else 0.0
                expected += share**2 * (mine * (1 - back) ** 2 + theirs * back**2 * (left > 0))
            points = result.points[(result.points["cause"] == str(cause))].set_index("time")
            if s in points.index:
                assert_allclose(points.loc[s, "incidence"], f, rtol=1e-13)
                assert_allclose(points.loc[s, "std_error"] ** 2, expected, rtol=1e-11)


def test_incidence_without_competition_is_one_minus_survival():
    data = frame([1, 2, 2, 3, 4, 6], [1, 0, 1, 1, 0, 1])
    result = incidence(data, causes=1, censored=0)
    points = survival(data).points
    assert_allclose(
        result.points["incidence"], 1 - points.loc[points["events"] > 0, "survival"], rtol=1e-14
    )
    assert "no_competing_event" in codes(result)


def test_incidences_and_freedom_add_up_to_one():
    rng = np.random.default_rng(3)
    data = frame(np.ceil(rng.exponential(9, 200)), rng.integers(0, 4, 200))
    at = [2.0, 8.0, 20.0]
    result = incidence(data, censored=0, times=at)
    any_event = data.assign(event=(data["event"] > 0).astype(int))
    free = survival(any_event, times=at).chosen
    total = result.chosen[result.chosen["asked"]].groupby("time")["incidence"].sum()
    assert_allclose(total, 1 - free.loc[free["asked"], "survival"], rtol=1e-12)


def test_grays_test_without_competing_events_has_the_log_rank_score():
    # the risk sets of the subdistribution are then the risk sets, so that the scores agree
    data = frame([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 1, 0], group=list("abbaba"))
    gray = incidence(data, causes=1, censored=0, group="group").tests.iloc[0]
    log_rank = survival(data, group="group").tests.iloc[0]
    assert gray["df"] == log_rank["df"] == 1
    assert abs(gray["statistic"] - log_rank["statistic"]) < 0.1 * (1 + log_rank["statistic"])


def test_endings_are_never_guessed():
    data = frame([1, 2, 3, 4], [1, 2, 3, 2])
    with pytest.raises(BadInput, match="which means censored"):
        incidence(data)
    assert incidence(data, censored=2).choices["causes"] == ("1", "3")
    assert incidence(data, causes=[1, 3]).choices["censored"] == ("2",)
    with pytest.raises(BadInput, match="neither a cause nor censored"):
        incidence(data, causes=1)
    with pytest.raises(BadInput, match="neither a cause nor censored"):
        incidence(data, causes=1, censored=2)
    with pytest.raises(BadInput, match="as well"):
        incidence(data, causes=[1, 2], censored=2)
    with pytest.raises(BadInput, match="left that could be an event"):
        incidence(data, censored=[1, 2, 3])
    assert incidence(data, causes=[1, 2, 3]).facts["censored"] == 0


def test_a_cause_that_one_group_never_has():
    data = frame([1, 2, 3, 4], ["a", "b", "b", "c"], group=list("xyxy"))
    result = incidence(data, censored="c", group="group")
    assert "no_events" in codes(result)
    silent = incidence(frame([1, 2], [0, 0], group=list("xy")), causes=1, censored=0, group="group")
    assert "no_comparison" in codes(silent)
    assert silent.points["incidence"].tolist() == [0.0, 0.0]
