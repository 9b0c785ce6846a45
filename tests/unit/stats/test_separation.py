"""Known separations are found and named; the gate holds."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from stats import rare
from stats.design import Term, make_design
from stats.errors import HeavyLaneNeeded, NotEstimable
from stats.rare.separation import Cause, find_separation
from tests.reference.models import model_of, truth


def factor(name, codes, levels, reference=0):
    return Term(name, "factor", np.asarray(codes), levels, reference)


def number(name, values):
    return Term(name, "continuous", np.asarray(values, dtype=np.float64))


def separation(y, *terms):
    y = np.asarray(y, dtype=np.float64)
    design = make_design(terms, np.arange(len(y)))
    return design, find_separation(design, y)


def test_a_level_without_events():
    """0/22 against 90/378 with a covariate that overlaps."""
    exposed = np.repeat([1, 0], [22, 378])
    y = np.concatenate([np.zeros(22), np.arange(378) < 90])
    age = np.random.default_rng(3).normal(60, 10, 400)
    _, found = separation(y, number("age", age), factor("drug", exposed, ("no", "yes")))
    assert (found.kind, found.columns, found.directions) == ("quasi-complete", (1,), (-1,))
    assert (found.runaway, found.runaway_directions) == ((1,), (-1,))
    assert found.causes == (Cause(1, 1, event=False),)


def test_a_pure_reference_moves_the_whole_term():
    codes = np.repeat([0, 1, 2], 20)
    y = np.concatenate([np.ones(20), np.tile([0, 1], 20)])
    _, found = separation(y, factor("stage", codes, ("I", "II", "III")))
    assert found.causes == (Cause(0, 0, event=True),)
    assert (found.columns, found.directions) == ((0, 1), (-1, -1))


def test_a_level_as_pure_as_the_reference_has_no_direction():
    codes = np.repeat([0, 1, 2], 20)
    y = np.concatenate([np.zeros(40), np.tile([0, 1], 10)])
    _, found = separation(y, factor("stage", codes, ("I", "II", "III")))
    assert (found.runaway, found.runaway_directions) == ((0, 1), (0, 1))


def test_a_cut_on_one_number():
    age = np.arange(40.0)
    _, found = separation(age >= 25, number("age", age))
    assert (found.kind, found.columns, found.directions) == ("complete", (0,), (1,))
    assert found.causes == (Cause(0, -1, event=True),)
    y = (age >= 25).astype(float)
    age[24] = 25.0
    _, found = separation(y, number("age", age))
    assert found.kind == "quasi-complete"
    _, none = separation(np.where(np.arange(40) == 3, 1.0, y), number("age", age))
    assert none is None


def test_two_numbers_together():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(300, 4))
    terms = [number(f"x{j}", x[:, j]) for j in range(4)]
    _, found = separation(x[:, 1] - 2.0 * x[:, 3] > 0.2, *terms)
    assert (found.kind, found.columns, found.directions) == ("complete", (1, 3), (1, -1))
    assert found.causes == ()
    assert found.runaway == (0, 1, 2, 3)


def test_two_factors_together():
    """No event where both are present; each alone overlaps."""
    rng = np.random.default_rng(6)
    a, b = rng.integers(0, 2, (2, 400))
    y = (rng.random(400) < 0.5) & ~((a == 1) & (b == 1))
    both = a * b
    _, found = separation(
        y, factor("a", a, ("n", "y")), factor("b", b, ("n", "y")), factor("ab", both, ("n", "y"))
    )
    assert [c.term for c in found.causes] == [2]
    _, without = separation(y, factor("a", a, ("n", "y")), factor("b", b, ("n", "y")))
    assert without is None


@pytest.mark.parametrize("name", ["synth_messy__firth"])
def test_the_reference_file_with_a_zero_cell(name):
    design, y = model_of(truth(name))
    found = find_separation(design, y)
    assert found.causes == (Cause(1, 1, event=False),)
    assert found.runaway == (1,)


@pytest.mark.parametrize("name", ["urine__logistic", "synth_trial__logistic", "melanoma__logistic"])
def test_reference_files_with_a_maximum(name):
    assert find_separation(*model_of(truth(name))) is None


def test_rare_levels_outside_the_first_working_set():
    """Three rows of 60,000 at a level, none with the event; the design comes in blocks."""
    rng = np.random.default_rng(8)
    n = 60_000
    codes = rng.integers(0, 2, n)
    codes[[777, 30_001, 59_998]] = 2
    y = rng.random(n) < 0.4
    y[codes == 2] = False
    terms = [number(f"x{j}", rng.normal(size=n)) for j in range(18)]
    _, found = separation(y, *terms, factor("site", codes, ("a", "b", "c")))
    assert (found.kind, found.columns, found.directions) == ("quasi-complete", (19,), (-1,))
    assert found.runaway == (19,)
    y[777] = True
    assert separation(y, *terms, factor("site", codes, ("a", "b", "c")))[1] is None


def test_one_outcome_is_refused():
    with pytest.raises(NotEstimable, match="same outcome"):
        separation(np.ones(10), number("age", np.arange(10)))


def test_the_gate():
    design = make_design([number("age", np.arange(4))], np.arange(4))
    with rare.deferred():
        with pytest.raises(HeavyLaneNeeded):
            find_separation(design, np.array([0.0, 1.0, 0.0, 1.0]))
        with rare.deferred():
            pass
        with pytest.raises(HeavyLaneNeeded):
            rare.require()
    rare.require()


def test_the_module_loads_nothing_heavy():
    code = (
        "import sys, stats.rare.separation, stats.firth, stats.collinearity\n"
        "heavy = [m for m in sys.modules if m.startswith(('scipy.optimize', 'scipy.stats', "
        "'scipy.linalg', 'statsmodels'))]\n"
        "sys.exit(len(heavy))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
