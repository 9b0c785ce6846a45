"""The optional Redis tier: the same sealed envelopes, for servers that share results.

    PREFIX:e:KEY      a sealed entry, with the server's own expiry
    PREFIX:n:DIGEST   the keys of one function;  PREFIX:l:DIGEST   the keys of one label
    PREFIX:clears     what was cleared in the last day, newest first (see `utils/notices.py`)

Function names and labels are stored as keyed digests: who reads the server learns neither. The
server is trusted with nothing: a wrong, foreign or forged value is a CorruptEntry.
"""

from __future__ import annotations

import contextlib
import hmac
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from utils.envelope import Entry, seal, unseal
from utils.errors import CorruptEntry, TierFault
from utils.fork import survive_fork
from utils.notices import Notice, understood, written
from utils.resp import Reply, RespConnection, RespError
from utils.tier import Doomed, Listed, Owner

_SPARE_CONNECTIONS = 8
_SLOW_IN_A_ROW = 3
_SCAN_AT_ONCE = b"500"
_LOOK_SECONDS = 1.0
_NOTICES = 500
_NOTICE_LIFE_MS = 86_400_000


class RedisTier:
    """Entries signed with `secret` on the server at `url` (redis://[user:password@]host[:port][/n]).

    Every command ends within `timeout_seconds`. A server that takes longer than `slow_seconds`
    three times in a row is a fault too: a slow cache is worse than none. Not for TLS: put a
    tunnel in front when the network is not private.
    """

    name = "redis"
    remote = True

    def __init__(
        self,
        url: str,
        *,
        secret: bytes,
        max_entry_bytes: int = 8 << 20,
        timeout_seconds: float = 0.1,
        slow_seconds: float = 0.03,
        prefix: str = "clinstat",
        clock: Callable[[], float] = time.time,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "redis" or not parts.hostname:
            raise ValueError("A Redis address has the form redis://host:port/0.")
        self._address = (parts.hostname, parts.port or 6379)
        self._database = parts.path.strip("/") or "0"
        self._login = [unquote(p).encode() for p in (parts.username, parts.password) if p]
        self.max_entry_bytes = max_entry_bytes
        self.counts: Counter[str] = Counter()
        self._secret = secret
        self._timeout_seconds = timeout_seconds
        self._slow_seconds = slow_seconds
        self._prefix = prefix.encode()
        self._clock = clock
        self._slow = 0
        self._look_at = 0.0
        self._last: bytes | None = None
        self.after_fork()
        survive_fork(self)

    def after_fork(self) -> None:
        """A connection must not be used by two processes."""
        self._lock = threading.Lock()
        self._spare: list[RespConnection] = []

    def get(self, key: str) -> Entry | None:
        """The entry; CorruptEntry (and it is deleted) when it is not what was written."""
        name = self._entry(key)
        try:
            (found,) = self._call([b"GET", name])
            return None if found is None else self._unsealed(key, found)
        except RespError as error:
            if "WRONGTYPE" not in str(error):
                raise
        except CorruptEntry:
            self._call([b"DEL", name])
            self.counts["corrupt"] += 1
            raise
        self._call([b"DEL", name])
        self.counts["corrupt"] += 1
        raise CorruptEntry("Redis holds something else under this key.")

    def _unsealed(self, key: str, found: Reply) -> Entry:
        if not isinstance(found, bytes):
            raise CorruptEntry("Redis sent no bytes.")
        return unseal(found, key=key, secret=self._secret)

    def put(self, key: str, entry: Entry, owner: Owner) -> bool:
        """Keep the entry until it expires; False when it is too large for this tier."""
        data = seal(entry, key=key, secret=self._secret)
        life = int((entry.expires_at - self._clock()) * 1e3)
        if len(data) > self.max_entry_bytes or life <= 0:
            return False
        lasting = b"%d" % min(life, 10**14)
        commands = [[b"SET", self._entry(key), data, b"PX", lasting]]
        for group in (self._group(b"n", owner.name), self._group(b"l", owner.label)):
            commands += [[b"SADD", group, key.encode()], [b"PEXPIRE", group, lasting, b"NX"],
                         [b"PEXPIRE", group, lasting, b"GT"]]  # fmt: skip
        self._call(*commands)
        return True

    def clear(self, doomed: Doomed) -> int:
        """Tell the other servers, then remove entries (expired ones go by themselves)."""
        if doomed.expired_at is not None or isinstance(doomed, Notice):
            return 0
        if doomed.mark:
            try:
                self._post(doomed)
            except RespError:  # a full server: what is to go makes room
                self._remove(doomed)
                self._post(doomed)
        return self._remove(doomed)

    def _post(self, doomed: Doomed) -> None:
        name = self._prefix + b":clears"
        self._call([b"LPUSH", name, written(doomed, self._secret)],
                   [b"LTRIM", name, b"0", b"%d" % (_NOTICES - 1)],
                   [b"PEXPIRE", name, b"%d" % _NOTICE_LIFE_MS])  # fmt: skip

    def news(self, *, at_once: bool) -> bool:
        """True once a second, and when asked `at_once`: the list is worth a look."""
        return at_once or time.monotonic() >= self._look_at

    def hear(self, obey: Callable[[Notice], None]) -> None:
        """Call `obey` with what other servers cleared since the last look, oldest first.

        The first look tells all that is kept: the directory of this server may still hold it.
        """
        self._look_at = time.monotonic() + _LOOK_SECONDS
        name = self._prefix + b":clears"
        (newest,) = self._call([b"LINDEX", name, b"0"])
        if newest == self._last or not isinstance(newest, bytes):
            return
        (found,) = self._call([b"LRANGE", name, b"0", b"-1"])
        lines = [line for line in found if isinstance(line, bytes)] if type(found) is list else []
        if self._last in lines:
            lines = lines[: lines.index(self._last)]
        elif self._last is not None:
            lines.append(b"missed")
        for line in reversed(lines):
            obey(understood(line, self._secret))
        self._last = newest

    def _remove(self, doomed: Doomed) -> int:
        if doomed == Doomed():
            return self._delete_matching(self._prefix + b":*")
        groups = [
            self._group(kind, value)
            for kind, value in ((b"n", doomed.name), (b"l", doomed.label))
            if value is not None
        ]
        chosen = doomed.keys
        if doomed.key is not None:
            chosen = frozenset({doomed.key}) & (chosen or {doomed.key})
        keys = [key.encode() for key in chosen or ()]
        if groups:
            (members,) = self._call([b"SINTER", *groups])
            found = (
                [m for m in members if isinstance(m, bytes)] if isinstance(members, list) else []
            )
            keys = [k for k in found if chosen is None or k in keys]
        return self._delete([self._prefix + b":e:" + key for key in keys])

    def listed(self, keys: Collection[str] | None, limit: int) -> Sequence[Listed]:  # noqa: ARG002
        """None: the server knows entries by digests only."""
        return ()

    def check(self) -> list[str]:
        """Nothing to derive: the server counts. Says when it does not answer."""
        self._call([b"PING"])
        return []

    def facts(self) -> Mapping[str, Any]:
        """Number of entries of the whole database, and what was refused."""
        (size,) = self._call([b"DBSIZE"])
        return {"entries in database": size, **self.counts}

    def close(self) -> None:
        """Close the spare connections."""
        with self._lock:
            spare, self._spare = self._spare, []
        for connection in spare:
            connection.close()

    def _entry(self, key: str) -> bytes:
        return self._prefix + b":e:" + key.encode()

    def _group(self, kind: bytes, value: str) -> bytes:
        digest = hmac.digest(self._secret, kind + value.encode(), "sha256").hex()[:32]
        return b":".join((self._prefix, kind, digest.encode()))

    def _delete(self, names: Sequence[bytes]) -> int:
        removed = 0
        for start in range(0, len(names), 500):
            (count,) = self._call([b"DEL", *names[start : start + 500]])
            removed += count if isinstance(count, int) else 0
        return removed

    def _delete_matching(self, pattern: bytes) -> int:
        removed, cursor = 0, b"0"
        while True:
            (page,) = self._call([b"SCAN", cursor, b"MATCH", pattern, b"COUNT", _SCAN_AT_ONCE])
            if not isinstance(page, list) or len(page) != 2 or not isinstance(page[1], list):
                raise TierFault("Redis sent something that is no page of keys.")
            names = [name for name in page[1] if isinstance(name, bytes)]
            groups = (self._prefix + b":n:", self._prefix + b":l:")
            self._delete([name for name in names if name.startswith(groups)])
            removed += self._delete([name for name in names if b":e:" in name])
            cursor = page[0] if isinstance(page[0], bytes) else b"0"
            if cursor == b"0":
                return removed

    def _call(self, *commands: Sequence[bytes]) -> list[Reply]:
        """One exchange on a connection of our own; a faulty connection is thrown away."""
        started = time.monotonic()
        with self._lock:
            connection = self._spare.pop() if self._spare else None
        connection = connection or self._connected()
        finished = False
        try:
            replies = connection.call(*commands)
            finished = True
        finally:
            with self._lock:
                keep = finished and len(self._spare) < _SPARE_CONNECTIONS
                if keep:
                    self._spare.append(connection)
            if not keep:
                connection.close()
        self._watch(time.monotonic() - started)
        return replies

    def _watch(self, seconds: float) -> None:
        self._slow = self._slow + 1 if seconds > self._slow_seconds else 0
        if self._slow >= _SLOW_IN_A_ROW:
            self._slow = _SLOW_IN_A_ROW - 1  # after the bench one slow answer is enough
            raise TierFault("Redis answers too slowly to be of use.")

    def _connected(self) -> RespConnection:
        connection = RespConnection(
            *self._address,
            timeout_seconds=self._timeout_seconds,
            longest_reply_bytes=self.max_entry_bytes + 1024,
        )
        greeting = [[b"AUTH", *self._login]] if self._login else []
        if self._database != "0":
            greeting.append([b"SELECT", self._database.encode()])
        with contextlib.ExitStack() as unless_ready:
            unless_ready.callback(connection.close)
            if greeting:
                connection.call(*greeting)
            unless_ready.pop_all()
        return connection
