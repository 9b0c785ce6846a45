"""The front door: settings, workers, page, server.

python app.py            everything in force (memory settings, forked workers)
uvicorn app:app          also works; the workers are then started afresh when needed
"""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from socket import socket

    from config import Settings

_HERE = Path(__file__).parent

_GRACE_SECONDS, _PING_SECONDS = 10, 20.0


def build(settings: Settings) -> Any:
    """The ASGI application."""
    from utils.lean_start import leave_out

    leave_out()
    from starlette.middleware.gzip import GZipMiddleware

    import logic
    from config import VERSION
    from stats.shape import shape_of
    from tabs.lean_session import LeanApp
    from tabs.page import page, serve
    from tabs.words import limit_words
    from utils.front_gate import Behind, FrontRules, front_gate
    from utils.package_files import package_folder
    from utils.packed_files import PackedFiles
    from utils.plan_api import PlanApi
    from utils.security_headers import inline_scripts

    logic.desk().receive()
    shiny_app = LeanApp(
        page(version=VERSION, upload_bytes=settings.upload_bytes),
        serve,
        static_assets={"/plotly": package_folder("plotly", "package_data"), "/": _HERE / "www"},
    )
    shiny_app.sanitize_errors = True
    shiny_app.sanitize_error_msg = "This part of the page failed. Reload the page and try again."
    shiny_app.on_shutdown(logic.shutdown)
    message = f"This file is larger than {limit_words(settings.upload_bytes)}."
    packed = GZipMiddleware(PackedFiles(shiny_app), minimum_size=1_000, compresslevel=5)
    rules = FrontRules(upload_message=message, **settings.front)
    document = shiny_app.ui
    behind = Behind(
        inline_scripts=() if callable(document) else inline_scripts(document["html"]),
        login_page=(_HERE / "www" / "login.html").read_bytes(),
        status=logic.status,
        plan=PlanApi(lambda asked: asdict(logic.plan(**shape_of(asked))), (logic.StatsError,)),
    )
    return front_gate(packed, rules, behind)


def main() -> None:
    """Serve until stopped."""
    from utils.lean_start import settle

    settle(os.environ)
    settings = _settings()
    import logic
    from presentation import TRAVELLERS
    from utils.executor import PRELOAD
    from utils.listener import CannotListen, listen, who_may
    from utils.zygote import Zygote

    try:
        told = who_may(settings.host, **settings.access)
        listener = listen(settings.host, settings.port)
    except CannotListen as error:
        _stop(str(error))
    # Before anything that starts a thread: a process with threads must not fork.
    zygote = Zygote.start(PRELOAD)
    logic.configure(settings, zygote, travellers=TRAVELLERS)
    try:
        _serve(settings, listener, told)
    finally:
        logic.shutdown()


def _serve(settings: Settings, listener: socket, told: str) -> None:
    application = build(settings)
    from uvicorn.config import Config
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
    from uvicorn.server import Server

    import logic
    from tabs import examples
    from utils.lean_start import stand
    from utils.page_socket import gathering
    from utils.quiet_log import keep_quiet

    config = Config(
        application, ws=gathering(WebSocketsSansIOProtocol),
        ws_ping_interval=_PING_SECONDS, ws_ping_timeout=_PING_SECONDS,
        access_log=False, proxy_headers=False, server_header=False, log_config=None,
        log_level="warning", timeout_graceful_shutdown=_GRACE_SECONDS,
    )  # fmt: skip
    if settings.warm_up:
        logic.warm_up(examples.ahead())
    logic.collect_soon()
    keep_quiet()
    stand()
    print(f"Clinstat is at http://{settings.host}:{settings.port}\n{told}", flush=True)  # noqa: T201
    Server(config).run(sockets=[listener])


def _settings() -> Settings:
    from config import SettingError, Settings

    try:
        return Settings.from_env()
    except SettingError as error:
        _stop(str(error))


def _stop(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201
    raise SystemExit(2)


def _app_for_another_launcher() -> Any:
    import logic
    from presentation import TRAVELLERS
    from utils.quiet_log import keep_quiet

    settings = _settings()
    logic.configure(settings, travellers=TRAVELLERS)
    keep_quiet()
    return build(settings)


if __name__ == "__main__":
    main()
else:
    app = _app_for_another_launcher()
