"""The container's steps, run as the Dockerfile states them: install, start, serve, compute, end.

No Docker takes part. What these tests prove: the pinned wheels install without a compiler, the
copied files are all that the app needs, and the start command serves as user 1000 without any
capability on a read-only file system. What they cannot: the base images, Docker's own network.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from psutil import virtual_memory

from tests.fault import container
from tests.fault.container import ROOT, Built, read_dockerfile
from tests.fault.test_cache_redis import free_port
from tests.fault.test_scale_out import visit

pytestmark = [pytest.mark.fault, pytest.mark.slow, pytest.mark.timeout(240)]

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IMAGE = read_dockerfile(TEXT)


def may_confine() -> bool:
    """Whether this machine lets the test make a private view of the file system."""
    if os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("setpriv")):
        return False
    made = subprocess.run(["unshare", "--mount", "mount", "-o", "remount,ro,bind", "/"],
                          capture_output=True, check=False)  # fmt: skip
    return made.returncode == 0


@pytest.fixture(scope="module")
def built() -> Iterator[Built]:
    # not tmp_path, which other users may not enter; not /tmp, which the container has as its own
    # 700 MB: in memory where there is plenty of it, which takes a third of the time
    memory = Path("/dev/shm")
    plenty = memory.is_dir() and shutil.disk_usage(memory).free > 4 << 30
    folder = memory if plenty and virtual_memory().available > 6 << 30 else Path("/var/tmp")
    place = Path(tempfile.mkdtemp(prefix="clinstat-image-", dir=folder))
    place.chmod(0o755)
    try:
        made = Built(IMAGE, place)
        made.build()
        yield made
    finally:
        shutil.rmtree(place)


def alive(port: int, process: subprocess.Popen[str], seconds: float = 40.0) -> None:
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if process.poll() is not None:
            raise AssertionError(process.communicate()[0])
        with contextlib.suppress(OSError), urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
            return
        time.sleep(0.05)
    raise AssertionError("the server did not come alive")


async def analyse(port: int, *, save: bool) -> str:
    """One analysis of a bundled example over the websocket: its table as HTML."""
    async with visit(port) as page:
        await page.changed("data-found", {"data-example": "synth_trial"})
        await page.send({"outcome-outcome": "6"})
        await page.send({"outcome-event": "active", "outcome-predictors": ["2", "3", "4"]})
        await page.until(lambda: bool(page.values.get("outcome-plan-price")))
        await page.run()
        await page.until(lambda: bool(page.values.get("outcome-card-table")))
        if save:  # a heavy job with matplotlib and a font cache of its own
            assert await page.download("outcome-card-save_docx") > 5_000, page.notices
        return page.values["outcome-card-table"]["html"]


def serves(
    built: Built, port: int, mark: str, process: subprocess.Popen[str], *, save: bool = False
) -> str:
    """Health, page, analysis, document, end; what the server printed."""
    try:
        alive(port, process)
        environment = built.environment(PORT=str(port), CLINSTAT_TEST_MARK=mark)
        healthy = subprocess.run(built.image.health, env=environment, check=False, timeout=10)
        assert healthy.returncode == 0
        with urlopen(f"http://127.0.0.1:{port}/", timeout=10) as page:
            assert b"Clinstat" in page.read()
        assert "<table" in asyncio.run(analyse(port, save=save))
        code, output = container.stop(process)
    finally:
        process.kill()
        process.wait()
    assert container.gone(mark) == {}, "a process outlived the container"
    assert code in (0, -15)
    return output


@pytest.mark.skipif(not may_confine(), reason="needs root and a private mount namespace")
def test_it_serves_as_user_1000_on_a_read_only_root(built: Built) -> None:
    port, mark = free_port(), secrets.token_hex(8)
    environment = built.environment(PORT=str(port), SPACE_ID="someone/clinstat",
                                    CLINSTAT_TEST_MARK=mark)  # fmt: skip
    process = container.start_confined(built, environment)
    try:
        facts = facts_of(process, mark, port)
    except BaseException:
        process.kill()
        process.wait()
        raise
    output = serves(built, port, mark, process, save=True)
    assert facts == {"Uid": "1000", "CapEff": "0" * 16, "CapBnd": "0" * 16, "NoNewPrivs": "1"}
    assert "PUBLIC_ACCESS=1" in output
    assert "rror" not in output


def facts_of(process: subprocess.Popen[str], mark: str, port: int) -> dict[str, str]:
    """What the kernel says about the server, once it is alive."""
    alive(port, process)
    assert len(container.marked(mark)) >= 2  # server and zygote
    text = Path(f"/proc/{process.pid}/status").read_text()
    found = dict(re.findall(r"^(Uid|CapEff|CapBnd|NoNewPrivs):\s+(\w+)", text, re.MULTILINE))
    view = Path(f"/proc/{process.pid}/root")
    mounts = Path(f"/proc/{process.pid}/mounts").read_text().splitlines()
    assert next(m for m in reversed(mounts) if m.split()[1] == "/").split()[3].startswith("ro")
    checkout = view / ROOT.relative_to("/")  # below /tmp it is not even there
    assert not checkout.exists() or list(checkout.iterdir()) == [], "the checkout can be seen"
    return found


def test_it_serves_from_a_tree_that_nobody_may_write(built: Built) -> None:
    app = built.app
    for path in [app, *app.rglob("*")]:
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)
    port, mark = free_port(), secrets.token_hex(8)
    before = sorted(str(p) for p in app.rglob("*"))
    with tempfile.TemporaryDirectory() as folder:
        environment = built.environment(
            PORT=str(port), HOST="127.0.0.1", CLINSTAT_TEST_MARK=mark, HOME=folder, TMPDIR=folder,
            CACHE_DIR=f"{folder}/cache", MPLCONFIGDIR=f"{folder}/matplotlib",
            ACCESS_PASSWORD="",
        )  # fmt: skip
        process = subprocess.Popen(built.image.command, cwd=app, env=environment, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
        output = serves(built, port, mark, process)
    assert "Only this computer" in output
    assert sorted(str(p) for p in app.rglob("*")) == before
    for path in [app, *app.rglob("*")]:
        path.chmod(stat.S_IMODE(path.stat().st_mode) | 0o200)


def test_outside_a_space_it_does_not_start_open_to_all(built: Built) -> None:
    environment = built.environment(PORT=str(free_port()), CACHE_DIR="")
    done = subprocess.run(built.image.command, cwd=built.app, env=environment, text=True,
                          capture_output=True, timeout=30, check=False)  # fmt: skip
    assert done.returncode == 2
    assert "ACCESS_PASSWORD" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_that_compiles_or_installs_is_left(built: Built) -> None:
    tools = Path(built.at("/opt/clinstat/venv/bin"))
    left = {p.name for p in tools.iterdir()}
    assert not {n for n in left if re.match(r"(pip|easy_install|gcc|cc|g\+\+|make)", n)}
    packages = {p.name.split("-")[0] for p in tools.parent.rglob("site-packages/*.dist-info")}
    assert not packages & {"pip", "setuptools", "wheel", "pytest", "hypothesis", "ruff"}


def test_what_is_copied_is_what_the_app_imports(built: Built) -> None:
    def modules(root: Path) -> set[str]:
        return {p.relative_to(root).as_posix() for p in root.rglob("*.py")}

    rooms = ("stats", "ingest", "utils", "presentation", "tabs")
    ours = {f"{room}/{name}" for room in rooms for name in modules(ROOT / room)}
    assert modules(built.app) >= ours | {"app.py", "config.py", "logic.py"}
    top = {p.name for p in built.app.iterdir()}
    assert not top & {"tests", ".git", "docs", "deploy", ".venv", "Makefile"}
