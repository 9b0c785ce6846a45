"""Entry of a spawned zygote (see utils/zygote.py): a fresh interpreter that forks the workers."""

from __future__ import annotations

import os
import socket
import traceback
from typing import NoReturn

from utils.worker_limits import tie_to_parent


def main(arguments: list[str]) -> NoReturn:
    """Serve on the inherited socket.

    `arguments`: descriptor of the socket, process id of the server, modules to load.
    """
    descriptor, server_pid, *preload = arguments
    try:
        tie_to_parent(int(server_pid))  # first of all: loading takes most of a second
        control = socket.socket(fileno=int(descriptor))
        control.set_inheritable(False)
        _serve(control, int(server_pid), preload)
    finally:
        traceback.print_exc()  # of the code, before there is any data
        os._exit(1)


def _serve(control: socket.socket, server_pid: int, preload: list[str]) -> NoReturn:
    from utils import zygote_server

    zygote_server.load(preload)
    zygote_server.serve(control, server_pid)
