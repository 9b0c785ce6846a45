"""The journal of workspaces against damage, forgery, foreign files and failing disks."""

from __future__ import annotations

import errno
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fault.cache_faults import fast_directory, key, report, scaled
from tests.fault.failing_calls import PLACE, FailingCalls
from utils.envelope import Entry, seal
from utils.errors import WorkspaceGone
from utils.workspace import Visit, WorkspaceLimits, Workspaces
from utils.workspace_journal import WorkspaceJournal
from utils.workspace_state import DatasetReference, Request, WorkspaceState

pytestmark = pytest.mark.fault

SECRET = b"the journal tests' own secret 32"
NOW = 1_800_000_000.0


@pytest.fixture
def place() -> Iterator[Path]:
    directory = fast_directory() / "workspaces"
    yield directory
    shutil.rmtree(directory.parent, ignore_errors=True)


def opened(place: Path, secret: bytes = SECRET, **limits: int) -> Workspaces:
    journal = WorkspaceJournal(place, secret=secret, clock=lambda: NOW)
    return Workspaces(
        secret=secret, journal=journal, limits=WorkspaceLimits(**limits), clock=lambda: NOW
    )


def text(visit: Visit) -> str:
    return visit.token.reveal()


def filled(workspaces: Workspaces, n: int = 1) -> Visit:
    visit = workspaces.create(page="p")
    visit.change(
        lambda s: (
            s.with_dataset(
                DatasetReference(content=key(n), name="trial.csv", size_bytes=n),
                [{"name": "age", "kind": "continuous"}],
            )
            .with_inputs("outcome", {"event": "yes", "predictors": ["age"], "n": n})
            .with_result(Request(key=key(n), analysis="analyze_outcome"))
            .with_job(Request(key=key(n + 1), analysis="analyze_outcome"))
        )
    )
    visit.leave()
    return visit


def the_file(place: Path) -> Path:
    (path,) = place.glob("*.workspace")
    return path


def test_every_flipped_byte_and_every_cut_is_put_aside(place: Path) -> None:
    workspaces = opened(place)
    mine, other = filled(workspaces, 1), filled(workspaces, 5)
    path = place / f"{mine.workspace_id}.workspace"
    good = path.read_bytes()
    counts: Counter[str] = Counter()
    rng = random.Random(3)
    damaged = [(good[:at] + bytes([good[at] ^ (1 << rng.randrange(8))]) + good[at + 1 :], "flipped")
               for at in range(len(good))]  # fmt: skip
    damaged += [(good[:at], "cut") for at in range(0, len(good), 7)]
    damaged += [(good + b"\0", "longer"), (b"", "empty"), (bytes(len(good)), "zeros")]
    for data, how in damaged:
        path.write_bytes(data)
        path.chmod(0o600)
        again = opened(place)
        with pytest.raises(WorkspaceGone):
            again.resume(text(mine))
        assert again.identify(text(other)) == other.workspace_id, "others stay intact"
        assert again.facts()["journal"]["quarantined"] == 1
        counts[how] += 1
    report("damaged journals", counts)
    assert counts["flipped"] == len(good)
    assert len(list((place / "quarantine").iterdir())) == 1, "one name, one file"
    path.write_bytes(good)
    path.chmod(0o600)
    assert opened(place).resume(text(mine)).state.inputs["outcome"]["n"] == 1


def test_a_file_signed_by_another_server_is_put_aside(place: Path) -> None:
    visit = filled(opened(place))
    stranger = opened(place, secret=b"another server's secret of 32 by")
    assert stranger.ids() == ()
    assert stranger.identify(text(visit)) is None
    assert stranger.facts()["journal"]["quarantined"] == 1


def test_a_file_under_another_name_is_put_aside(place: Path) -> None:
    """A valid journal served as that of somebody else."""
    workspaces = opened(place)
    mine, other = filled(workspaces, 1), filled(workspaces, 5)
    files = [place / f"{visit.workspace_id}.workspace" for visit in (mine, other)]
    shutil.copy(files[0], files[1])
    again = opened(place)
    assert again.identify(text(mine)) == mine.workspace_id
    assert again.identify(text(other)) is None


