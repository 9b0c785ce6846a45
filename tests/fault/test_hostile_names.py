"""No analysis executes text from data: every row of the catalogue, under an audit hook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import logic

pytestmark = pytest.mark.fault

ROOT = Path(__file__).parents[2]


def test_names_and_levels_are_never_executed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fault.audited_run"], cwd=tmp_path, capture_output=True,
        text=True, timeout=110, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    print(f"events beside hostile names: {found['events']}")
    assert set(found["analyses"]) == set(logic.CATALOGUE), "every analysis is run"
    assert found["control"], "the hook sees an eval"
    assert found["caught"] == []
    assert found["live"] == []
    assert found["files"] == []
    assert list(tmp_path.iterdir()) == []
