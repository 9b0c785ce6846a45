"""Columns of a dataset in a file without a name: workers and the server map them, nobody copies.

    files = FrameFiles(directory)                    None: nothing is ever filed
    files.filed(dataset, [(name, fingerprint)])      -> FiledFrame, None where a pipe does as well
    files.unload(dataset) -> bytes                   its columns leave memory and stay readable

A dataset has one file, made when it is first needed and deleted before anybody could open it: its
descriptors are all that there is of it, so it goes with the dataset or with the process, and
nothing is left to sweep. Columns are written once each, by what they contain, as bytes of the
codec (utils/codec.py), whose blocks of numbers are aligned: read with `copy=False` they are
views of the mapping. Columns are written by plain writes, so that a full disk is an error and
never a signal; then the work goes on as if there were no disk. A worker gets a descriptor that
cannot write.
"""

from __future__ import annotations

import contextlib
import logging
import mmap
import os
import tempfile
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from utils.codec import Codec
from utils.errors import CodecError
from utils.private_files import private_directory

_log = logging.getLogger(__name__)
_CODEC = Codec()
_PREFIX = "frame-"
_ALIGN = 64
_LEAST_BYTES = 1 << 20  # below this a pipe is as quick
_CELL_BYTES = 8


class Fileable(Protocol):
    """What is asked of a dataset."""

    @property
    def n_rows(self) -> int:
        """Rows in all."""
        ...

    def column(self, name: str, /) -> pd.Series:
        """One column, as analyses see it."""
        ...

    def remember(self, key: Any, make: Callable[[], Any], /) -> Any:
        """What was made before under this key, else what `make` gives."""
        ...


class Movable(Fileable, Protocol):
    """A dataset whose columns may be held elsewhere."""

    @property
    def raw(self) -> pd.DataFrame:
        """The columns as they came."""
        ...

    @property
    def uses(self) -> int:
        """How often columns were asked for."""
        ...

    def move(self, columns: Mapping[str, pd.Series], /) -> None:
        """Hold these in the place of the columns of their names, whose cells are equal."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameMap:
    """Where the columns of a frame lie in a file, as a worker is told."""

    names: tuple[str, ...]
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]
    n_rows: int


@dataclass(frozen=True, slots=True, eq=False)
class FiledFrame:
    """A frame to hand to a worker. The file lives at least as long as this."""

    file: FrameFile
    map: FrameMap


class FrameFile:
    """One file of columns, by what they contain. Safe for threads. OSError from the disk."""

    def __init__(self, directory: Path) -> None:
        handle, name = tempfile.mkstemp(prefix=_PREFIX, dir=directory)
        with contextlib.ExitStack() as undo:
            undo.callback(os.close, handle)
            try:
                self.readable = os.open(name, os.O_RDONLY)
            finally:
                Path(name).unlink()
            undo.pop_all()
        self._handle = handle
        self._close = weakref.finalize(self, _close_all, handle, self.readable)
        self._lock = threading.Lock()
        self._places: dict[Hashable, tuple[int, int]] = {}
        self._maps: list[mmap.mmap] = []
        self.size_bytes = 0

    def put(self, content: Hashable, array: Any) -> tuple[int, int]:
        """Offset and size of the bytes of a column's array, written unless they are there."""
        with self._lock:
            found = self._places.get(content)
            if found is None:
                data = _CODEC.encode(array)
                _write_all(self._handle, data, self.size_bytes)
                found = self._places[content] = (self.size_bytes, len(data))
                self.size_bytes += len(data) + -len(data) % _ALIGN
            return found

    def mapped(self, places: Sequence[tuple[int, int]]) -> list[Any]:
        """The arrays at these places, their numbers backed by the file."""
        whole = map_of(self.readable)
        self._maps.append(whole)
        return [array_in(whole, offset, size) for offset, size in places]

    def rest(self) -> None:
        """Let pages of mappings go that were read; they come again when they are needed."""
        if hasattr(mmap, "MADV_DONTNEED"):
            for whole in self._maps:
                whole.madvise(mmap.MADV_DONTNEED)


