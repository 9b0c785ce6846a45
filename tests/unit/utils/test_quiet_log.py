"""Canaries in exceptions, warnings, records and prints stay out of what is written."""

from __future__ import annotations

import io
import logging
import sys
import traceback
import warnings
from collections.abc import Iterator

import pytest

from utils.quiet_log import QuietFormatter, QuietStream, keep_quiet

CANARY = "Zebediah"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What reaches the real standard error of a process that keeps quiet."""
    out = io.StringIO()
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    root, access = logging.getLogger(), logging.getLogger("uvicorn.access")
    before = list(root.handlers)
    yield out
    root.handlers[:] = before
    access.disabled = False


def begin(out: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the test itself: pytest puts its own stream in place between a fixture and its test."""
    monkeypatch.setattr(sys, "stderr", out)
    keep_quiet()


class BadCell(ValueError):
    """An exception of a test."""


def fail(depth: int = 0) -> None:
    if depth < 2:
        fail(depth + 1)
    raise BadCell(f'{CANARY} in row 3\nFile "{CANARY}.csv", line 3, in {CANARY}\n{CANARY}Error: x')


def test_a_printed_traceback_keeps_type_and_places(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(written, monkeypatch)
    try:
        fail()
    except BadCell:
        traceback.print_exc()
    told = written.getvalue()
    assert "BadCell (text withheld)" in told
    assert told.count("at test_quiet_log.py:") == 4
    assert CANARY not in told
    assert "/" not in told


def test_a_group_and_a_chain_of_exceptions(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(written, monkeypatch)
    try:
        try:
            fail()
        except BadCell as error:
            raise ExceptionGroup(CANARY, [error, KeyError(CANARY)]) from error
    except ExceptionGroup:
        traceback.print_exc()
    told = written.getvalue()
    assert {"BadCell", "ExceptionGroup", "KeyError"} <= set(told.split())
    assert CANARY not in told


def test_what_is_printed_is_withheld_and_counted(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(written, monkeypatch)
    print(f"patient {CANARY}", file=sys.stderr)
    print(CANARY, "x" * 50_000, file=sys.stderr)
    assert written.getvalue() == ""
    assert isinstance(sys.stderr, QuietStream)
    assert sys.stderr.withheld == 2


def test_warnings_say_their_kind_only(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(written, monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning(RuntimeWarning(CANARY), RuntimeWarning, f"/a/{CANARY}/b.py", 7)
    assert "RuntimeWarning at b.py:7" in written.getvalue()
    assert CANARY not in written.getvalue()


def test_records_of_others_keep_their_template(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(written, monkeypatch)
    logging.getLogger("uvicorn.error").warning("closing %s", CANARY)
    logging.getLogger("asyncio").error(f"Task <{CANARY}>")  # noqa: G004 - as asyncio does
    logging.getLogger("uvicorn.access").error("GET /session/%s", CANARY)
    told = written.getvalue()
    assert "closing %s (test_quiet_log.py:" in told
    assert "text withheld" in told
    assert "GET" not in told
    assert CANARY not in told


def test_records_of_ours_are_written_without_long_tokens(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(written, monkeypatch)
    token = "3f" * 32
    try:
        fail()
    except BadCell:
        logging.getLogger("clinstat.executor").exception("a worker for %s ended %s", "read", token)
    told = written.getvalue()
    assert "a worker for read ended ... [BadCell at test_quiet_log.py:" in told
    assert token not in told
    assert CANARY not in told


def test_a_traceback_in_pieces_is_read_as_one(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(written, monkeypatch)
    for piece in ("  Fi", f'le "{__file__}", li', "ne 12, in f\nKey", f"Error: {CANARY}\n"):
        sys.stderr.write(piece)
    assert written.getvalue() == "  at test_quiet_log.py:12\nKeyError (text withheld)\n"


def test_twice_is_once(written: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(written, monkeypatch)
    first = sys.stderr
    keep_quiet()
    assert sys.stderr is first


def test_the_formatter_stands_a_record_without_a_place() -> None:
    record = logging.LogRecord(
        "x", logging.ERROR, "", 0, CANARY, None, (KeyError, KeyError(), None)
    )
    assert CANARY not in QuietFormatter().format(record)