SHAPES = [
    b"", b"{}", b"[]", b"null", b"7", b'{"created_at":1}', b'{"created_at":NaN}',
    b'{"created_at":1,"used_at":1,"current":"x","previous":null,"previous_until":null,"state":{}}',
    b'{"created_at":"1","used_at":1,"current":"' + b"a" * 64 + b'","previous":null,'
    b'"previous_until":null,"state":{}}',
    b'{"created_at":1,"used_at":1,"current":"' + b"a" * 64 + b'","previous":null,'
    b'"previous_until":null,"state":{"dataset":{"content":"../../x","name":"","size_bytes":1},'
    b'"variables":[],"inputs":{},"results":[],"jobs":[],"keys":""}}',
    b'{"created_at":1,"used_at":1,"current":"' + b"a" * 64 + b'","previous":null,'
    b'"previous_until":null,"state":{"dataset":null,"variables":[1],"inputs":{},"results":[],'
    b'"jobs":[],"keys":""}}',
    b'{"created_at":1,"used_at":1,"current":"' + b"a" * 64 + b'","previous":null,'
    b'"previous_until":null,"state":{"dataset":null,"variables":[],"inputs":[],"results":[{}],'
    b'"jobs":[],"keys":"abc"}}',
]  # fmt: skip


@pytest.mark.parametrize("payload", SHAPES, ids=lambda p: repr(p[:30]))
def test_a_signed_file_of_another_shape_is_put_aside(place: Path, payload: bytes) -> None:
    """Written by another version: nothing of it is guessed."""
    opened(place)
    name = "a" * 32
    signer = WorkspaceJournal(place, secret=SECRET, clock=lambda: NOW)
    assert signer.write(name, payload, NOW + 1e6)
    again = opened(place)
    assert again.ids() == ()
    assert again.facts()["journal"]["quarantined"] == 1
    assert not (place / f"{name}.workspace").exists()


def test_the_signature_of_a_cache_entry_does_not_open_a_workspace(place: Path) -> None:
    """The same secret signs both; one must not pass for the other."""
    visit = filled(opened(place))
    path = the_file(place)
    forged = seal(
        Entry(b"{}", NOW, NOW + 1e6, 0.0), key=f"workspace {visit.workspace_id}", secret=SECRET
    )
    path.write_bytes(forged)
    assert opened(place).facts()["journal"]["quarantined"] == 1


def test_foreign_names_links_and_left_over_drafts(place: Path, tmp_path: Path) -> None:
    visit = filled(opened(place))
    outside = tmp_path / "outside"
    outside.write_bytes(the_file(place).read_bytes())
    outside.chmod(0o600)
    (place / ("b" * 32 + ".workspace")).symlink_to(outside)
    (place / ("c" * 32 + ".workspace")).mkdir()
    os.mkfifo(place / ("d" * 32 + ".workspace"), 0o600)
    (place / ("e" * 32 + ".workspace." + "0" * 16 + ".tmp")).write_bytes(b"torn")
    (place / "notes.txt").write_text("somebody else's")
    (place / ("F" * 32 + ".workspace")).write_bytes(b"not our pattern")
    again = opened(place)
    assert again.ids() == (visit.workspace_id,)
    counts = again.facts()["journal"]
    assert (counts["foreign"], counts["swept"], counts["quarantined"]) == (3, 1, 2)
    assert outside.exists()
    assert (place / "notes.txt").exists()


def test_a_file_that_others_may_read_is_put_aside(place: Path) -> None:
    filled(opened(place))
    the_file(place).chmod(0o644)
    assert opened(place).ids() == ()


def test_a_quarantine_stays_small(place: Path) -> None:
    opened(place)
    filled(opened(place))
    for n in range(40):
        (place / f"{n:032x}.workspace").write_bytes(b"junk")
    assert opened(place).facts()["journal"]["quarantined"] == 40
    assert len(list((place / "quarantine").iterdir())) <= 8


def test_a_file_larger_than_any_of_ours_is_not_read_whole(place: Path) -> None:
    opened(place)
    filled(opened(place))
    huge = place / ("a" * 32 + ".workspace")
    with huge.open("wb") as file:
        file.truncate(1 << 33)
    huge.chmod(0o600)
    began = time.process_time()
    assert opened(place).facts()["journal"]["quarantined"] == 1
    assert time.process_time() - began < 1.0


