"""Starting Clinstat: the address, refusals in one sentence, another launcher, what is served."""

from __future__ import annotations

import gzip
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.browser.conftest import ROOT, Server, free_port, stop

pytestmark = pytest.mark.browser


def try_to_start(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {"CACHE_DIR": str(folder / "cache"), "HOST": "127.0.0.1", **environment}
    return subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env={**os.environ, **settings},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_the_address_is_printed_plainly(server: Server) -> None:
    assert server.log.read_text(encoding="utf-8").splitlines()[0] == f"Clinstat is at {server.url}"


def test_a_port_in_use_gives_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = try_to_start(tmp_path, PORT=str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "in use" in done.stderr


@pytest.mark.parametrize("setting", [{"PORT": "eight"}, {"CACHE_MEMORY_BYTES": "a lot"}])
def test_a_bad_setting_gives_one_sentence(tmp_path: Path, setting: dict[str, str]) -> None:
    done = try_to_start(tmp_path, **setting)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert next(iter(setting)) in done.stderr


def test_files_are_compressed_and_the_figure_library_is_ours(server: Server) -> None:
    request = urllib.request.Request(
        f"{server.url}/plotly/plotly.min.js", headers={"Accept-Encoding": "gzip"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        packed = answer.read()
    assert len(packed) < 2_000_000
    assert b"plotly.js" in gzip.decompress(packed)[:500]


def test_another_launcher_works_too(tmp_path: Path) -> None:
    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port)], cwd=ROOT,
            env={**os.environ, "CACHE_DIR": str(tmp_path / "cache")}, stdout=log, stderr=log,
        )  # fmt: skip
    server = Server(f"http://127.0.0.1:{port}", process, tmp_path / "log")
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                assert server.answers()
                return
            except (urllib.error.URLError, ConnectionError):
                assert process.poll() is None
                time.sleep(0.1)
        raise AssertionError("the page was not served")
    finally:
        stop(server)


def test_stopping_leaves_no_process_behind(tmp_path: Path) -> None:
    import psutil

    from tests.browser.conftest import start

    server = start(tmp_path)
    family = psutil.Process(server.process.pid).children(recursive=True)
    assert family
    stop(server)
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
