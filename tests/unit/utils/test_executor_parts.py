"""The parts of the executor, each alone: queue, alarm, switch, frames, counters."""

from __future__ import annotations

import socket
import threading
import time
from queue import Empty, Full

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.executors import soon
from utils import refusals
from utils.alarm import AlarmClock
from utils.cancel import CancelToken
from utils.errors import Cancelled
from utils.fair_queue import FairQueue
from utils.ticket import Ticket
from utils.wire import Channel, FrameTooLargeError, Kind, PeerGoneError, WireError

# ---------------------------------------------------------------- FairQueue


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers()), max_size=30))
def test_everything_comes_out_once_and_in_order_within_its_owner(items):
    queue = FairQueue(100)
    for item in items:
        queue.put(item, item[0])
    assert len(queue) == len(items)
    taken = [queue.take(0) for _ in items]
    for owner in "abc":
        assert [i for i in taken if i[0] == owner] == [i for i in items if i[0] == owner]
    with pytest.raises(Empty):
        queue.take(0)


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=40))
def test_nobody_waits_behind_two_of_another_owner(owners):
    queue = FairQueue(100)
    for owner in owners:
        queue.put(owner, owner)
    taken = [queue.take(0) for _ in owners]
    for owner in set(owners):
        first = taken.index(owner)
        before = taken[:first]
        assert all(before.count(other) <= 1 for other in before)


def test_the_bound_the_exit_and_the_end_of_a_queue():
    queue = FairQueue(2)
    queue.put("x", "a")
    queue.put("y", "a")
    with pytest.raises(Full):
        queue.put("z", "b")
    assert queue.discard("x")
    assert not queue.discard("x")
    queue.put("z", "b")
    assert queue.close() == ["y", "z"]
    assert queue.take() is None
    with pytest.raises(Full):
        queue.put("w", "a")


def test_a_taker_waits_until_something_comes():
    queue, taken = FairQueue(2), []
    thread = threading.Thread(target=lambda: taken.append(queue.take()))
    thread.start()
    queue.put("x", "a")
    thread.join(5)
    assert taken == ["x"]


# ---------------------------------------------------------------- AlarmClock and CancelToken


def test_alarms_ring_in_order_and_can_be_taken_back():
    clock, rung = AlarmClock(), []
    clock.ring_after(0.06, lambda: rung.append("late"))
    silence = clock.ring_after(0.04, lambda: rung.append("never"))
    clock.ring_after(0.02, lambda: rung.append("early"))
    silence()
    silence()
    assert soon(lambda: len(rung) == 2)
    assert rung == ["early", "late"]
    clock.ring_after(60, lambda: rung.append("never"))
    clock.close()
    clock.close()


def test_a_switch_calls_back_once():
    token, calls = CancelToken(), []
    forget = token.when_cancelled(lambda: calls.append("forgotten"))
    token.when_cancelled(lambda: calls.append("kept"))
    forget()
    token.check()
    token.cancel()
    token.cancel()
    token.when_cancelled(lambda: calls.append("late"))
    assert calls == ["kept", "late"]
    assert token.cancelled
    with pytest.raises(Cancelled):
        token.check()


def test_a_ticket_is_answered_once():
    halted = []
    ticket = Ticket("work", halted.append)
    assert ticket.begin(halted.append)
    ticket.stop("cancelled")
    ticket.stop("deadline")
    assert ticket.stopped == "cancelled"
    assert halted == [ticket]
    assert ticket.fail(refusals.stopped("cancelled"))
    assert not ticket.resolve(1)
    assert not ticket.fail(ValueError())
    ticket.stop("shutdown")
    assert halted == [ticket]
    assert isinstance(ticket.future.exception(), Cancelled)


def test_a_ticket_whose_future_was_cancelled_does_not_begin():
    ticket = Ticket("work", lambda _: None)
    ticket.future.cancel()
    assert not ticket.begin(lambda _: None)


# ---------------------------------------------------------------- frames


def channels() -> tuple[Channel, Channel, tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    return Channel(ours), Channel(theirs), (ours, theirs)


@given(
    st.sampled_from(Kind),
    st.dictionaries(st.text(), st.one_of(st.integers(), st.text(), st.none()), max_size=5),
    st.binary(max_size=200),
)
def test_frames_arrive_as_they_were_sent(kind, meta, payload):
    here, there, sockets = channels()
    with sockets[0], sockets[1]:
        here.send(kind, meta, payload)
        message = there.receive(payload_bytes=200)
        assert (message.kind, message.meta, message.payload) == (kind, meta, payload)


def test_a_large_frame_crosses_in_pieces():
    here, there, sockets = channels()
    payload = bytes(range(256)) * 40_000
    with sockets[0], sockets[1]:
        thread = threading.Thread(target=here.send, args=(Kind.RESULT, {}, payload))
        thread.start()
        assert there.receive(payload_bytes=len(payload)).payload == payload
        thread.join(5)


def test_bounds_and_ends_of_a_channel():
    here, there, sockets = channels()
    with sockets[0], sockets[1]:
        here.send(Kind.RESULT, {}, b"xx")
        with pytest.raises(FrameTooLargeError):
            there.receive(payload_bytes=1)
    here, there, sockets = channels()
    with sockets[1]:
        sockets[0].close()
        with pytest.raises(PeerGoneError):
            there.receive(payload_bytes=1)
        with pytest.raises(PeerGoneError):
            there.send(Kind.RESULT, {})
    here, there, sockets = channels()
    with sockets[0], sockets[1], pytest.raises(FrameTooLargeError):
        here.send(Kind.RESULT, {"text": "x" * 200_000})


def test_waiting_for_a_frame_can_be_given_up():
    class GivenUp(Exception):
        pass

    def wait(sock, events):
        raise GivenUp

    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(GivenUp):
        Channel(ours, wait=wait).receive(payload_bytes=1)


@given(st.binary(min_size=17, max_size=80))
def test_random_bytes_are_never_a_frame(data):
    ours, theirs = socket.socketpair()
    with theirs:
        ours.sendall(data)
        ours.close()
        with pytest.raises(WireError):
            Channel(theirs).receive(payload_bytes=1000)


# ---------------------------------------------------------------- sentences


@pytest.mark.parametrize(
    "error",
    [
        refusals.stopped("cancelled"), refusals.stopped("deadline", 3.0),
        refusals.stopped("deadline"), refusals.stopped("memory"), refusals.stopped("shutdown"),
        refusals.crowded(), refusals.held(), refusals.out_of_memory(128 << 20), refusals.lost(),
        refusals.failed(), refusals.not_started(), refusals.result_too_large(1),
        refusals.arguments_too_large(3 << 30),
    ],
    ids=str,
)  # fmt: skip
def test_every_refusal_has_a_cause_and_a_remedy(error):
    assert error.message.endswith(".")
    assert error.hint.endswith(".")
    for word in ("traceback", "worker", "process id", "nan", "inf", "exception", "none", "/"):
        assert word not in str(error).lower()


def test_time_is_not_spent_on_waiting_for_nothing():
    queue = FairQueue(1)
    began = time.monotonic()
    with pytest.raises(Empty):
        queue.take(0.05)
    assert 0.04 < time.monotonic() - began < 1
