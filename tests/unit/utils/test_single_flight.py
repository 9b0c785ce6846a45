"""One computation per key among threads, and nobody waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from utils.errors import Cancelled
from utils.single_flight import SingleFlight


def run_all(work: Callable[[int], Any], n: int) -> list[Any]:
    """Outcomes (value or exception) of `work(i)` in n threads that start together."""
    gate = threading.Barrier(n)
    outcomes: list[Any] = [None] * n

    def one(i: int) -> None:
        gate.wait()
        try:
            outcomes[i] = work(i)
        except BaseException as error:
            outcomes[i] = error

    threads = [threading.Thread(target=one, args=(i,), daemon=True) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive(), "a caller hangs"
    return outcomes


def test_twenty_threads_one_computation() -> None:
    flights = SingleFlight()
    runs: list[int] = []

    def compute() -> object:
        runs.append(1)
        time.sleep(0.1)
        return "value"

    outcomes = run_all(lambda _i: flights.run("k", compute), 20)
    assert len(runs) == 1
    assert sorted(role for _, role in outcomes) == ["computed"] + ["shared"] * 19
    assert {value for value, _ in outcomes} == {"value"}
    assert flights.running() == 0


def test_an_exception_reaches_everybody_and_is_forgotten() -> None:
    flights = SingleFlight()
    runs: list[int] = []

    def fail() -> object:
        runs.append(1)
        time.sleep(0.1)
        raise ValueError("no")

    outcomes = run_all(lambda _i: flights.run("k", fail), 20)
    assert len(runs) == 1
    assert all(isinstance(outcome, ValueError) for outcome in outcomes)
    assert flights.run("k", lambda: 1) == (1, "computed")


@pytest.mark.parametrize("stop", [Cancelled, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_stopped_owner_hands_over_to_a_waiter(stop: type[BaseException]) -> None:
    flights = SingleFlight()
    runs: list[int] = []

    def compute() -> object:
        runs.append(1)
        time.sleep(0.05)
        if len(runs) == 1:
            raise stop
        return "value"

    outcomes = run_all(lambda _i: flights.run("k", compute), 10)
    assert sum(isinstance(outcome, stop) for outcome in outcomes) == 1
    assert len(runs) == 2
    assert sum(outcome == ("value", "shared") for outcome in outcomes) == 8


def test_a_computation_that_asks_for_its_own_key_computes() -> None:
    flights = SingleFlight()
    inner = flights.run("k", lambda: flights.run("k", lambda: "inner"))
    assert inner == (("inner", "computed"), "computed")


def test_two_threads_that_want_each_others_key_do_not_wait_for_ever() -> None:
    flights = SingleFlight(wait_seconds=60)
    both = threading.Barrier(2)

    def work(i: int) -> object:
        def outer() -> object:
            both.wait()
            return flights.run("ba"[i], lambda: f"inner {i}")[0]

        return flights.run("ab"[i], outer)[0]

    started = time.monotonic()
    outcomes = run_all(work, 2)
    assert time.monotonic() - started < 10
    assert all(isinstance(outcome, str) for outcome in outcomes)


def test_a_wait_has_an_end() -> None:
    flights = SingleFlight(wait_seconds=0.1)
    release = threading.Event()
    slow = threading.Thread(target=lambda: flights.run("k", release.wait))
    slow.start()
    while not flights.running():
        time.sleep(0.001)
    assert flights.run("k", lambda: "own") == ("own", "computed")
    release.set()
    slow.join()


def test_different_keys_do_not_wait_for_each_other() -> None:
    flights = SingleFlight()
    together = threading.Barrier(5, timeout=10)
    outcomes = run_all(lambda i: flights.run(f"k{i}", together.wait), 5)
    assert sorted(value for value, _ in outcomes) == [0, 1, 2, 3, 4]
