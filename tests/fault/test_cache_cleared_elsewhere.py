"""What one process clears, no other goes on to serve: on one directory at once, over Redis in 2 s."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fault.cache_faults import fill, key, open_at, truth
from utils.cache import TieredCache

pytestmark = pytest.mark.fault

SCRIPT = Path(__file__).with_name("cache_process.py")
NEEDS_REDIS = pytest.mark.skipif(
    shutil.which("redis-server") is None, reason="redis-server is not installed"
)


class Other:
    """Another process with a cache of its own."""

    def __init__(self, directory: Path, redis_url: str = "-") -> None:
        command = [sys.executable, "-W", "error", str(SCRIPT), "serve", str(directory), redis_url]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.hear() == "ready"

    def say(self, *words: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def __call__(self, *words: object) -> str:
        self.say(*words)
        return self.hear()


@pytest.fixture
def other() -> Iterator[Callable[..., Other]]:
    started: list[Other] = []

    def start(directory: Path, redis_url: str = "-") -> Other:
        started.append(Other(directory, redis_url))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


def label(i: int) -> str:
    return "mine" if i < 3 else "theirs"


@pytest.mark.parametrize(
    ("clear", "gone"),
    [
        ({"label": "mine"}, {0, 1, 2}), ({"key": key(4)}, {4}), ({"name": "f"}, {0, 1, 2, 3, 4}),
        ({"keys": {key(0), key(3)}}, {0, 3}), ({"name": "f", "label": "theirs"}, {3, 4}), ({}, set(range(5))),
        ({"name": "g"}, set()), ({"expired": True}, set()), ({"keys": set()}, set()),
    ],
    ids=[
        "label", "key", "function", "keys", "function of a label", "all", "another function",
        "expired", "no keys",
    ],
)  # fmt: skip
def test_a_clear_reaches_the_memory_of_another_process_at_once(
    tmp_path: Path, other: Callable[..., Other], clear: dict[str, Any], gone: set[int]
) -> None:
    here, there = open_at(tmp_path), other(tmp_path)
    for i in range(5):
        assert there("ask", i, label(i)) == "computed"
        assert there("ask", i, label(i)) == "memory"
    here.clear(**clear)
    answered = {i: there("ask", i, label(i)) for i in range(5)}
    assert answered == {i: "computed" if i in gone else "memory" for i in range(5)}
    here.close()


def test_an_idle_process_forgets_when_it_is_reminded(
    tmp_path: Path, other: Callable[..., Other]
) -> None:
    here, there = open_at(tmp_path), other(tmp_path)
    for i in range(5):
        there("ask", i, label(i))
    here.clear(label="mine")
    assert there("held") == "5"
    assert there("listen") == "2"
    here.close()


def test_what_another_process_computes_while_it_is_cleared_is_not_kept(
    tmp_path: Path, other: Callable[..., Other]
) -> None:
    here, there = open_at(tmp_path), other(tmp_path)
    for i, expected in [(0, "[]"), (3, "['disk']")]:
        there.say("slow", i, label(i))
        assert there.hear() == "computing"
        here.clear(label="mine")
        assert there.hear() == "computed"
        assert there("stored", i) == expected
    assert there("held") == "1"
    here.close()


def test_thousands_of_clears_are_not_too_many(tmp_path: Path, other: Callable[..., Other]) -> None:
    """The file of notices stays small, and who sleeps through its turn forgets everything."""
    here, there = open_at(tmp_path), other(tmp_path)
    there("ask", 3, "theirs")
    tier: Any = here.lower[0].tier
    for n in range(4_000):
        tier._notices.post(here._announced(_doomed(n)))
    assert (tmp_path / "clears").stat().st_size < 1 << 18
    assert there("listen") == "0"
    assert there("ask", 3, "theirs") == "disk"
    here.clear(key=key(9))
    assert there("ask", 3, "theirs") == "memory"
    here.close()


def _doomed(n: int) -> Any:
    from utils.tier import Doomed

    return Doomed(key=key(n))


def test_a_notice_tells_nothing_to_who_reads_it(tmp_path: Path) -> None:
    cache = open_at(tmp_path)
    fill(cache, range(2))
    cache.clear(name="f", label="ward a", keys={key(0), key(1)})
    text = (tmp_path / "clears").read_text()
    assert len(text.splitlines()) == 1
    for told in ("ward", " f ", key(0), key(1), key(0)[:8]):
        assert told not in text
    assert (tmp_path / "clears").stat().st_mode & 0o777 == 0o600
    cache.close()


def spoil_by(path: Path, how: str) -> None:
    if how == "deleted":
        path.unlink()
    elif how == "garbage":
        path.write_bytes(b"\xff\0garbage\n" * 9)
    elif how == "cut":
        path.write_bytes(path.read_bytes()[:-20])
    elif how == "a link":
        path.rename(path.with_name("elsewhere"))
        path.symlink_to(path.with_name("elsewhere"))
    elif how == "a folder":
        path.unlink()
        path.mkdir()
    elif how == "a pipe":
        path.unlink()
        os.mkfifo(path)
    elif how == "a huge file":
        with path.open("wb") as file:
            file.truncate(1 << 40)


@pytest.mark.parametrize(
    "how", ["deleted", "garbage", "cut", "a link", "a folder", "a pipe", "a huge file"]
)
def test_a_spoiled_file_of_notices_costs_no_answer(tmp_path: Path, how: str) -> None:
    here, there = open_at(tmp_path), open_at(tmp_path)
    fill(there, range(3))
    here.clear(key=key(0))
    fill(there, range(3))
    spoil_by(tmp_path / "clears", how)
    fill(there, range(3))
    for _ in range(3):
        here.clear(key=key(1))
        _unbench(here)
        there.listen()
        _unbench(there)
        fill(there, range(3))
    here.clear()
    assert _source(there, 2) == "computed"
    for one in (here, there):
        one.check()
        one.close()


def _unbench(cache: TieredCache) -> None:
    for guard in cache.lower:
        guard._benched_until = 0.0


def _source(cache: TieredCache, i: int, label: str = "") -> str:
    return cache.get_or_compute(
        key(i), lambda: truth(i), name="f", label=label, ttl_seconds=1e6
    ).source


def test_a_benched_disk_still_hears(tmp_path: Path) -> None:
    here, there = open_at(tmp_path), open_at(tmp_path)
    fill(there, range(3))
    there.lower[0]._benched_until = time.monotonic() + 60
    here.clear()
    there.listen()
    assert len(there.memory) == 0
    for one in (here, there):
        one.close()


def soon(what: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if what():
            return True
        time.sleep(0.02)
    return what()


@NEEDS_REDIS
def test_a_clear_reaches_another_server_within_two_seconds(
    tmp_path: Path, other: Callable[..., Other]
) -> None:
    """Each server has a directory of its own: memory and disk of both are cleared."""
    from tests.fault.test_cache_redis import Server

    server = Server(tmp_path)
    here = open_at(tmp_path / "here", redis_url=server.url)
    there = other(tmp_path / "there", server.url)
    for i in range(5):
        assert there("ask", i, label(i)) == "computed"
    here.clear(label="mine")
    cleared = time.monotonic()
    assert soon(lambda: there("ask", 0, "mine") == "computed", 2.0)
    print(f"\nforgotten after {time.monotonic() - cleared:.2f} s")
    assert [there("stored", i) for i in range(1, 5)] == [
        "[]", "[]", "['disk', 'redis']", "['disk', 'redis']",
    ]  # fmt: skip
    assert there("ask", 3, "theirs") == "memory"
    names = b" ".join(server.do("LRANGE", "clinstat:clears", "0", "-1"))
    assert b"mine" not in names
    assert 0 < server.do("PTTL", "clinstat:clears") <= 86_400_000
    here.close()
    server.stop()


@NEEDS_REDIS
def test_a_server_that_slept_forgets_when_it_wakes(
    tmp_path: Path, other: Callable[..., Other]
) -> None:
    from tests.fault.test_cache_redis import Server

    server = Server(tmp_path)
    here = open_at(tmp_path / "here", redis_url=server.url)
    first = other(tmp_path / "there", server.url)
    first("ask", 0, "mine")
    first.process.kill()
    first.process.wait()
    here.clear(label="mine")
    again = other(tmp_path / "there", server.url)
    assert again("ask", 0, "mine") == "computed"
    here.close()
    server.stop()


@NEEDS_REDIS
def test_what_another_server_computes_while_it_is_cleared_is_not_kept(
    tmp_path: Path, other: Callable[..., Other]
) -> None:
    from tests.fault.test_cache_redis import Server

    server = Server(tmp_path)
    here = open_at(tmp_path / "here", redis_url=server.url)
    there = other(tmp_path / "there", server.url)
    there("ask", 4, "theirs")
    there.say("slow", 0, "mine")
    assert there.hear() == "computing"
    here.clear(label="mine")
    assert there.hear() == "computed"
    assert there("stored", 0) == "[]"
    assert there("held") == "1"
    here.close()
    server.stop()


@NEEDS_REDIS
def test_a_full_server_clears_at_once_and_owes_the_news(
    tmp_path: Path, other: Callable[..., Other]
) -> None:
    from tests.fault.test_cache_redis import Server

    server = Server(tmp_path)
    here = open_at(tmp_path / "here", redis_url=server.url)
    there = other(tmp_path / "there", server.url)
    there("ask", 0, "mine")
    server.do("CONFIG", "SET", "maxmemory", "1")
    here.clear(label="mine")
    assert server.do("EXISTS", b"clinstat:e:" + key(0).encode()) == 0
    assert here.snapshot()["tiers"]["redis"]["owed clears"] == 1
    server.do("CONFIG", "SET", "maxmemory", "0")
    _unbench(here)
    here.snapshot()
    assert here.snapshot()["tiers"]["redis"]["owed clears"] == 0
    assert soon(lambda: there("ask", 0, "mine") == "computed", 2.0)
    here.close()
    server.stop()


@NEEDS_REDIS
def test_the_list_of_notices_is_bounded_and_a_gap_means_everything(tmp_path: Path) -> None:
    from tests.fault.test_cache_redis import Server

    server = Server(tmp_path)
    here = open_at(tmp_path / "here", redis_url=server.url)
    there = open_at(tmp_path / "there", redis_url=server.url)
    fill(there, range(3))
    here.clear(key=key(9))
    there.listen(at_once=True)
    assert len(there.memory) == 3
    tier: Any = here.lower[1].tier
    for n in range(600):
        tier.clear(here._announced(_doomed(100 + n)))
    assert server.do("LLEN", "clinstat:clears") == 500
    there.listen(at_once=True)
    assert len(there.memory) == 0
    assert there.lower[0].get(key(0)) is None
    server.do("LPUSH", "clinstat:clears", json.dumps({"no": "notice"}))
    fill(there, range(3))
    there.listen(at_once=True)
    assert len(there.memory) == 0
    assert there.check() == []
    here.close()
    there.close()
    server.stop()
