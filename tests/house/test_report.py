"""The measured table of HF_OPTIMIZATION_README.md is that of the kept outputs, to the letter."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench import report
from tests.bench.page import BEGIN, END, PAGE, Incomplete, block, missing, with_block

HEAD = {"command": "c", "date": "2026-01-01 00:00 UTC", "machine": "m", "commit": "abc1234"}
NUMBERS = {"survived": 90, "drops": 90, "back_median_seconds": 0.31}


def kept(folder: Path, **changed: object) -> None:
    found = {**HEAD, "numbers": NUMBERS, "samples": {}, **changed}
    (folder / "bench_drops.json").write_text(json.dumps(found), encoding="utf-8")


def test_the_page_and_the_outputs_agree() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == with_block(text, block()), "run `make report`"


def test_every_kept_output_tells_where_it_comes_from_and_its_samples() -> None:
    for path in sorted(report.RESULTS.glob("*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        assert {*HEAD, "versions", "numbers", "samples"} <= set(found), path.name
        assert found["commit"].isalnum(), f"{path.name} was measured on a tree with changes"


def test_another_number_changes_the_page(tmp_path: Path) -> None:
    kept(tmp_path)
    before = block(tmp_path)
    assert "90 of 90; back on screen after 0.31 s" in before
    kept(tmp_path, numbers=NUMBERS | {"survived": 89})
    assert block(tmp_path) != before


def test_what_is_not_there_is_named_with_its_command(tmp_path: Path) -> None:
    assert "load (`make load`)" in missing(tmp_path)
    assert "not measured yet" in block(tmp_path)
    kept(tmp_path, numbers={"drops": 90})
    with pytest.raises(Incomplete, match=r"has no number 'survived'.*bench_drops"):
        block(tmp_path)


def test_an_output_of_a_changed_tree_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(tmp_path, commit="abc1234 (changed)")
    with pytest.raises(Incomplete, match="changes"):
        block(tmp_path)
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(report, "commit", lambda: "abc1234")
    monkeypatch.setattr(report, "changed", lambda: ["stats/result.py"])
    with pytest.raises(SystemExit, match=r"stats/result\.py"):
        report.keep("nothing", ["a line"], numbers={"a": 1.0})
    assert not (tmp_path / "results").exists()
    monkeypatch.setattr(report, "changed", list)
    report.keep("nothing", ["a line"], numbers={"a": 1.0}, samples={"a_ms": [1.0]})
    found = json.loads((tmp_path / "results" / "nothing.json").read_text(encoding="utf-8"))
    assert found["commit"] == "abc1234"
    assert found["samples"] == {"a_ms": [1.0]}


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(Incomplete, match="markers"):
        with_block(f"no end {BEGIN}", "table")
    assert with_block(f"a {BEGIN} old {END} b", "new") == f"a {BEGIN}\nnew\n{END} b"
