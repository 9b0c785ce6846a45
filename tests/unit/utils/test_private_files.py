"""Secrets and directories that only their owner can read; where results are stored."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

import pytest

import utils.cache_directory as places
from utils.cache_directory import choose_cache_directory
from utils.private_files import (
    NotPrivate,
    private_directory,
    server_secret,
    sweep_drafts,
)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_secret_is_made_once_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    made = server_secret(path)
    assert len(made) == 32
    assert server_secret(path) == made
    assert mode(path) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["secret"]


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33, b"x" * 100_000])
def test_a_damaged_secret_is_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(0o600)
    made = server_secret(path)
    assert len(made) == 32
    assert server_secret(path) == made


def test_a_secret_that_others_could_read_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"k" * 32)
    path.chmod(0o644)
    assert server_secret(path) != b"k" * 32
    assert mode(path) == 0o600


def test_a_link_in_place_of_the_secret_is_replaced_and_its_target_let_be(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"t" * 32)
    target.chmod(0o600)
    path = tmp_path / "secret"
    path.symlink_to(target)
    assert server_secret(path) != b"t" * 32
    assert not path.is_symlink()
    assert target.read_bytes() == b"t" * 32


def test_threads_that_start_together_agree_on_one_secret(tmp_path: Path) -> None:
    found: list[bytes] = []
    gate = threading.Barrier(8)

    def start() -> None:
        gate.wait()
        found.append(server_secret(tmp_path / "secret"))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_private_directory_is_ours_and_closed(tmp_path: Path) -> None:
    loose = tmp_path / "loose"
    loose.mkdir(mode=0o755)
    assert mode(private_directory(loose)) == 0o700
    assert mode(private_directory(tmp_path / "a" / "b")) == 0o700
    link = tmp_path / "link"
    link.symlink_to(loose)
    with pytest.raises(NotPrivate):
        private_directory(link)
    (tmp_path / "file").write_text("x")
    with pytest.raises(OSError):
        private_directory(tmp_path / "file")


def test_the_directory_given_is_used_or_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = tmp_path / "results"
    assert choose_cache_directory(str(given)) == given
    assert mode(given) == 0o700
    assert list(given.iterdir()) == []
    blocked = tmp_path / "file"
    blocked.write_text("x")
    with caplog.at_level(logging.WARNING):
        assert choose_cache_directory(str(blocked)) is None
    assert len(caplog.records) == 1


def test_without_one_the_platform_then_the_temp_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    home, temp = tmp_path / "home", tmp_path / "temp"
    temp.mkdir()
    monkeypatch.setattr(places, "_platform_directory", lambda: home)
    monkeypatch.setattr(places.tempfile, "gettempdir", lambda: str(temp))
    assert choose_cache_directory() == home / "clinstat"
    (home / "clinstat").rmdir()
    home.rmdir()
    home.write_text("a file stands in the way")
    chosen = choose_cache_directory()
    assert chosen is not None
    assert chosen.parent == temp
    assert str(os.getuid()) in chosen.name
    chosen.rmdir()
    # Somebody else's link under our name in the temp directory is not followed.
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    chosen.symlink_to(elsewhere)
    with caplog.at_level(logging.WARNING):
        assert choose_cache_directory() is None
    assert list(elsewhere.iterdir()) == []
    assert len(caplog.records) == 1


def test_drafts_of_killed_writers_are_swept_and_nothing_else(tmp_path: Path) -> None:
    def draft(name: str) -> Path:
        path = tmp_path / name
        path.write_bytes(b"x")
        return path

    young, old, link = (draft(f"ballast.{digit * 16}.tmp") for digit in "abc")
    link.unlink()
    target = draft("target")
    link.symlink_to(target)
    kept = [target, draft("notes.tmp"), draft("a.0123.tmp"), draft(f"a.{'d' * 16}.tmp.txt")]
    (tmp_path / f"folder.{'e' * 16}.tmp").mkdir()
    os.utime(old, (1, 1))
    os.utime(link, (1, 1), follow_symlinks=False)
    assert sweep_drafts(tmp_path, 60.0) == 2
    assert young.exists()
    assert not old.exists()
    assert not link.is_symlink()
    assert sweep_drafts(tmp_path, 0.0) == 1
    assert all(path.exists() for path in kept)
    assert sweep_drafts(tmp_path / "nowhere", 0.0) == 0
