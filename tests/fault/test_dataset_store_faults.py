"""The store of uploads on failing disks, and when its process is killed."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import resource
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import blake3
import pytest

from tests.fault.cache_faults import fast_directory, report, scaled
from tests.fault.failing_calls import PLACE, FailingCalls
from utils.dataset_store import DatasetStore
from utils.errors import DatasetGone, IncompleteUpload, StoreFault

pytestmark = pytest.mark.fault


@pytest.fixture
def place() -> Iterator[Path]:
    directory = fast_directory()
    yield directory / "files"
    shutil.rmtree(directory, ignore_errors=True)


def names(place: Path) -> set[str]:
    return {path.name for path in place.iterdir()} if place.exists() else set()


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES])
def test_any_failing_call_is_a_plain_refusal_and_leaves_nothing(
    place: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    code: int, persistent: bool,
) -> None:  # fmt: skip
    disk = FailingCalls(monkeypatch)
    source = place.parent / "upload"
    source.write_bytes(secrets.token_bytes(700_000))
    counts: Counter[str] = Counter()
    told: list[str] = []
    handles = len(os.listdir("/proc/self/fd"))
    n = 0
    while True:
        n += 1
        store = DatasetStore(place, max_bytes=1 << 24)
        other = store.put_bytes(b"of somebody else", holder="b")
        disk.arm(n, persistent=persistent, code=code)
        content = None
        try:
            content = store.put(source, declared_bytes=700_000, holder="a").content
            counts["kept"] += 1
        except (StoreFault, IncompleteUpload) as error:
            told.append(str(error))
            counts[type(error).__name__] += 1
        if content is not None:
            with contextlib.suppress(DatasetGone):
                store.path(content)
            store.release(content, "a")
        injected = disk.injected
        disk.disarm()
        store.sweep()
        assert names(place) == {other.content}, "nothing half-written, nothing left over"
        assert store.path(other.content).read_bytes() == b"of somebody else"
        assert store.facts()["size_bytes"] == len(b"of somebody else")
        again = store.put(source, declared_bytes=700_000, holder="a")
        assert store.path(again.content).stat().st_size == 700_000, "and it works again"
        store.release(again.content, "a")
        counts["injected"] += injected
        if not injected:
            break
    report(f"store faults {errno.errorcode[code]} {'lasting' if persistent else 'once'}", counts)
    assert len(os.listdir("/proc/self/fd")) == handles, "a file was left open"
    assert counts["StoreFault"] >= 3
    assert all(PLACE not in words and words.count(". ") == 1 for words in told)
    assert PLACE not in caplog.text


def test_a_disk_that_is_full_in_the_middle_of_a_file(place: Path) -> None:
    """The kernel refuses bytes beyond a limit, as it does on a full disk."""
    store = DatasetStore(place, max_bytes=1 << 24)
    kept = store.put_bytes(b"small", holder="a")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    refused = 0
    for limit in (1, 4_096, 262_143, 262_144, 262_145, 699_999):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            with pytest.raises(StoreFault, match="disk is full"):
                store.put_bytes(bytes(700_000), holder="a")
            refused += 1
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert names(place) == {kept.content}
    assert refused == 6
    assert store.put_bytes(bytes(700_000), holder="a").size_bytes == 700_000


WRITER = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from utils.dataset_store import DatasetStore
store = DatasetStore(Path({place!r}), max_bytes=1 << 30)
n = 0
while True:
    n += 1
    store.put_bytes(bytes([n % 251]) * (n * 99991 % 3000000), holder="a")
    print(n, flush=True)
"""


def test_a_process_killed_at_any_moment_leaves_whole_files_and_what_is_swept(place: Path) -> None:
    root = str(Path(__file__).parents[2])
    rng = random.Random(4)
    counts: Counter[str] = Counter()
    for _ in range(scaled(6)):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER.format(root=root, place=str(place))],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(rng.uniform(0.0, 0.05))
        writer.send_signal(signal.SIGKILL)
        writer.stdout.close()
        writer.wait(10)
        left = names(place)
        whole = {name for name in left if not name.endswith(".part")}
        for name in whole:
            assert blake3.blake3((place / name).read_bytes()).hexdigest() == name
        counts["drafts"] += len(left - whole)
        counts["whole files"] += len(whole)
        store = DatasetStore(place, max_bytes=1 << 30)
        chosen = min(whole)
        assert store.hold(chosen, "a")
        store.sweep()
        assert names(place) == {chosen}
        store.release(chosen, "a")
        counts["killed"] += 1
    report("killed while storing", counts)
    assert counts["whole files"] > 0
