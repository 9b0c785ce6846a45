"""The store of uploads: whole files by content, gone with their last holder."""

from __future__ import annotations

import logging
import os
import secrets
import threading
from pathlib import Path
from typing import Any

import blake3
import pytest

from utils.dataset_store import DatasetStore
from utils.errors import DatasetGone, IncompleteUpload, Overloaded, StoreFault

MIB = 1024 * 1024


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "datasets"


def store_at(place: Path, max_bytes: int = 10 * MIB) -> DatasetStore:
    return DatasetStore(place, max_bytes=max_bytes)


def upload(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / secrets.token_hex(4)
    path.write_bytes(data)
    return path


def names(place: Path) -> set[str]:
    return {path.name for path in place.iterdir()} if place.exists() else set()


@pytest.mark.parametrize("size", [0, 1, 262_143, 262_144, 262_145, 1_000_000])
def test_a_file_is_kept_under_the_digest_of_its_bytes(
    place: Path, tmp_path: Path, size: int
) -> None:
    data = secrets.token_bytes(size)
    store = store_at(place)
    kept = store.put(upload(tmp_path, data), declared_bytes=size, holder="a")
    # blake3's own one-shot digest is the independent word here
    assert kept.content == blake3.blake3(data).hexdigest()
    assert kept.size_bytes == size
    assert store.path(kept.content).read_bytes() == data
    assert kept.path.stat().st_mode & 0o777 == 0o600
    assert place.stat().st_mode & 0o777 == 0o700
    assert names(place) == {kept.content}


@pytest.mark.parametrize("declared", [0, 999, 1_001, 10**9])
def test_a_cut_or_longer_upload_is_refused_and_leaves_nothing(
    place: Path, tmp_path: Path, declared: int
) -> None:
    store = store_at(place)
    with pytest.raises(IncompleteUpload, match="Please send the file again"):
        store.put(upload(tmp_path, bytes(1_000)), declared_bytes=declared, holder="a")
    assert names(place) == set()
    assert store.facts()["files"] == 0


def test_uploads_cut_at_every_place_are_refused(place: Path, tmp_path: Path) -> None:
    whole = secrets.token_bytes(300_000)
    store = store_at(place)
    cuts = [*range(0, 300_000, 6_007), 299_999]
    for cut in cuts:
        with pytest.raises(IncompleteUpload):
            store.put(upload(tmp_path, whole[:cut]), declared_bytes=len(whole), holder="a")
    assert len(cuts) >= 50
    assert names(place) == set()


def test_a_file_that_changes_while_it_is_copied_is_refused(place: Path, tmp_path: Path) -> None:
    source = upload(tmp_path, bytes(600_000))
    store = store_at(place)

    def growing() -> Any:
        yield bytes(300_000)
        yield bytes(300_001)

    def shrinking() -> Any:
        yield bytes(300_000)

    for chunks in (growing(), shrinking()):
        with pytest.raises(IncompleteUpload):
            store._keep(chunks, source.stat().st_size, "a")
    assert names(place) == set()
    assert store.facts()["size_bytes"] == 0


def test_a_source_without_end_is_not_followed(place: Path) -> None:
    pulled = 0

    def endless() -> Any:
        nonlocal pulled
        while pulled < 1_000:
            pulled += 1
            yield bytes(1_000)

    with pytest.raises(IncompleteUpload):
        store_at(place)._keep(endless(), 2_500, "a")
    assert pulled == 3
    assert names(place) == set()


def test_an_upload_that_went_with_its_connection_is_incomplete(place: Path, tmp_path: Path) -> None:
    with pytest.raises(IncompleteUpload):
        store_at(place).put(tmp_path / "gone", declared_bytes=5, holder="a")


@pytest.mark.parametrize("kind", ["link", "directory", "pipe"])
def test_only_regular_files_are_taken(place: Path, tmp_path: Path, kind: str) -> None:
    source = tmp_path / "source"
    if kind == "link":
        source.symlink_to(upload(tmp_path, b"secret of another"))
    elif kind == "directory":
        source.mkdir()
    else:
        os.mkfifo(source)
    with pytest.raises(IncompleteUpload):
        store_at(place).put(source, declared_bytes=None, holder="a")
    assert names(place) == set()


def test_the_file_goes_with_its_last_holder(place: Path, tmp_path: Path) -> None:
    store = store_at(place)
    data = b"id,age\n1,60\n"
    kept = store.put(upload(tmp_path, data), declared_bytes=len(data), holder="a")
    assert (
        store.put(upload(tmp_path, data), declared_bytes=None, holder="b").content == kept.content
    )
    assert store.hold(kept.content, "fork")
    assert store.holders(kept.content) == 3
    assert store.release(kept.content, "a") == 0
    assert store.release(kept.content, "a") == 0, "twice is once"
    assert store.release(kept.content, "stranger") == 0
    assert store.release(kept.content, "fork") == 0
    assert store.path(kept.content).exists()
    assert store.release(kept.content, "b") == len(data)
    assert names(place) == set()
    with pytest.raises(DatasetGone):
        store.path(kept.content)
    assert not store.hold(kept.content, "late")


@pytest.mark.parametrize(
    "name", ["", "../secret", "a" * 63, "A" * 64, "a" * 64 + "/..", "/etc/passwd", "é" * 64, "\0"]
)
def test_foreign_names_are_refused(place: Path, name: str) -> None:
    store = store_at(place)
    with pytest.raises(DatasetGone):
        store.path(name)
    assert not store.hold(name, "a")
    assert store.release(name, "a") == 0


@pytest.mark.parametrize("how", ["changed", "cut", "longer", "link", "open to others", "directory"])
def test_a_file_that_is_not_what_was_stored_is_never_handed_on(
    place: Path, tmp_path: Path, how: str
) -> None:
    store = store_at(place)
    data = secrets.token_bytes(5_000)
    kept = store.put(upload(tmp_path, data), declared_bytes=None, holder="a")
    if how == "changed":
        kept.path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    elif how == "cut":
        kept.path.write_bytes(data[:-1])
    elif how == "longer":
        kept.path.write_bytes(data + b"x")
    elif how == "open to others":
        kept.path.chmod(0o644)
    else:
        kept.path.unlink()
        if how == "link":
            kept.path.symlink_to(upload(tmp_path, data))
        else:
            kept.path.mkdir()
    with pytest.raises(DatasetGone, match="Please send the file again"):
        store.path(kept.content)
    if how != "directory":
        again = store.put(upload(tmp_path, data), declared_bytes=None, holder="a")
        assert store.path(again.content).read_bytes() == data, "sending it again mends it"


def test_room_is_limited_and_given_back(place: Path, tmp_path: Path) -> None:
    store = store_at(place, max_bytes=1_000)
    first = store.put(upload(tmp_path, bytes(600)), declared_bytes=600, holder="a")
    with pytest.raises(Overloaded, match="smaller file"):
        store.put(upload(tmp_path, b"x" * 401), declared_bytes=401, holder="b")
    store.release(first.content, "a")
    store.put(upload(tmp_path, b"x" * 1_000), declared_bytes=None, holder="b")
    assert store.facts()["size_bytes"] == 1_000


def test_room_is_reserved_while_a_file_is_written(place: Path, tmp_path: Path) -> None:
    store = store_at(place, max_bytes=1_000)

    def chunks() -> Any:
        with pytest.raises(Overloaded):
            store.put_bytes(b"y" * 500, holder="b")
        yield b"x" * 600

    store._keep(chunks(), 600, "a")
    assert store.facts()["size_bytes"] == 600


def test_a_sweep_deletes_what_nobody_holds(place: Path, tmp_path: Path) -> None:
    before = store_at(place)
    kept = before.put(upload(tmp_path, b"kept"), declared_bytes=None, holder="a")
    lost = before.put(upload(tmp_path, b"lost!"), declared_bytes=None, holder="b")
    (place / ("0" * 16 + ".part")).write_bytes(b"half a fi")
    (place / "notes.txt").write_text("somebody else's")
    (place / "a directory").mkdir()
    target = upload(tmp_path, b"another's file")
    (place / ("f" * 64)).symlink_to(target)
    (place / ("e" * 64)).mkdir()
    after = store_at(place)
    assert after.hold(kept.content, "a")
    assert not after.hold("f" * 64, "a"), "a link holds nothing"
    swept = after.sweep()
    assert (swept.files, swept.foreign, swept.owed) == (3, 3, 0)
    assert swept.size_bytes >= len(b"lost!") + len(b"half a fi")
    assert names(place) == {kept.content, "notes.txt", "a directory", "e" * 64}
    assert target.read_bytes() == b"another's file"
    assert lost.content not in names(place)


def test_a_sweep_of_nothing(place: Path) -> None:
    assert store_at(place).sweep().files == 0


def test_a_sweep_spares_what_is_being_written(place: Path) -> None:
    store = store_at(place)

    def chunks() -> Any:
        yield b"x" * 300_000
        assert store.sweep().files == 0
        yield b"x"

    assert store._keep(chunks(), 300_001, "a").size_bytes == 300_001


def test_what_cannot_be_deleted_is_owed_and_said(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = store_at(place)
    kept = store.put(upload(tmp_path, b"data"), declared_bytes=None, holder="a")
    real = Path.unlink

    def stuck(self: Path, missing_ok: bool = False) -> None:
        if self.name == kept.content:
            raise PermissionError(13, "injected", str(self))
        real(self, missing_ok=missing_ok)

    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(Path, "unlink", stuck)
        assert store.release(kept.content, "a") == 0
        assert store.owes(kept.content)
        assert store.sweep().owed == 1
    assert str(place) not in caplog.text
    assert store.sweep().size_bytes == 4
    assert not store.owes(kept.content)
    assert names(place) == set()


def test_a_directory_that_is_a_link_takes_nothing(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "datasets").symlink_to(elsewhere)
    with pytest.raises(StoreFault):
        store_at(tmp_path / "datasets").put_bytes(b"data", holder="a")
    assert names(elsewhere) == set()


def test_threads_put_and_release_the_same_files(place: Path) -> None:
    store = store_at(place, max_bytes=50 * MIB)
    contents = [bytes([n]) * 100_000 for n in range(4)]

    def session(n: int) -> None:
        for step in range(12):
            data = contents[(n + step) % 4]
            kept = store.put_bytes(data, holder=f"{n} {step}")
            assert store.path(kept.content).read_bytes() == data
            store.release(kept.content, f"{n} {step}")
            store.sweep()

    failures: list[BaseException] = []

    def guarded(n: int) -> None:
        try:
            session(n)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert names(place) == set()
    assert store.facts()["size_bytes"] == 0
