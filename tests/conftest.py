"""What every test shares: one BLAS thread, a private cache, and an honest account of skips."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# before logic is imported: no test may read or fill the cache of the person who runs it
os.environ["CACHE_DIR"] = tempfile.mkdtemp(prefix="clinstat-test-cache-")

import pytest
from hypothesis import HealthCheck, settings

atexit.register(shutil.rmtree, os.environ["CACHE_DIR"], ignore_errors=True)

settings.register_profile(
    "suite", deadline=None, derandomize=True, max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
settings.load_profile("suite")

_FULL_DISK = "tests/fault/test_cache_full_disk.py::test_"
#: Tests that may be skipped under CI, by node id: where no small file system can be mounted,
#: tests/fault/test_cache_io.py injects a full disk instead; where no other user can be taken on,
#: the next test of test_container.py still serves from a tree that nobody may write.
ALLOWED_SKIPS: frozenset[str] = frozenset(
    _FULL_DISK + name
    for name in (
        "a_disk_filled_by_others", "a_disk_filled_by_the_cache_itself_makes_room",
        "opening_on_a_full_disk", "a_directory_that_cannot_be_written_to",
    )
) | {"tests/fault/test_container.py::test_it_serves_as_user_1000_on_a_read_only_root"}  # fmt: skip

REFERENCE = Path(__file__).parent / "reference"


@pytest.fixture(autouse=True, scope="module")
def _no_server_left() -> Iterator[None]:
    """A server that one file configured, with its memory budget, must not serve the next one."""
    yield
    logic = sys.modules.get("logic")
    if logic is not None:
        logic.shutdown()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if not os.environ.get("CI") or hasattr(session.config, "workerinput"):
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = {report.nodeid for report in reporter.stats.get("skipped", ())}
    unexpected = sorted(skipped - ALLOWED_SKIPS)
    if unexpected:
        reporter.write_line("Skipped without leave: " + ", ".join(unexpected), red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
