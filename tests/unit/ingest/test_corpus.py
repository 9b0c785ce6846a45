"""Every file of the corpus gives its exact table with its notes, or its exact refusal.

Files are read in a child process with the limits of the real one, because the claim is also
that no file kills, stalls or bloats the process that reads it.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from ingest import Imported, read_table
from stats.errors import BadInput
from tests.corpus.build import CASES, write
from tests.corpus.case import Case, Refused, Table
from tests.corpus.limited import read_in_limited_process

HEAVY = [case for case in CASES if case.name[0] in "egh"]
FORBIDDEN = re.compile(
    r"[Tt]raceback|[Ee]xception|[Ee]rror:|\b[Nn]a[Nn]\b|\binf\b|/tmp|\.py\b|\bNone\b|ValueError"
)
QUOTED = re.compile('"[^"]*"')


def test_the_corpus_is_large_and_its_names_are_unique():
    names = [case.name for case in CASES]
    assert len(names) >= 120
    assert len(set(names)) == len(names)
    assert {name[0] for name in names} == set("abcdefgh")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_file_gives_its_truth(case: Case, tmp_path):
    path = write(case, tmp_path)
    if isinstance(case.truth, Refused):
        with pytest.raises(BadInput) as caught:
            read_table(path, name=case.file_name, limits=case.limits, choices=case.choices)
        check_refusal(caught.value, case.truth)
        return
    imported = read_table(path, name=case.file_name, limits=case.limits, choices=case.choices)
    check_table(imported, case.truth)


@pytest.mark.parametrize("case", HEAVY, ids=lambda case: case.name)
def test_heavy_file_stays_within_time_and_memory(case: Case, tmp_path):
    outcome = read_in_limited_process(write(case, tmp_path), case)
    assert outcome.seconds < 5, outcome
    assert outcome.finished, outcome
    assert outcome.added_mb < 80, outcome


def check_refusal(error: BadInput, truth: Refused) -> None:
    said = str(error)
    for words in truth.words:
        assert words.lower() in said.lower(), f"{words!r} is not in: {said}"
    assert error.hint, "a refusal names its remedy"
    assert not FORBIDDEN.search(said), said
    assert said.count("\n") == 0
    assert len(said) < 500


def check_table(imported: Imported, truth: Table) -> None:
    assert list(imported.frame.columns) == list(truth.columns)
    for name, expected in truth.columns.items():
        check_column(imported.frame[name], expected)
    notes = imported.report.notes
    codes = {note.code for note in notes}
    assert set(truth.notes) <= codes, f"said: {sorted(codes)}"
    loud = {note.code for note in notes if note.severity != "info"}
    assert loud <= set(truth.notes) | set(truth.also), f"said without need: {loud}"
    for note in notes:
        assert note.text.endswith("."), note
        assert note.remedy.endswith("."), note
        assert not FORBIDDEN.search(QUOTED.sub("", note.text)), note
    assert [v.name for v in imported.variables] == list(truth.columns)
    assert imported.report.n_rows == len(imported.frame)


def check_column(column: pd.Series, expected: list) -> None:
    assert len(column) == len(expected)
    known = [value for value in expected if value is not None]
    if known and all(isinstance(value, (int, float)) for value in known):
        assert column.dtype.kind in "if", column.dtype
        whole = len(known) == len(expected) and all(float(v).is_integer() for v in known)
        assert (column.dtype.kind == "i") == (whole and max(map(abs, known)) < 2**53), column.dtype
        wanted = np.array([np.nan if v is None else v for v in expected], dtype=float)
        assert np.array_equal(column.to_numpy(dtype=float), wanted, equal_nan=True)
        return
    if not known:
        assert column.isna().all()
        return
    if not isinstance(known[0], str):
        assert column.dtype.kind == "M", column.dtype
        assert [None if pd.isna(v) else v.to_pydatetime() for v in column] == expected
        return
    assert isinstance(column.dtype, pd.CategoricalDtype), column.dtype
    assert [None if pd.isna(v) else v for v in column] == expected
    assert all(type(level) is str for level in column.cat.categories)
