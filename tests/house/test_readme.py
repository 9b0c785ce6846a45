"""What the README says works."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.house.test_imports import ROOT

CACHE = (ROOT / "docs" / "cache.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_example_runs_and_prints_odds_ratios() -> None:
    code = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(code) == 1
    done = subprocess.run(
        [sys.executable, "-c", code[0]], cwd=ROOT, capture_output=True, text=True, timeout=60,
        check=False, env=os.environ,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "thickness" in done.stdout
    assert "NaN" not in done.stdout


def test_the_example_of_the_cache_runs_as_its_comments_say() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", CACHE, flags=re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60,
        check=False, env=os.environ,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "computing", "[1, 1]", "2 entries cleared", "loading", "True",
    ]  # fmt: skip


def test_the_tests_of_the_cache_that_are_named_exist() -> None:
    named = set(re.findall(r"`(tests/[a-z_/]+\.py)`", CACHE))
    assert len(named) >= 15
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_link_and_picture_exists() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    local = [t for t in targets if "://" not in t]
    assert local
    assert [t for t in local if not (ROOT / t).exists()] == []


def test_the_make_targets_it_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`?make ([a-z-]+)`?", README):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
