"""Sessions as files: what goes in, and what a hostile file cannot bring along."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import logic
from tabs import arrival
from tabs.analyses import TABS
from tabs.failure import Failure
from tabs.form.restoring import fitting
from tabs.loaded import Loaded, Source
from tabs.session_file import Reopened, reopen, session_bytes
from utils.keys import digest
from utils.workspace import Visit

CSV = "age,sex,died\n" + "".join(
    f"{40 + i % 31},{'fm'[i % 2]},{('no', 'yes')[i % 3 == 0]}\n" for i in range(90)
)
ODD: list[Any] = [
    None, True, 7, -1, 1.5, "", "x" * 9_999, [], ["a", 1, None, ["b"]], {}, {"a": {"b": "c"}},
    {"a": 1}, [[[]]], "__proto__", "<script>alert(1)</script>", "=1+1", 2**60,
]  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    logic.configure(
        logic.Settings(
            cache_dir=str(tmp_path / "cache"), upload_bytes=200_000, memory_budget_bytes=1 << 34
        )
    )
    yield tmp_path
    logic.shutdown()


def come(page: str) -> Visit:
    return logic.desk().enter(None, page=page).visit


def work(place: Path, visit: Visit) -> logic.WorkspaceState:
    """A person with a file, a variable table of their own and choices."""
    path = place / "cohort.csv"
    path.write_text(CSV)

    async def whose() -> str:
        return visit.workspace_id

    source = Source(str(path), "cohort.csv", len(CSV))
    found = asyncio.run(arrival.read(source, logic.ReadChoices(), 1, whose))
    assert isinstance(found, Loaded)
    rows = [dict(row) for row in visit.state.variables]
    rows[0]["label"] = "Age at entry"
    visit.change(lambda s: s.with_variables(rows))
    inputs = {"outcome": "died", "event": "yes", "predictors": ["age", "sex"],
              "references": {"sex": "f"}, "interval": "wald"}  # fmt: skip
    return visit.change(lambda s: s.with_inputs("analyze_outcome", inputs))


def open_bytes(place: Path, visit: Visit, data: bytes, declared: int | None = None) -> Any:
    path = place / "arrived"
    path.write_bytes(data)
    source = Source(str(path), "x.clinstat", len(data) if declared is None else declared)
    try:
        return reopen(source, 3, visit.workspace_id, visit.state.dataset)
    finally:
        assert not path.exists()  # it may hold data of patients


def saved(**changes: Any) -> bytes:
    plain = logic.SavedSession(
        made_with="Clinstat", saved_at="2026-01-01", file_name="cohort.csv",
        fingerprint=digest(CSV.encode()), data=CSV.encode(),
    )  # fmt: skip
    return logic.write_session(replace(plain, **changes))


def test_a_session_comes_back_as_it_was(place: Path) -> None:
    data = session_bytes(work(place, come("ann")), with_data=True)
    bob = come("bob")
    found = open_bytes(place, bob, data)
    assert isinstance(found, Reopened)
    assert found.loaded.name == "cohort.csv"
    assert found.loaded.generation == 3
    assert found.loaded.dataset.n_rows == 90
    assert found.loaded.dataset.variables["age"].label == "Age at entry"
    assert found.inputs["analyze_outcome"]["predictors"] == ["age", "sex"]
    assert found.inputs["analyze_outcome"]["references"] == {"sex": "f"}
    assert found.notes == ()
    state = bob.state  # it belongs to the workspace now
    assert state.dataset is not None
    assert state.inputs["analyze_outcome"]["event"] == "yes"
    assert state.variables[0]["label"] == "Age at entry"
    assert state.results == ()
    assert state.keys == ()


def test_results_and_keys_are_never_written(place: Path) -> None:
    visit = come("ann")
    work(place, visit)
    key = "ab" * 32
    state = visit.change(lambda s: s.with_result(logic.Request(key=key, analysis="correlate")))
    assert key.encode() not in session_bytes(state, with_data=False)
    assert CSV[20:60].encode() not in session_bytes(state, with_data=False)


def test_without_data_it_needs_the_same_file(place: Path) -> None:
    ann, bob = come("ann"), come("bob")
    data = session_bytes(work(place, ann), with_data=False)
    assert isinstance(open_bytes(place, ann, data), Reopened)
    with pytest.raises(logic.BadSessionFile, match=r'belongs to the file "cohort\.csv"\.'):
        open_bytes(place, bob, data)
    with pytest.raises(logic.BadSessionFile, match="not the file that is open"):
        open_bytes(place, ann, saved(data=None, fingerprint="ab" * 32))


def test_nothing_to_save_is_said(place: Path) -> None:
    for state in (None, come("ann").state):
        with pytest.raises(logic.BadSessionFile, match="no dataset"):
            session_bytes(state, with_data=False)


def test_a_cut_or_too_large_file_is_refused(place: Path) -> None:
    visit = come("ann")
    assert open_bytes(place, visit, saved(), declared=7) == arrival.INCOMPLETE
    found = open_bytes(place, visit, b"x" * 200_001)
    assert isinstance(found, Failure)
    assert "more than" in found.cause


def test_every_flipped_byte_is_refused_in_words(place: Path) -> None:
    visit, data = come("ann"), saved()
    rng = random.Random(5)
    for _ in range(300):
        i = rng.randrange(len(data))
        bad = data[:i] + bytes([data[i] ^ (1 << rng.randrange(8))]) + data[i + 1 :]
        with pytest.raises(logic.BadSessionFile) as told:
            open_bytes(place, visit, bad)
        assert str(told.value).endswith(".")
    assert visit.state.dataset is None
    assert logic.desk().files.facts()["files"] == 0


@pytest.mark.parametrize(
    "name",
    [
        "encoding",
        "separator",
        "header_row",
        "missing_words",
        "date_order",
        "text_columns",
        "sheet",
        "a field of its own",
    ],
)
def test_choices_of_reading_are_checked(place: Path, name: str) -> None:
    visit = come("ann")
    for value in [v for v in ODD if v is not None]:
        # opened, or refused in words: nothing else is raised
        with contextlib.suppress(logic.BadSessionFile, logic.BadInput):
            assert isinstance(open_bytes(place, visit, saved(read_choices={name: value})), Reopened)


def test_rows_of_the_variable_table_that_do_not_fit_are_left_out(place: Path) -> None:
    visit = come("ann")
    rows = (
        {"name": "age", "kind": "binary", "levels": ("1", "2")},
        {"name": "sex", "kind": "no such kind"},
        {"name": "died", "label": "Death", "kind": "binary", "levels": ("no", "yes")},
        {"name": "ghost", "kind": "continuous"},
    )
    found = open_bytes(place, visit, saved(variables=rows))
    assert isinstance(found, Reopened)
    assert found.notes == (
        "3 rows of the saved variable table did not fit this file; look at Variables.",
    )
    variables = found.loaded.dataset.variables
    assert variables["age"].kind == "continuous"
    assert variables["died"].label == "Death"
    for name in found.loaded.dataset.names:
        found.loaded.dataset.column(name)


def test_hostile_data_are_refused_as_any_upload_and_not_kept(place: Path) -> None:
    visit, data = come("ann"), b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
    with pytest.raises(logic.BadInput):
        open_bytes(place, visit, saved(data=data, fingerprint=digest(data)))
    assert visit.state.dataset is None
    assert logic.desk().files.facts()["files"] == 0


def test_inputs_of_every_form_take_only_what_fits() -> None:
    """Every field of every form gets every odd value: what is kept has the field's own type."""
    for tab in TABS:
        for _, form in tab.forms.values():
            for value in ODD:
                found = fitting(form, {field.name: value for field in form.every()} | {"x": value})
                assert "x" not in found
                for kept in found.values():
                    assert isinstance(kept, (str, bool, list, dict))
                    assert not isinstance(kept, str) or len(kept) <= 500
                    assert not isinstance(kept, list) or all(isinstance(v, str) for v in kept)
                    assert not isinstance(kept, dict) or all(
                        isinstance(v, str) for v in kept.values()
                    )


def test_inputs_of_unknown_tabs_are_left_out(place: Path) -> None:
    data = saved(inputs={"no such tab": {"a": 1}, "page": {"tab": "x"}, "correlate": {"a": "b"}})
    found = open_bytes(place, come("ann"), data)
    assert found.inputs == {}
