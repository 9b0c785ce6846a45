"""Settings of Clinstat: the only reader of the environment.

Every field is read from the environment variable of its name in capitals
(`cache_memory_bytes` <- CACHE_MEMORY_BYTES). HF_OPTIMIZATION_README.md documents each of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

VERSION = "0.1.0"
MIB = 1024 * 1024


class SettingError(ValueError):
    """A setting in the environment that cannot be used; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What whoever runs Clinstat may choose. Sizes in bytes, times in seconds."""

    host: str = "127.0.0.1"
    port: int = 8000

    cache_dir: str = ""
    cache_memory_bytes: int = 48 * MIB
    cache_disk_bytes: int = 512 * MIB
    cache_ttl_seconds: float = 7 * 86_400.0
    cache_scope: str = "shared"
    cache_secret: str = ""
    redis_url: str = ""
    warm_up: int = 0

    memory_budget_bytes: int = 300 * MIB
    quick_workers: int = 1
    job_deadline_seconds: float = 120.0
    heavy_memory_bytes: int = 1_500 * MIB
    read_deadline_seconds: float = 15.0

    upload_bytes: int = 50 * MIB
    workbook_bytes: int = 5 * MIB
    inflated_bytes: int = 200 * MIB
    upload_rows: int = 1_000_000
    upload_columns: int = 2_000
    upload_cells: int = 12_000_000
    upload_texts: int = 1_000_000
    upload_line_bytes: int = 4 * MIB
    upload_cell_characters: int = 32_767
    workbook_cells: int = 2_000_000

    @property
    def reading(self) -> dict[str, int]:
        """The limits of one upload, by their names in `ingest`."""
        return {
            "file_bytes": self.upload_bytes, "workbook_bytes": self.workbook_bytes,
            "inflated_bytes": self.inflated_bytes, "rows": self.upload_rows,
            "columns": self.upload_columns, "cells": self.upload_cells,
            "workbook_cells": self.workbook_cells, "line_bytes": self.upload_line_bytes,
            "distinct_texts": self.upload_texts, "cell_characters": self.upload_cell_characters,
        }  # fmt: skip

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Settings with every value that the environment gives; SettingError names a bad one."""
        environ = os.environ if environ is None else environ
        given: dict[str, object] = {}
        for item in fields(cls):
            text = environ.get(item.name.upper())
            if text is None or text == "":
                continue
            kind = type(item.default)
            try:
                given[item.name] = kind(text)
            except ValueError as error:
                raise SettingError(
                    f"{item.name.upper()}={text!r} is not a valid {kind.__name__}."
                ) from error
        settings = cls(**given)  # type: ignore[arg-type]
        if settings.cache_scope not in ("shared", "workspace"):
            raise SettingError(f"CACHE_SCOPE={settings.cache_scope!r} must be shared or workspace.")
        return settings
