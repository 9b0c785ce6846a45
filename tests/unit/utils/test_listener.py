"""A server that others can reach says who may use it, or does not start."""

from __future__ import annotations

import socket

import pytest

from utils.listener import CannotListen, listen, only_this_machine, who_may

NOTHING = {"password": False, "by_proxy": False, "public": False}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_its_own_machine_alone(host: str) -> None:
    assert only_this_machine(host)
    assert who_may(host, **NOTHING) == "Only this computer can reach it."


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "clinstat.example.org", ""])
def test_nothing_else_starts_without_a_word(host: str) -> None:
    with pytest.raises(CannotListen, match="PUBLIC_ACCESS=1"):
        who_may(host, **NOTHING)


@pytest.mark.parametrize(
    ("choice", "word"), [("password", "password"), ("by_proxy", "proxy"), ("public", "Anybody")]
)
def test_each_way_is_said(choice: str, word: str) -> None:
    assert word in who_may("0.0.0.0", **(NOTHING | {choice: True}))


def test_a_taken_port_is_said_in_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(CannotListen, match="in use"):
            listen("127.0.0.1", taken.getsockname()[1])
    with listen("127.0.0.1", 0) as free:
        assert free.getsockname()[0] == "127.0.0.1"
