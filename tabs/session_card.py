"""Save a session to a file, and open one: on any server, on another day."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import PurePath

from shiny import Inputs, Outputs, Session, module, reactive, render, ui
from shiny.ui import Tag

import logic
from tabs import arrival
from tabs.clicks import fresh
from tabs.failure import Failure, attempt_elsewhere
from tabs.habits import Habits
from tabs.loaded import Loaded, Source, generation_of
from tabs.parts import failure_card
from tabs.session_file import Reopened, reopen, session_bytes
from tabs.stay import Stay
from tabs.words import limit_words

_ENDING = ".clinstat"
_UNFIT = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\u202a-\u202e\u2066-\u2069]+')


class SaveFailed(Exception):
    """Ends a download that could not be made; the reader has been told why."""


@module.ui
def session_ui(*, upload_bytes: int) -> Tag:
    """Folded: it is needed on few days."""
    return ui.tags.details(
        ui.tags.summary("Save or open a session"),
        ui.p(
            "A session file keeps your choices and the variable table. It opens in any Clinstat; "
            "results are computed again.",
            class_="cs-quiet cs-small",
        ),
        ui.input_checkbox("with_data", "Include the data (the file then holds patient data)"),
        ui.download_button("save", "Save session", icon=None, class_="btn-outline btn-sm"),
        ui.div(
            ui.input_file(
                "file", "Open a saved session", accept=[_ENDING], button_label="Choose file",
                placeholder="No file yet",
            ),
            ui.div(class_="cs-upload-message", role="alert"),
            data_max_bytes=str(upload_bytes),
            data_too_large=f"This session is larger than {limit_words(upload_bytes)}. "
            "Save it without the data, and send the data file by itself.",
            class_="cs-open-session",
        ),
        ui.output_ui("progress"),
        class_="cs-fold",
    )  # fmt: skip


@module.server
def session_server(
    inputs: Inputs, _outputs: Outputs, _session: Session,
    loaded: reactive.Value[Loaded | None], stay: Stay, habits: Habits,
) -> None:  # fmt: skip
    """Writes the file from what the workspace holds; a session that is opened fills every form."""
    task = reactive.ExtendedTask(_opened)

    def filename() -> str:
        with reactive.isolate():
            now = loaded()
        name = "" if now is None else _UNFIT.sub("_", PurePath(now.name).stem)[:60].strip(" ._")
        return f"{name or 'clinstat'} {datetime.now(UTC):%Y-%m-%d}{_ENDING}"

    @render.download_button(filename=filename, media_type="application/octet-stream")
    async def save() -> AsyncIterator[bytes]:
        kept = stay.saver.flush()
        if kept is not None:  # what was typed a moment ago is saved too
            await asyncio.wrap_future(kept)
        made = await _saved(stay, with_data=bool(inputs.with_data()))
        if isinstance(made, Failure):
            await stay.tell(made.sentence)
            raise SaveFailed
        yield made

    @reactive.effect
    @reactive.event(fresh(inputs.file))
    def _() -> None:
        files = inputs.file()
        if files:
            file = files[0]
            task.invoke(
                Source(file["datapath"], file["name"], file["size"]),
                generation_of(loaded()) + 1, stay,
            )  # fmt: skip

    @reactive.effect
    async def _() -> None:
        if task.status() != "success":
            return
        found = task.result()
        if isinstance(found, Reopened):
            stay.saver.forget()
            habits.forget()
            habits.restore(found.inputs)
            loaded.set(found.loaded)
            words = " ".join(("The session is open. Run each analysis again.", *found.notes))
            await stay.tell(words)

    @render.ui
    def progress() -> Tag | None:
        if task.status() == "running":
            return ui.div("Opening the session", class_="cs-running cs-late", role="status")
        found = task.result() if task.status() == "success" else None
        return failure_card(found) if isinstance(found, Failure) else None


async def _saved(stay: Stay, *, with_data: bool) -> bytes | Failure:
    return await attempt_elsewhere(session_bytes, stay.state(), with_data=with_data)


async def _opened(source: Source, generation: int, stay: Stay) -> Reopened | Failure:
    owner = await stay.whose()
    state = stay.state()
    current = None if state is None else state.dataset
    return await attempt_elsewhere(_reopen, source, generation, owner, current)


def _reopen(
    source: Source, generation: int, owner: str, current: logic.DatasetReference | None
) -> Reopened | Failure:
    try:
        return reopen(source, generation, owner, current)
    except OSError:  # the upload went with the connection that it came through
        return arrival.INCOMPLETE
