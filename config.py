"""Settings of Clinstat: the only reader of the environment.

Every field is read from the environment variable of its name in capitals
(`cache_memory_bytes` <- CACHE_MEMORY_BYTES). HF_OPTIMIZATION_README.md documents each of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

VERSION = "0.1.0"
MIB = 1024 * 1024
_LEAST_CHARACTERS = {"access_password": 8, "proxy_secret": 16, "admin_secret": 16}
_HUGGING_FACE = "https://huggingface.co"


class SettingError(ValueError):
    """A setting in the environment that cannot be used; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What whoever runs Clinstat may choose. Sizes in bytes, times in seconds."""

    host: str = "127.0.0.1"
    port: int = 8000

    allowed_hosts: str = ""
    allowed_origins: str = ""
    space_host: str = ""
    frame_ancestors: str = ""
    trusted_proxy_hops: int = 0
    hsts_seconds: int = 0
    access_password: str = ""
    access_seconds: float = 12 * 3_600.0
    public_access: int = 0
    proxy_secret: str = ""
    proxy_user_header: str = "x-forwarded-user"
    admin_secret: str = ""
    pages: int = 300
    pages_per_address: int = 100
    message_characters: int = MIB
    messages_per_second: int = 100
    writes_per_minute: int = 240
    upload_idle_seconds: float = 30.0

    cache_dir: str = ""
    cache_memory_bytes: int = 48 * MIB
    cache_disk_bytes: int = 512 * MIB
    cache_ttl_seconds: float = 7 * 86_400.0
    cache_scope: str = "shared"
    cache_secret: str = ""
    redis_url: str = ""
    warm_up: int = 0

    workspaces: int = 200
    workspace_idle_seconds: float = 8 * 3_600.0
    workspace_seconds: float = 24 * 3_600.0
    dataset_store_bytes: int = 1_024 * MIB

    memory_budget_bytes: int = 300 * MIB
    quick_workers: int = 1
    job_deadline_seconds: float = 120.0
    heavy_memory_bytes: int = 1_500 * MIB
    read_deadline_seconds: float = 15.0
    dask_scheduler: str = ""

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

    @property
    def front(self) -> dict[str, Any]:
        """What guards the door, by its names in `utils.front_gate.FrontRules`."""
        space = self.space_host  # set by Hugging Face, whose site shows the page in a frame
        return {
            "hosts": (*_listed(self.allowed_hosts), *_listed(space)),
            "origins": (*_listed(self.allowed_origins), *(f"https://{s}" for s in _listed(space))),
            "frames": (*_listed(self.frame_ancestors), *((_HUGGING_FACE,) if space else ())),
            "proxy_hops": self.trusted_proxy_hops, "hsts_seconds": self.hsts_seconds,
            "password": self.access_password, "access_seconds": self.access_seconds,
            "public": self.public_access == 1, "proxy_secret": self.proxy_secret,
            "user_header": self.proxy_user_header, "admin_secret": self.admin_secret,
            "secret": self.cache_secret.encode(), "upload_bytes": self.upload_bytes,
            "pages": self.pages, "pages_per_caller": self.pages_per_address,
            "message_characters": self.message_characters,
            "messages_per_second": self.messages_per_second,
            "writes_per_minute": self.writes_per_minute,
            "idle_body_seconds": self.upload_idle_seconds,
        }  # fmt: skip

    @property
    def access(self) -> dict[str, bool]:
        """By what others than this machine may use the server (`utils.listener.who_may`)."""
        return {
            "password": self.access_password != "", "by_proxy": self.proxy_secret != "",
            "public": self.public_access == 1,
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
        for name, least in _LEAST_CHARACTERS.items():
            if 0 < len(getattr(settings, name)) < least:
                raise SettingError(f"{name.upper()} must have at least {least} characters.")
        return settings


def _listed(text: str) -> tuple[str, ...]:
    """The items of a list written with commas or spaces."""
    return tuple(text.replace(",", " ").split())
