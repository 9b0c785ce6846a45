"""The socket that a server listens on, and who can reach it."""

from __future__ import annotations

import ipaddress
import socket


class CannotListen(OSError):
    """The address cannot be listened on; `str()` is a sentence for whoever starts the server."""


def listen(host: str, port: int) -> socket.socket:
    """A bound TCP socket; CannotListen when the address is taken, not ours or not allowed."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol spelled out asyncio turns off Nagle's algorithm, which would hold back
    # every small answer by 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise CannotListen(
            f"Clinstat cannot listen on {host}:{port}: the port is in use or not allowed. "
            "Stop the other program, or choose another port with PORT=8001."
        ) from error
    return listener


def only_this_machine(host: str) -> bool:
    """True when nobody from outside can reach what listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def who_may(host: str, *, password: bool, by_proxy: bool, public: bool) -> str:
    """Who may use a server that listens on `host`, in a sentence for its log; CannotListen when
    others could reach it and nobody said that they may."""
    if by_proxy:
        return "Only requests that the sign-on proxy vouches for are served."
    if password:
        return "A password is asked for."
    if only_this_machine(host):
        return "Only this computer can reach it."
    if public:
        return "Anybody who can reach it may use it (PUBLIC_ACCESS=1): no password is asked for."
    raise CannotListen(
        f"Clinstat would be open to everybody who can reach {host}. Set ACCESS_PASSWORD or "
        "PROXY_SECRET, or say with PUBLIC_ACCESS=1 that this is meant."
    )
