"""A part of the page that fails by a fault of ours says so, and nothing of what it was about."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.browser.conftest import ROOT, Server, free_port, stop
from tests.fault.cache_faults import report
from tests.fault.test_container import alive
from tests.fault.wire_page import wire_page

pytestmark = pytest.mark.fault

CANARY = "Zebediah-7f3a91c2"
#: The front door with a fault in what the status line shows of a dataset.
BROKEN = f"""
import runpy, sys
sys.path.insert(0, {str(ROOT)!r})
import tabs.page

def broken(*_):
    raise ValueError("a cell: {CANARY}")

tabs.page.memory_words = broken
runpy.run_path({str(ROOT / "app.py")!r}, run_name="__main__")
"""


def test_a_failing_output_is_one_sentence(tmp_path: Path) -> None:
    launcher, log, port = tmp_path / "broken.py", tmp_path / "server.log", free_port()
    launcher.write_text(BROKEN, encoding="utf-8")
    settings = {"PORT": str(port), "HOST": "127.0.0.1", "CACHE_DIR": str(tmp_path / "cache")}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, str(launcher)], cwd=ROOT, stdout=out, stderr=subprocess.STDOUT,
            env={**os.environ, **settings}, text=True,
        )  # fmt: skip

    async def look() -> list[str]:
        async with wire_page(port) as page:
            await page.choose(data_example="synth_trial")
            await page.until(lambda: any('"errors": {"' in text for text in page.everything), 30)
            return list(page.everything)

    try:
        alive(port, process)
        everything = asyncio.run(look())
    finally:
        stop(Server(f"http://127.0.0.1:{port}", process, log))
    told = [json.loads(text).get("errors") or {} for text in everything]
    messages = Counter(error["message"] for errors in told for error in errors.values() if error)
    assert messages.total() >= 1, "nothing failed: this injects no fault"
    assert set(messages) == {"This part of the page failed. Reload the page and try again."}, (
        messages
    )
    assert CANARY not in "".join(everything)
    assert "Traceback" not in "".join(everything)
    written = log.read_text(encoding="utf-8")
    assert "ValueError" in written, "who runs the server learns what kind of fault it was"
    assert CANARY not in written
    report("outputs that failed", Counter(failed=messages.total()))
