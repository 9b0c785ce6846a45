"""The usual cache in one call: memory, a directory when there is one, locks between processes."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from utils.cache import TieredCache
from utils.codec import Codec
from utils.disk_tier import DiskTier
from utils.memory_tier import MemoryTier
from utils.private_files import private_directory, server_secret
from utils.process_lock import KeyLocks
from utils.redis_tier import RedisTier
from utils.tier import Tier

_log = logging.getLogger(__name__)


def open_cache(
    *,
    memory_bytes: int,
    classes: Mapping[str, type | str],
    directory: Path | None = None,
    disk_bytes: int = 0,
    secret: bytes | None = None,
    redis_url: str = "",
    lock_wait_seconds: float = 150.0,
    clock: Callable[[], float] = time.time,
) -> TieredCache:
    """A cache over `directory` (see `choose_cache_directory`), or in memory only when None.

    `classes` are the result classes that may be stored. `secret` signs entries; without one a
    secret file (0600) is kept in the directory. Servers that share results through `redis_url`
    need the same `secret`. Never raises for what directory or server are like; ValueError when
    the address is not redis://host:port/0.
    """
    codec = Codec(classes)
    memory = MemoryTier(memory_bytes)
    lower: list[Tier] = []
    locks = None
    if directory is not None and disk_bytes > 0:
        try:
            secret = secret or server_secret(private_directory(directory) / "secret")
        except OSError:
            _log.warning("The cache directory cannot keep a secret; results stay in memory only.")
        else:
            lower.append(DiskTier(directory, secret=secret, max_bytes=disk_bytes, clock=clock))
            locks = KeyLocks(directory / "locks", wait_seconds=lock_wait_seconds)
    if redis_url:
        shared = secret or secrets.token_bytes(32)
        lower.append(RedisTier(redis_url, secret=shared, clock=clock))
    return TieredCache(memory=memory, lower=lower, codec=codec, locks=locks, clock=clock)
