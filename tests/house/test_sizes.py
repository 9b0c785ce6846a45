"""Small rooms: files under 400 lines, functions under 40 lines of code, tabs under 200."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.house.test_imports import ROOT, files, room_of


@pytest.mark.parametrize("path", files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_is_short(path: Path) -> None:
    limit = {"tabs": 200, "app": 150}.get(room_of(path), 400)
    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body, docstring and signature not counted."""
    body = function.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_function_is_short(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    long = {
        f.name: code_lines(f)
        for f in ast.walk(tree)
        if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef))
        # a server function of Shiny holds its render functions; they are counted one by one
        and not (room_of(path) in ("tabs", "app") and f.name.endswith("server"))
    }
    assert {n: c for n, c in long.items() if c > 40} == {}


@pytest.mark.parametrize("path", files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_assert_outside_tests(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Assert)]
