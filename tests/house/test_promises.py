"""What must be documented is; what must never appear does not."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from config import VERSION, SettingError, Settings
from tests.house.test_imports import ROOT, files

FORBIDDEN = re.compile(
    r"from_formula|smf\.|patsy|\.eval\(|\.query\(|\bpickle\.loads?|\beval\(|\bexec\("
)


def test_every_setting_is_documented() -> None:
    page = (ROOT / "HF_OPTIMIZATION_README.md").read_text(encoding="utf-8")
    missing = [f.name.upper() for f in fields(Settings) if f"`{f.name.upper()}`" not in page]
    assert not missing


def test_every_setting_has_a_reader() -> None:
    text = "\n".join(p.read_text(encoding="utf-8") for p in files())
    unread = [f.name for f in fields(Settings) if not re.search(rf"\.{f.name}\b", text)]
    assert not unread


def test_only_config_reads_the_environment() -> None:
    allowed = {"config.py", "app.py", "worker_main.py"}
    readers = [
        p.name for p in files()
        if p.name not in allowed and re.search(r"os\.(environ|getenv)", p.read_text("utf-8"))
    ]  # fmt: skip
    assert not readers


def test_a_bad_setting_names_itself() -> None:
    with pytest.raises(SettingError, match="PORT"):
        Settings.from_env({"PORT": "eighty"})


def test_every_analysis_is_complete() -> None:
    import logic

    methods = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    tests = "\n".join(
        p.read_text(encoding="utf-8")
        for room in ("reference", "property")
        for p in sorted((ROOT / "tests" / room).rglob("test_*.py"))
    )
    for name, analysis in logic.CATALOGUE.items():
        assert f"`{name}`" in methods, f"docs/methods.md has no entry for {name}"
        assert name in changelog, f"CHANGELOG.md does not mention {name}"
        assert f"{name}(" in tests, f"no reference or property test calls {name}"
        assert analysis.function.__doc__


def test_the_version_is_told_once() -> None:
    assert f'version = "{VERSION}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f"## {VERSION}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_text_from_data_can_run(path: Path) -> None:
    assert not FORBIDDEN.findall(path.read_text(encoding="utf-8"))


def test_pins_carry_hashes_and_no_host() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert not re.search(r"--(index-url|extra-index-url|find-links|trusted-host)|https?://|file:",
                             text)  # fmt: skip


def test_no_style_or_script_inside_python() -> None:
    guilty = [
        p.name for p in files()
        if re.search(r"<style|<script|style=\"", p.read_text(encoding="utf-8"))
    ]  # fmt: skip
    assert not guilty


def test_broad_except_stands_where_the_design_allows_it() -> None:
    pattern = re.compile(r"except( Exception| BaseException)?( as \w+)?:")
    places = {
        str(p.relative_to(ROOT)) for p in files() if pattern.search(p.read_text(encoding="utf-8"))
    }
    assert places == {"utils/tier_guard.py", "tabs/failure.py"}


def test_no_error_is_kept_to_be_raised_again() -> None:
    """An exception keeps the frames that raised it, and with them whole pages and datasets."""
    pattern = re.compile(
        r"^[A-Za-z_]+(: \w+)? = (BadInput|NotEstimable|Overloaded|Cancelled|\w*(Error|Fault|Gone|Lost"
        r"|Exceeded))\(",
        re.MULTILINE,
    )
    guilty = [p.name for p in files() if pattern.search(p.read_text(encoding="utf-8"))]
    assert not guilty