def test_files_and_directory_are_private(place: Path) -> None:
    filled(opened(place))
    assert place.stat().st_mode & 0o777 == 0o700
    assert the_file(place).stat().st_mode & 0o777 == 0o600


def test_a_directory_that_is_a_link_is_not_used(place: Path, tmp_path: Path) -> None:
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(tmp_path)
    workspaces = opened(place)
    visit = filled(workspaces)
    assert workspaces.identify(text(visit)), "it works in memory"
    assert workspaces.facts()["journal"]["faults"] > 0


def test_a_directory_that_vanished_is_made_again(place: Path) -> None:
    workspaces = opened(place)
    visit = filled(workspaces)
    shutil.rmtree(place)
    visit = workspaces.resume(text(visit))
    assert opened(place).identify(text(visit)) == visit.workspace_id


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES])
def test_any_failing_call_costs_durability_at_most(
    place: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    code: int, persistent: bool,
) -> None:  # fmt: skip
    """The n-th call fails, for n = 1, 2, 3 ... until a run meets no fault."""
    disk = FailingCalls(monkeypatch)
    counts: Counter[str] = Counter()
    n = 0
    while True:
        n += 1
        disk.disarm()
        shutil.rmtree(place, ignore_errors=True)
        before = filled(opened(place))
        disk.arm(n, persistent=persistent, code=code)
        workspaces = opened(place)
        visit = filled(workspaces, 3)
        visit = workspaces.resume(text(visit), page="p")
        workspaces.confirm(text(visit))
        state = visit.change(lambda s: s.with_inputs("t", {"x": 1}))
        assert visit.state == state, "what is in memory is whole"
        gone = filled(workspaces, 9)
        released = workspaces.end(gone.workspace_id)
        injected = disk.injected
        disk.disarm()
        assert released is not None
        workspaces.sweep()
        assert not (place / f"{gone.workspace_id}.workspace").exists(), "made good"
        again = opened(place)
        again_known = again.identify(text(visit))
        assert again.identify(text(gone)) is None
        if again_known:
            counts["kept"] += 1
            assert again.state(visit.workspace_id).inputs.keys() <= {"outcome", "t"}
        else:
            counts["lost at the restart"] += 1
        counts["the one before still there"] += again.identify(text(before)) is not None
        counts["injected"] += injected
        if not injected:
            break
    report(f"journal faults {errno.errorcode[code]} {'lasting' if persistent else 'once'}", counts)
    assert n > 10, "too few calls to be true"
    assert again_known
    assert PLACE not in caplog.text
    assert all(record.levelno <= logging.WARNING for record in caplog.records)


WRITER = """
import sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from utils.workspace import Workspaces
from utils.workspace_journal import WorkspaceJournal
secret = {secret!r}
w = Workspaces(secret=secret, journal=WorkspaceJournal(Path({place!r}), secret=secret))
visit = w.create(page="p")
print(visit.token.reveal(), flush=True)
n = 0
while True:
    n += 1
    body = "x" * (n * 997 % 60000)
    visit.change(lambda s: s.with_inputs("t", {{"n": n, "body": body, "size": len(body)}}))
    print(n, flush=True)
"""


def test_a_server_killed_at_any_moment_comes_back_with_what_was_kept(place: Path) -> None:
    root = str(Path(__file__).parents[2])
    code = WRITER.format(root=root, secret=SECRET, place=str(place))
    rng = random.Random(11)
    counts: Counter[str] = Counter()
    for _ in range(scaled(8)):
        shutil.rmtree(place, ignore_errors=True)
        writer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        token = writer.stdout.readline().strip()
        told = 0
        stop = time.monotonic() + rng.uniform(0.05, 0.4)
        while time.monotonic() < stop:
            told = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        for line in writer.stdout:
            told = int(line)
        writer.stdout.close()
        writer.wait(10)
        journal = WorkspaceJournal(place, secret=SECRET)
        state: WorkspaceState = Workspaces(secret=SECRET, journal=journal).resume(token).state
        kept = state.inputs["t"]
        assert kept["n"] in (told, told + 1), "nothing that was told kept may be lost"
        assert len(kept["body"]) == kept["size"]
        counts["killed"] += 1
        counts["changes"] += told
    report("killed servers", counts)
    assert counts["changes"] > 20
