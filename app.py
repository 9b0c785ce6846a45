"""The front door: settings, workers, page, server.

python app.py            everything in force (memory settings, forked workers)
uvicorn app:app          also works; the workers are then started afresh when needed
"""

from __future__ import annotations

import os
import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from config import Settings

_HERE = Path(__file__).parent

#: The C library reads these before Python starts. Large blocks then go back to the system at
#: once, and the linear algebra library starts no threads of its own beside our lanes.
_MEMORY_SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "65536",
    "OPENBLAS_NUM_THREADS": "1",
}
_GRACE_SECONDS = 10
_PING_SECONDS = 20.0


def build(settings: Settings) -> Any:
    """The ASGI application."""
    from shiny import App
    from starlette.middleware.gzip import GZipMiddleware

    import logic
    from config import VERSION
    from tabs.page import page, serve
    from tabs.words import limit_words
    from utils.upload_limit import UploadLimit

    shiny_app = App(
        page(version=VERSION, upload_bytes=settings.upload_bytes),
        serve,
        static_assets={"/plotly": _plotly_folder(), "/": _HERE / "www"},
    )
    shiny_app.sanitize_errors = True
    shiny_app.sanitize_error_msg = "This part of the page failed. Reload the page and try again."
    shiny_app.on_shutdown(logic.shutdown)
    message = f"This file is larger than {limit_words(settings.upload_bytes)}."
    limited = UploadLimit(shiny_app, limit_bytes=settings.upload_bytes, message=message)
    return GZipMiddleware(limited, minimum_size=1_000, compresslevel=5)


def _plotly_folder() -> Path:
    # Found without importing the package, which would cost the server 40 MB.
    spec = find_spec("plotly")
    if spec is None or not spec.submodule_search_locations:
        _stop("The package plotly is missing. Install the packages of requirements.txt.")
    return Path(spec.submodule_search_locations[0]) / "package_data"


def main() -> None:
    """Serve until stopped."""
    if any(os.environ.get(name) != value for name, value in _MEMORY_SETTINGS.items()):
        command = [sys.executable, *sys.orig_argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **_MEMORY_SETTINGS})  # noqa: S606 - ourselves
    settings = _settings()
    listener = _listen(settings.host, settings.port)

    import logic
    from presentation import TRAVELLERS
    from utils.executor import PRELOAD
    from utils.zygote import Zygote

    # Before anything that starts a thread: a process with threads must not fork.
    zygote = Zygote.start(PRELOAD)
    logic.configure(settings, zygote, travellers=TRAVELLERS)
    try:
        _serve(settings, listener)
    finally:
        logic.shutdown()


def _serve(settings: Settings, listener: socket.socket) -> None:
    import uvicorn

    import logic
    from tabs import examples

    config = uvicorn.Config(
        build(settings),
        ws_ping_interval=_PING_SECONDS,
        ws_ping_timeout=_PING_SECONDS,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    if settings.warm_up:
        logic.warm_up(examples.ahead())
    logic.collect_soon()
    print(f"Clinstat is at http://{settings.host}:{settings.port}", flush=True)  # noqa: T201
    uvicorn.Server(config).run(sockets=[listener])


def _settings() -> Settings:
    from config import SettingError, Settings

    try:
        return Settings.from_env()
    except SettingError as error:
        _stop(str(error))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol spelled out asyncio turns off Nagle's algorithm, which would hold back
    # every small answer by 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError):
        _stop(f"Clinstat cannot listen on {host}:{port}: the port is in use or not allowed. "
              "Stop the other program, or choose another port with PORT=8001.")  # fmt: skip
    return listener


def _stop(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201
    raise SystemExit(2)


def _app_for_another_launcher() -> Any:
    import logic
    from presentation import TRAVELLERS

    settings = _settings()
    logic.configure(settings, travellers=TRAVELLERS)
    return build(settings)


if __name__ == "__main__":
    main()
else:
    app = _app_for_another_launcher()
