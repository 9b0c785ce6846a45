"""What is written in one moment leaves together; small messages leave as they are."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

from utils.page_socket import SMALL_BYTES, Gathering, gathering


class Pipe(asyncio.Transport):
    """Keeps what it is given, piece by piece."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 5)})
        self.pieces: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.pieces.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def test_what_is_written_in_one_round_is_one_piece() -> None:
    async def story() -> Pipe:
        pipe = Pipe()
        line = Gathering(pipe, asyncio.get_running_loop())
        for letter in (b"a", b"b", b"c"):
            line.write(letter)
        assert pipe.pieces == []
        await asyncio.sleep(0)
        line.write(b"d")
        await asyncio.sleep(0)
        assert line.get_extra_info("peername") == ("127.0.0.1", 5)
        return pipe

    assert asyncio.run(story()).pieces == [b"abc", b"d"]


def test_a_line_that_ends_sends_its_last_words_first() -> None:
    async def story() -> Pipe:
        pipe = Pipe()
        line = Gathering(pipe, asyncio.get_running_loop())
        line.write(b"good")
        line.write(b"bye")
        line.close()
        line.write(b"too late")
        await asyncio.sleep(0)
        return pipe

    pipe = asyncio.run(story())
    assert pipe.closed
    assert pipe.pieces == [b"goodbye"]


def agreed() -> Any:
    """What the server packs messages with, once a page has dialled."""
    from uvicorn.config import Config
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
    from uvicorn.server import ServerState

    async def application(_scope: object, _receive: object, _send: object) -> None:
        return None

    async def story() -> Any:
        config = Config(application, interface="asgi3", log_config=None)  # type: ignore[arg-type]
        config.load()
        line = gathering(WebSocketsSansIOProtocol)(config, ServerState(), {})
        line.connection_made(Pipe())
        assert isinstance(line.transport, Gathering)
        (factory,) = line.conn.available_extensions
        return factory.process_request_params([], [])[1]

    return asyncio.run(story())


@pytest.mark.parametrize(
    ("size", "packed"), [(0, False), (1, False), (SMALL_BYTES, False), (SMALL_BYTES + 1, True)]
)
def test_only_large_messages_are_packed_and_all_can_be_read(size: int, packed: bool) -> None:
    ours = agreed()
    theirs = PerMessageDeflate(False, False, 15, 15)
    for number in range(3):  # the packer goes on where it was
        data = bytes([65 + number]) * size
        sent = ours.encode(Frame(Opcode.TEXT, data))
        assert sent.rsv1 == packed
        assert bytes(theirs.decode(sent).data) == data
