"""The Redis tier against a real server, and against servers that are absent, slow or lying."""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fault.cache_faults import (
    SCALE,
    SECRET,
    fill,
    key,
    open_at,
    read,
    report,
    scaled,
    truth,
)
from utils.cache import TieredCache
from utils.codec import Codec
from utils.envelope import Entry, seal
from utils.memory_tier import MemoryTier
from utils.open_cache import open_cache
from utils.redis_tier import RedisTier
from utils.resp import RespConnection

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(
        shutil.which("redis-server") is None, reason="redis-server is not installed"
    ),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A real redis-server on the loopback interface, without persistence."""

    def __init__(self, place: Path, *options: str) -> None:
        self.port = free_port()
        self.command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                        "--appendonly", "no", "--dir", str(place), *options]  # fmt: skip
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)
        for _ in range(200):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=0.2).close()
                return
            time.sleep(0.02)
        raise AssertionError("redis-server did not start")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def do(self, *words: bytes | str) -> Any:
        raw = [w.encode() if isinstance(w, str) else w for w in words]
        connection = RespConnection(
            "127.0.0.1", self.port, timeout_seconds=5, longest_reply_bytes=1 << 24
        )
        try:
            return connection.call(raw)[0]
        finally:
            connection.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    yield made
    made.stop()


def over(url: str) -> TieredCache:
    return open_cache(memory_bytes=1 << 22, classes={}, redis_url=url, secret=SECRET)


def unbench(cache: TieredCache) -> None:
    for guard in cache.lower:
        guard._benched_until = 0.0


def facts(cache: TieredCache) -> dict[str, Any]:
    return cache.snapshot()["tiers"]["redis"]


def test_two_servers_share_results(server: Server, tmp_path: Path) -> None:
    one, other = over(server.url), over(server.url)
    fill(one, range(10))
    assert [read(other, i) for i in range(10)] == ["right"] * 10
    assert facts(other)["found"] == 10
    both = open_at(tmp_path / "c", redis_url=server.url)
    assert read(both, 3) == "right"
    both.memory.delete(key(3))
    answer = both.get_or_compute(key(3), lambda: 0, name="f", ttl_seconds=9)
    assert answer.source == "disk", "a hit in Redis fills the disk tier above it"
    assert one.check() == other.check() == both.check() == []
    for cache in (one, other, both):
        cache.close()


def test_expiry_is_the_entrys_own(server: Server) -> None:
    cache = over(server.url)
    cache.get_or_compute(key(0), lambda: 1, name="f", ttl_seconds=50)
    left = server.do("PTTL", b"clinstat:e:" + key(0).encode())
    assert 45_000 < left <= 50_000
    cache.get_or_compute(key(1), lambda: 1, name="f", ttl_seconds=0.15)
    time.sleep(0.2)
    assert server.do("EXISTS", b"clinstat:e:" + key(1).encode()) == 0
    cache.close()


def test_clearing_and_what_the_server_gets_to_know(server: Server) -> None:
    def filled() -> TieredCache:
        cache = over(server.url)
        cache.clear()
        for i, (name, label) in enumerate(
            [("fit", "ward a"), ("fit", "ward b"), ("plot", "ward a")]
        ):
            cache.get_or_compute(key(i), lambda: 1, name=name, label=label, ttl_seconds=99)
        return cache

    def left() -> list[int]:
        return [i for i in range(3) if server.do("EXISTS", b"clinstat:e:" + key(i).encode())]

    server.do("SET", "somebody else's", "data")
    for clear, expected in [
        ({"key": key(1)}, [0, 2]), ({"name": "fit"}, [2]), ({"label": "ward a"}, [1]),
        ({"name": "fit", "label": "ward a"}, [1, 2]), ({}, []), ({"name": "other"}, [0, 1, 2]),
    ]:  # fmt: skip
        cache = filled()
        names = b" ".join(server.do("KEYS", "*"))
        assert b"ward" not in names
        assert b"fit" not in names
        cache.clear(**clear)
        assert left() == expected, clear
        cache.close()
    cache = filled()
    cache.clear()
    cache.close()
    assert set(server.do("KEYS", "*")) == {b"somebody else's", b"clinstat:clears"}
    notices = b" ".join(server.do("LRANGE", "clinstat:clears", "0", "-1"))
    for told in (b"ward", b"fit", b"plot", key(1).encode()):
        assert told not in notices


@pytest.mark.timeout(120 * max(SCALE, 1))
def test_damaged_forged_and_foreign_values(server: Server) -> None:
    # nothing here is about speed: no answer may count as slow, however busy the machine is
    tier = RedisTier(server.url, secret=SECRET, timeout_seconds=5, slow_seconds=5)
    cache = TieredCache(memory=MemoryTier(1 << 22), lower=[tier], codec=Codec({}))
    rng = random.Random(3)
    counts: Counter[str] = Counter()
    for trial in range(scaled(600)):
        i = trial % 10
        unbench(cache)
        fill(cache, range(10))
        name = b"clinstat:e:" + key(i).encode()
        data = bytearray(server.do("GET", name))
        kind = trial % 6
        if kind < 3:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            server.do("SET", name, bytes(data))
        elif kind == 3:
            server.do("SET", name, bytes(data[: rng.randrange(len(data))]))
        elif kind == 4:
            server.do("SET", name, server.do("GET", b"clinstat:e:" + key((i + 1) % 10).encode()))
        else:
            server.do("DEL", name)
            server.do("RPUSH", name, "a", "list")
        counts["faults"] += 1
        cache.memory.delete(key(i))
        counts[read(cache, i)] += 1
    report("redis values", counts)
    assert counts == {"faults": scaled(600), "recomputed": scaled(600)}
    assert facts(cache)["corrupt"] == scaled(600)
    assert "faults" not in facts(cache), "a damaged value must not cost the tier"
    forged = seal(Entry(b"x", 0.0, 9e9, 1.0), key=key(0), secret=b"guess" * 6)
    server.do("SET", b"clinstat:e:" + key(0).encode(), forged)
    cache.memory.delete(key(0))
    assert read(cache, 0) == "recomputed"
    cache.close()


def set_up(server: Server, how: str) -> str:
    """Make the server unusable; the address to use."""
    if how == "full":
        server.do("CONFIG", "SET", "maxmemory", "1")
    elif how == "read-only":
        server.do("REPLICAOF", "127.0.0.1", str(free_port()))
    elif how == "password":
        server.do("CONFIG", "SET", "requirepass", "secret")
    elif how == "stopped":
        server.stop()
    elif how == "no such database":
        return server.url.removesuffix("0") + "99"
    return server.url


@pytest.mark.parametrize("how", ["full", "read-only", "password", "stopped", "no such database"])
def test_an_unusable_server_costs_little_and_no_error(server: Server, how: str) -> None:
    cache = over(set_up(server, how))
    times = added(cache, 60)
    assert times[int(len(times) * 0.95)] < 0.05
    assert times[-1] < 0.5
    assert 1 <= facts(cache)["faults"] <= 5
    assert [
        cache.get_or_compute(key(i), lambda: -1, name="f", ttl_seconds=9).value for i in (0, 59)
    ] == [0, 59]
    cache.close()


def test_it_comes_back_when_the_server_does(server: Server) -> None:
    cache = over(server.url)
    fill(cache, range(3))
    server.stop()
    cache.memory.shrink(1 << 30)
    fill(cache, range(3))
    assert facts(cache)["benched"]
    server.start()
    unbench(cache)
    fill(cache, range(3, 6))
    cache.memory.shrink(1 << 30)
    assert [read(cache, i) for i in range(3, 6)] == ["right"] * 3
    cache.close()


def test_a_password_opens_it(tmp_path: Path) -> None:
    server = Server(tmp_path, "--requirepass", "p@ss")
    cache = over(f"redis://:p%40ss@127.0.0.1:{server.port}/0")
    fill(cache, range(2))
    assert facts(cache)["kept"] == 2
    cache.close()
    server.stop()


class Liar:
    """A server that answers as it is told."""

    def __init__(self, answer: Callable[[socket.socket, bytes], None]) -> None:
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self.listener.getsockname()[1]}/0"
        self.open: list[socket.socket] = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                self.open.append(client)
                threading.Thread(target=self.talk, args=(client,), daemon=True).start()

    def talk(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while asked := client.recv(1 << 16):
                self.answer(client, asked)

    def stop(self) -> None:
        for client in [self.listener, *self.open]:
            client.close()


def added(cache: TieredCache, calls: int) -> list[float]:
    times = []
    for i in range(calls):
        began = time.perf_counter()
        assert cache.get_or_compute(key(i), lambda i=i: i, name="f", ttl_seconds=99).value == i
        times.append(time.perf_counter() - began)
    return sorted(times)


def slowly(client: socket.socket, asked: bytes) -> None:
    time.sleep(0.06)
    client.sendall(b"$-1\r\n" if b"GET" in asked else b"+OK\r\n" + b":1\r\n" * 6)


def drop_by_drop(client: socket.socket, _asked: bytes) -> None:
    for _ in range(100):
        client.sendall(b"$")
        time.sleep(0.01)


def lies(client: socket.socket, asked: bytes) -> None:
    client.sendall(b"$5\r\nwrong\r\n" * asked.count(b"*"))


@pytest.mark.parametrize("answer", [lambda *_: None, slowly, drop_by_drop, lambda client, _: client.close(), lies],
                         ids=["black hole", "slow", "drop by drop", "hangs up", "lies"])  # fmt: skip
def test_a_slow_silent_or_lying_server_adds_at_most_50_ms_to_the_95th_percentile(
    answer: Callable[[socket.socket, bytes], None],
) -> None:
    liar = Liar(answer)
    cache = over(liar.url)
    times = added(cache, 200)
    p95 = times[int(len(times) * 0.95)]
    print(f"\np95 {p95 * 1e3:.2f} ms, worst {times[-1] * 1e3:.0f} ms")
    assert p95 < 0.05
    assert times[-1] < 0.5
    cache.close()
    liar.stop()


def test_random_answers_never_become_values_or_errors() -> None:
    rng = random.Random(11)
    pieces = [b"+OK\r\n", b"-ERR no\r\n", b":1\r\n", b":99999999999999999999999\r\n", b"$5\r\nhello\r\n",
              b"$-1\r\n", b"$-7\r\n", b"$999999999999\r\n", b"*2\r\n", b"*-1\r\n", b"*99999999\r\n", b"\r\n",
              b"$3\r\nab", b"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"\0" * 50,
              b"$x\r\n", b"+" + b"y" * 9000]  # fmt: skip

    def answer(client: socket.socket, _asked: bytes) -> None:
        client.sendall(b"".join(rng.choices(pieces, k=rng.randrange(1, 5))))

    liar = Liar(answer)
    tier = RedisTier(liar.url, secret=SECRET, timeout_seconds=0.02)
    cache = TieredCache(memory=MemoryTier(1 << 22), lower=[tier], codec=Codec({}))
    for i in range(500):
        unbench(cache)
        assert cache.get_or_compute(
            key(i), lambda i=i: truth(i), name="f", ttl_seconds=9
        ).value == truth(i)
        if i % 50 == 0:
            cache.clear(name="f")
            cache.check()
            cache.snapshot()
    assert facts(cache)["faults"] + facts(cache).get("corrupt", 0) > 300
    cache.close()
    liar.stop()
