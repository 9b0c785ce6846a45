"""A folder for uploads that is empty when it is opened, and given back when it is closed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from utils.upload_folder import UploadFolder


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = tempfile.tempdir
    yield
    assert tempfile.tempdir == before


def test_what_was_left_there_is_deleted_and_files_are_made_there(tmp_path: Path) -> None:
    place = tmp_path / "uploads"
    (place / "fileupload-1" / "2").mkdir(parents=True)
    (place / "fileupload-1" / "2" / "0.csv").write_text("age\n1\n")
    folder = UploadFolder(place)
    assert folder.open()
    assert list(place.iterdir()) == []
    assert place.stat().st_mode & 0o777 == 0o700
    made = Path(tempfile.mkdtemp(prefix="fileupload-"))
    assert made.parent == place
    assert folder.open()  # again: nothing is deleted any more
    assert made.is_dir()
    folder.close()
    folder.close()
    assert made.is_dir(), "sessions delete their own files"


def test_a_link_in_its_place_is_replaced_and_what_it_names_stays(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.csv").write_text("age\n1\n")
    place = tmp_path / "uploads"
    place.symlink_to(other)
    folder = UploadFolder(place)
    assert folder.open()
    assert not place.is_symlink()
    assert (other / "mine.csv").read_text() == "age\n1\n"
    folder.close()


def test_where_it_cannot_be_made_the_system_s_own_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    folder = UploadFolder(tmp_path / "file" / "uploads")
    before = tempfile.tempdir
    assert not folder.open()
    assert tempfile.tempdir == before
    assert "Uploads have no folder of their own" in caplog.text
    assert str(tmp_path) not in caplog.text
    folder.close()
