"""The line to a page: what is sent in one moment leaves together, and small messages as they are.

After a click some thirty short messages go to the page, and each would be packed and handed to the
system by itself. Both let go of the interpreter, and to get it back from a thread that calculates
takes up to five milliseconds each time: most of what others waited for while somebody computed.
"""

from __future__ import annotations

import asyncio
from asyncio.transports import BaseTransport
from typing import Any

SMALL_BYTES = 1_024
"""Messages up to here are not packed (RFC 7692 leaves it to the sender, message by message)."""


class Gathering:
    """A transport that hands on what was written when the present round of the loop is over."""

    def __init__(self, transport: BaseTransport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport: Any = transport
        self._loop = loop
        self._held: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Have it sent with what else is written in this round."""
        if not self._held:
            self._loop.call_soon(self._release)
        self._held.append(data)

    def close(self) -> None:
        """End the line after what was written."""
        self._release()
        self._transport.close()

    def _release(self) -> None:
        held, self._held = self._held, []
        if held and not self._transport.is_closing():
            self._transport.write(b"".join(held))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def gathering(protocol: type) -> type:
    """The class of websockets that is handed in (`app.py` alone knows of uvicorn), with both."""

    class PageSocket(protocol):  # type: ignore[misc]
        """The line to one page."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            for packing in self.conn.available_extensions:
                _spare_small(packing)

        def connection_made(self, transport: BaseTransport) -> None:
            """A page has dialled."""
            super().connection_made(Gathering(transport, self.loop))

    return PageSocket


def _spare_small(packing: Any) -> None:
    """The extensions that this factory agrees on with pages pack only what is large."""
    agree = packing.process_request_params

    def agreed(*asked: Any) -> Any:
        answer, extension = agree(*asked)
        pack = extension.encode
        extension.encode = lambda frame: frame if _is_small(frame) else pack(frame)
        return answer, extension

    packing.process_request_params = agreed


def _is_small(frame: Any) -> bool:
    return frame.opcode.name == "TEXT" and frame.fin and len(frame.data) <= SMALL_BYTES