class FrameFiles:
    """Files datasets away under `directory`. A disk that refuses costs time and nothing else."""

    def __init__(self, directory: Path | None, *, least_bytes: int = _LEAST_BYTES) -> None:
        self._directory = directory
        self._least_bytes = least_bytes
        self._counts: Counter[str] = Counter()
        self._unloaded: weakref.WeakSet[Movable] = weakref.WeakSet()
        if directory is not None:
            self._directory = self._prepared(directory)

    def _prepared(self, directory: Path) -> Path | None:
        try:
            private_directory(directory)
            for left in directory.glob(f"{_PREFIX}*"):  # of a process that died just then: empty
                left.unlink(missing_ok=True)
        except OSError:
            self._fault()
            return None
        return directory

    def filed(
        self, dataset: Fileable, columns: Sequence[tuple[str, Hashable]]
    ) -> FiledFrame | None:
        """The columns, each with a fingerprint of what it contains, for a worker to map.

        None for a frame that is small, has row labels or cannot be filed now.
        """
        if dataset.n_rows * len(columns) * _CELL_BYTES < self._least_bytes or not columns:
            return None
        if not _plain_rows(dataset.column(columns[0][0]).index):
            return None
        try:
            file = self._file_of(dataset)
            if file is None:
                return None
            places = [file.put(print_, dataset.column(name).array) for name, print_ in columns]
        except (OSError, CodecError):
            self._fault()
            return None
        self._counts["filed"] += 1
        offsets, sizes = zip(*places, strict=True)
        names = tuple(name for name, _ in columns)
        return FiledFrame(
            file, FrameMap(names=names, offsets=offsets, sizes=sizes, n_rows=dataset.n_rows)
        )

    def unload(self, dataset: Movable) -> int:
        """Move the numbers of a dataset to its file; the bytes of memory that they held.

        What is computed from it afterwards is the same to the last byte. 0 where nothing was
        moved: no disk, or nothing in it that a file can hold. Of a dataset that was moved before
        only what was made of it since is let go.
        """
        raw = dataset.raw
        moving = {} if dataset in self._unloaded else _numbers_of(raw)
        try:
            file = self._file_of(dataset)
            if file is None:
                return 0
            places = [file.put(("raw", name), raw[name].array) for name in moving]
            arrays = file.mapped(places) if places else []
        except (OSError, CodecError):
            self._fault()
            return 0
        dataset.move(
            {
                name: pd.Series(array, index=raw.index, name=name, copy=False)
                for name, array in zip(moving, arrays, strict=True)
            }
        )
        file.rest()
        if moving:
            self._unloaded.add(dataset)
            self._counts["unloaded"] += 1
            self._counts["unloaded_bytes"] += sum(moving.values())
        return sum(moving.values())

    def absent_bytes(self, dataset: Fileable, columns: int) -> int:
        """What so many columns take when they are worked on again: 0 while they are in memory, else
        the mapped numbers and what is made of them."""
        return 2 * _CELL_BYTES * dataset.n_rows * columns if dataset in self._unloaded else 0

    def facts(self) -> Mapping[str, int]:
        """Counts since the start: frames filed, datasets and bytes unloaded, faults."""
        names = ("filed", "unloaded", "unloaded_bytes", "faults")
        return {name: self._counts[name] for name in names}

    def _file_of(self, dataset: Fileable) -> FrameFile | None:
        directory = self._directory
        if directory is None:
            return None
        return dataset.remember("frame file", lambda: FrameFile(directory))

    def _fault(self) -> None:
        if not self._counts["faults"]:
            _log.warning("Datasets cannot be filed away; they stay in memory and go by pipe.")
        self._counts["faults"] += 1


def map_of(descriptor: int) -> mmap.mmap:
    """The whole file, read-only; pages come when they are read."""
    return mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)


def array_in(whole: mmap.mmap, offset: int, size: int) -> Any:
    """The column array written there; CodecError for bytes that are no column."""
    return _CODEC.decode(memoryview(whole)[offset : offset + size], copy=False)


def frame_in(descriptor: int, places: FrameMap) -> pd.DataFrame:
    """The frame that a worker was told of; its numbers are backed by the file."""
    whole = map_of(descriptor)
    arrays = [array_in(whole, *at) for at in zip(places.offsets, places.sizes, strict=True)]
    rows = pd.RangeIndex(places.n_rows)
    return pd.DataFrame(dict(zip(places.names, arrays, strict=True)), index=rows, copy=False)


def _plain_rows(index: pd.Index) -> bool:
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1


def _numbers_of(frame: pd.DataFrame) -> dict[str, int]:
    """Columns that a mapping takes over, with their bytes: numbers, times, codes of categories."""
    found: dict[str, int] = {}
    for name in frame.columns:
        column = frame[name]
        array = column.array
        if isinstance(array, pd.Categorical):
            found[str(name)] = int(np.asarray(array.codes).nbytes)
        elif isinstance(column.dtype, np.dtype) and column.dtype.kind in "biufMm":
            found[str(name)] = int(array.nbytes)
    return found


def _write_all(handle: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(handle, view, offset)
        view, offset = view[written:], offset + written


def _close_all(*handles: int) -> None:
    for handle in handles:
        os.close(handle)
