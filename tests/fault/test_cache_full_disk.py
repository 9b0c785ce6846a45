"""A disk that is really full: the answer still comes, and the tier works again when there is room."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fault.cache_faults import fill, key, open_at, read, report

pytestmark = pytest.mark.fault

BYTES = 3 << 20
SKIPPED = "no small file system can be mounted here; test_cache_io injects ENOSPC instead"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={BYTES},mode=700", "tmpfs", str(place)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip(SKIPPED)
    if done.returncode:
        pytest.skip(SKIPPED)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill_up(place: Path) -> Path:
    """Take all room that is left."""
    ballast = place / "other data"
    with ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


def unbench(cache: object) -> None:
    for guard in cache.lower:  # type: ignore[attr-defined]
        guard._benched_until = 0.0


def test_a_disk_filled_by_others(small_disk: Path) -> None:
    cache = open_at(small_disk)
    fill(cache, range(6))
    others = fill_up(small_disk)
    counts: Counter[str] = Counter()
    for i in range(6, 60):
        unbench(cache)
        fill(cache, range(i, i + 1))
        cache.memory.shrink(1 << 30)
        counts[read(cache, i - 3)] += 1
    facts = cache.snapshot()["tiers"]["disk"]
    counts["faults"] = facts["faults"]
    report("full disk", counts)
    assert facts["faults"] > 0, "the disk was never full"
    others.unlink()
    unbench(cache)
    fill(cache, range(60, 65))
    cache.memory.shrink(1 << 30)
    assert [read(cache, i) for i in range(60, 65)] == ["right"] * 5
    cache.check()
    assert cache.check() == []
    assert (small_disk / "ballast").exists() or facts["disk full"] > 0
    cache.close()


def test_a_disk_filled_by_the_cache_itself_makes_room(small_disk: Path) -> None:
    """The bound was set larger than the disk: the oldest entries go, new ones are kept."""
    cache = open_at(small_disk, disk_bytes=1 << 30)
    for i in range(4, 400, 5):  # 80 values of 100 kB on a disk of 3 MB
        unbench(cache)
        fill(cache, range(i, i + 1))
    facts = cache.snapshot()["tiers"]["disk"]
    assert facts["disk full"] > 0
    assert facts["dropped for room"] > 0
    cache.memory.shrink(1 << 30)
    unbench(cache)
    kept = sum(cache.lower[0].get(key(i)) is not None for i in range(4, 400, 5))
    print(f"\n{facts['disk full']} times full, {kept} of the last entries kept")
    assert kept >= 5
    cache.check()
    assert cache.check() == []
    cache.close()


def test_opening_on_a_full_disk(small_disk: Path) -> None:
    first = open_at(small_disk)
    fill(first, range(3))
    first.close()
    others = fill_up(small_disk)
    cache = open_at(small_disk)
    assert sum(Counter(read(cache, i) for i in range(6)).values()) == 6
    others.unlink()
    unbench(cache)
    cache.memory.shrink(1 << 30)
    fill(cache, range(3))
    assert cache.lower[0].get(key(0)) is not None
    cache.close()


def test_a_directory_that_cannot_be_written_to(small_disk: Path) -> None:
    first = open_at(small_disk)
    fill(first, range(3))
    first.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    cache = open_at(small_disk, secret=None)
    assert sum(Counter(read(cache, i) for i in range(6)).values()) == 6
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    again = open_at(small_disk)
    assert [read(again, i) for i in range(3)] == ["right"] * 3
    cache.close()
    again.close()


@pytest.mark.skipif(not hasattr(os, "geteuid") or sys.platform == "win32", reason="POSIX only")
def test_a_directory_without_permission(tmp_path: Path) -> None:
    """As an ordinary user; root may write everywhere, so a child gives its rights up."""
    place = tmp_path / "cache"
    place.mkdir()
    for parent in [tmp_path, *tmp_path.parents][:3]:
        with contextlib.suppress(PermissionError):
            parent.chmod(parent.stat().st_mode | 0o011)
    place.chmod(0o500)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            if os.geteuid() == 0:
                os.setuid(65534)
            cache = open_at(place, secret=None)
            fill(cache, range(3))
            assert [read(cache, i) for i in range(3)] == ["right"] * 3
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert list(place.iterdir()) == []
