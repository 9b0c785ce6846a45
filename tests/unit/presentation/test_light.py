"""The page's part of presentation loads no library that belongs to the heavy lane."""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import fields, is_dataclass

from presentation import TRAVELLERS

LIGHT = (
    "code", "descriptives", "details", "exports", "families", "figures", "flow", "forest", "journal",
    "layers", "methods", "plot", "table", "to_csv", "to_html", "to_plotly",
)  # fmt: skip
HEAVY = ("matplotlib", "docx", "xlsxwriter", "lxml", "PIL", "plotly", "scipy", "statsmodels")


def test_the_light_part_imports_nothing_heavy():
    code = (
        f"import sys; [__import__('presentation.' + name) for name in {LIGHT!r}]; "
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_travellers_are_frozen_dataclasses_of_plain_fields():
    for path in TRAVELLERS:
        module, name = path.split(":")
        found = getattr(importlib.import_module(module), name)
        assert is_dataclass(found)
        assert found.__dataclass_params__.frozen
        for item in fields(found):
            assert "dict" not in str(item.type)
            assert "list" not in str(item.type)
