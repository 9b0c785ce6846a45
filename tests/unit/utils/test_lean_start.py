"""The quick start: what is left out, and what the process is told."""

from __future__ import annotations

import subprocess
import sys
import typing
from typing import Any, Protocol, runtime_checkable

import pytest

from tests.house.test_imports import ROOT
from utils.lean_start import LEFT_OUT
from utils.protocol_checks import remember_protocol_members
from utils.stand_ins import NotLoadedError, stand_in


def ran(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def empty_library() -> typing.Iterator[str]:
    yield "no_such_library"
    for name in [n for n in sys.modules if n.startswith("no_such_library")]:
        del sys.modules[name]


def test_a_stand_in_is_found_and_says_so_when_it_is_called(empty_library: str) -> None:
    assert stand_in(empty_library, [empty_library, f"{empty_library}.below"])
    below: Any = __import__(f"{empty_library}.below", fromlist=["Thing"])
    assert below.Thing is below.Thing
    assert below.Thing | None  # it may stand in a union of types
    with pytest.raises(NotLoadedError, match=r"no_such_library\.below\.Thing"):
        below.Thing(1, word="two")


def test_a_library_that_is_loaded_keeps_its_own_modules() -> None:
    assert not stand_in("json", ["json.decoder"])
    assert sys.modules["json.decoder"].__file__


def test_everything_that_is_left_out_exists_and_would_be_loaded() -> None:
    """A name that a new version of a library no longer has would leave nothing out."""
    for library, modules in LEFT_OUT.items():
        code = f"import sys, {library}; print(sorted(set({modules!r}) - set(sys.modules)))"
        assert ran(code) == "[]"


def test_shiny_works_without_what_is_left_out() -> None:
    code = """
import sys
from utils.lean_start import leave_out
leave_out()
import shiny, uvicorn.config, uvicorn.server
from shiny import ui, render, reactive
print(type(shiny.App(ui.page_fluid(ui.output_ui("x")), None)).__name__,
      [m for m in ("narwhals", "pydantic", "shinychat", "questionary", "click") if m in sys.modules])
"""
    assert ran(code) == "App []"


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt belongs to glibc")
def test_the_process_gives_freed_blocks_back_at_once() -> None:
    """128 kB blocks lie below the threshold of an untold process once one of them was freed."""
    code = """
import gc, os, threading
from utils.lean_start import MEMORY_SETTINGS, settle
settle(os.environ)
import psutil
blocks = [bytearray(100_000) for _ in range(1_000)]
pin = [bytearray(50) for _ in range(1_000)]
full = psutil.Process().memory_info().rss
del blocks
print(full - psutil.Process().memory_info().rss > 90_000_000,
      all(os.environ[k] == v for k, v in MEMORY_SETTINGS.items()), gc.isenabled())
"""
    assert ran(code) == "True True False"


def test_protocols_answer_the_same_with_their_members_remembered() -> None:
    @runtime_checkable
    class Drawn(Protocol):
        def draw(self) -> str: ...

    class Line:
        def draw(self) -> str:
            return "-"

    remember_protocol_members()
    remember_protocol_members()
    for _ in range(2):
        assert isinstance(Line(), Drawn)
        assert not isinstance("-", Drawn)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="later versions remember by themselves")
def test_on_this_version_the_members_are_remembered() -> None:
    code = (
        "import typing; from utils.protocol_checks import remember_protocol_members as r; "
        "print(r(), hasattr(typing._get_protocol_attrs, 'cache_info'))"
    )
    assert ran(code) == "True True"
