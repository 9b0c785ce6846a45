"""What a field holds while it is filled: is it the first time, and has the page answered yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from shiny import reactive

if TYPE_CHECKING:
    from tabs.form.server import FormServer


T = TypeVar("T")


class Standing(Generic[T]):
    """What stands in a field, with what was sent to it and not answered yet.

    A field that is filled twice in a row would otherwise be given back what stood in it before
    the first filling, because the page's answer is still under way.
    """

    def __init__(self, read: Callable[[], T]) -> None:
        self._read = read
        self._sent: list[T] = []

        @reactive.effect
        def _() -> None:
            read()
            self._sent.clear()  # the page has spoken

    def now(self) -> T:
        """Not reactive."""
        with reactive.isolate():
            return self._sent[0] if self._sent else self._read()

    def send(self, value: T) -> None:
        """The page is told to show this."""
        self._sent[:] = [value]


class FirstFill:
    """Asked once per filling.

    Not the first when the page came back with what stood in the field: that is newer than
    anything kept here.
    """

    def __init__(self, server: FormServer) -> None:
        self._server = server
        self._filled_for = ""

    def is_now(self) -> bool:
        """True once per file."""
        now = self._server.prefix()
        first, self._filled_for = self._filled_for != now, now
        return first and not self._server.page_known()
