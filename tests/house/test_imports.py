"""The arrows between the rooms, as DESIGN section 1 draws them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = {"stats", "ingest", "utils", "presentation", "tabs", "logic", "config", "app"}

ALLOWED_OURS = {
    "stats": {"stats"},
    "ingest": {"ingest", "stats.errors", "stats.variables"},
    "utils": {"utils"},
    "presentation": {"presentation", "stats.result", "stats.errors"},
    "config": set(),
    "logic": {"stats", "ingest", "utils", "config"},
    "tabs": {
        "tabs", "logic", "presentation", "stats.result", "stats.errors", "stats.variables",
        "ingest.report",
    },
    "app": OURS,
}  # fmt: skip

ALLOWED_OUTSIDE = {
    "stats": {"numpy", "pandas", "scipy.special"},
    "ingest": {"numpy", "pandas"},
    "utils": {
        "numpy",
        "pandas",
        "psutil",
        "diskcache",
        "filelock",
        "blake3",
        "prometheus_client",
        "dask",
        "distributed",
    },
    "presentation": {"htmltools", "matplotlib", "docx", "xlsxwriter"},
    "config": set(),
    "logic": {"numpy", "pandas"},
    "tabs": {"shiny", "htmltools", "pandas"},
    "app": {"shiny", "starlette", "uvicorn", "htmltools"},
}

ONE_FILE_ONLY = ("psutil", "diskcache", "filelock", "blake3", "prometheus_client", "dask",
                 "distributed")  # fmt: skip
HEAVY = ("scipy.stats", "scipy.optimize", "statsmodels", "matplotlib", "docx", "xlsxwriter")


def files() -> list[Path]:
    rooms = [ROOT / r for r in ("stats", "ingest", "utils", "presentation", "tabs")]
    found = [p for room in rooms for p in sorted(room.rglob("*.py"))]
    return found + [ROOT / f for f in ("logic.py", "config.py", "app.py")]


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> list[tuple[str, bool]]:
    """(module, stands inside a function) for every import of a file."""
    found: list[tuple[str, bool]] = []

    def walk(node: ast.AST, inside: bool) -> None:
        for child in ast.iter_child_nodes(node):
            deeper = inside or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))
            if isinstance(child, ast.Import):
                found.extend((a.name, inside) for a in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module and not child.level:
                names = [f"{child.module}.{a.name}" for a in child.names]
                found.extend((n, inside) for n in names)
            walk(child, deeper)

    walk(ast.parse(path.read_text(encoding="utf-8")), False)
    return found


def within(module: str, allowed: set[str]) -> bool:
    return any(module == a or module.startswith(a + ".") for a in allowed)


@pytest.mark.parametrize("path", files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_every_import_follows_an_allowed_arrow(path: Path) -> None:
    room = room_of(path)
    wrong = []
    for module, _inside in imports(path):
        top = module.split(".")[0]
        if top in OURS:
            if not within(module, ALLOWED_OURS[room]):
                wrong.append(module)
        elif top not in sys.stdlib_module_names:
            extra = set(HEAVY) if path.parent.name == "rare" else set()
            if not within(module, ALLOWED_OUTSIDE[room] | extra):
                wrong.append(module)
    assert not wrong, f"{path.relative_to(ROOT)} may not import {wrong}"


@pytest.mark.parametrize("path", files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_heavy_libraries_are_imported_inside_functions_only(path: Path) -> None:
    wrong = [m for m, inside in imports(path) if within(m, set(HEAVY)) and not inside]
    assert not wrong


@pytest.mark.parametrize("library", ONE_FILE_ONLY)
def test_each_machine_library_stands_in_one_file(library: str) -> None:
    users = [p.name for p in files() if any(within(m, {library}) for m, _ in imports(p))]
    assert len(users) <= 1, users


def test_listing_the_catalogue_imports_nothing_heavy() -> None:
    heavy = [
        "scipy.stats", "scipy.optimize", "scipy.linalg", "statsmodels", "plotly", "pyarrow",
        "polars", "matplotlib", "docx", "xlsxwriter", "great_tables", "lifelines", "sklearn",
        "python_calamine", "dask", "distributed", "narwhals", "pydantic", "shinychat",
        "prompt_toolkit", "questionary", "click", "watchfiles",
    ]  # fmt: skip
    code = f"import sys, app, logic; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_pyarrow_is_not_installed() -> None:
    code = "import importlib.util as u; print(u.find_spec('pyarrow'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "None"
