"""The server, unchanged, with a list of what its cache was asked: traced_server.py FILE.

One line per answer: seconds since the first, function, number of the key in order of appearance,
milliseconds that its computation took, bytes in memory, where the answer came from. No data, no
choices, no keys.
"""

from __future__ import annotations

import sys
import threading
import time
import types
from pathlib import Path
from typing import Any

FRONT_DOOR = Path(__file__).parents[2] / "app.py"
sys.path.insert(0, str(FRONT_DOOR.parent))

from utils.cache import TieredCache  # noqa: E402 - found from here on
from utils.memory_tier import ENTRY_OVERHEAD_BYTES  # noqa: E402

HEADER = "seconds,function,key,cost_ms,size_bytes,source"


class Tracer:
    """Wraps the two questions that a cache can be asked."""

    def __init__(self, file: Path) -> None:
        self._out = file.open("a", encoding="ascii", buffering=1)
        self._out.write(f"{HEADER}\n")
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}
        self._sizes: dict[str, int] = {}
        self._began = 0.0

    def note(self, cache: TieredCache, key: str, name: str, answer: Any) -> None:
        """An answer was given."""
        with self._lock:
            now = time.monotonic()
            self._began = self._began or now
            number = self._numbers.setdefault(key, len(self._numbers))
            slot = cache.memory._slots.get(key)
            if slot is not None:
                self._sizes[key] = slot.size_bytes - ENTRY_OVERHEAD_BYTES
            self._out.write(
                f"{now - self._began:.2f},{name},{number},{answer.cost_seconds * 1e3:.2f},"
                f"{self._sizes.get(key, 0)},{answer.source}\n"
            )

    def wrap(self) -> None:
        """From now on every cache of this process tells."""
        get, peek = TieredCache.get_or_compute, TieredCache.peek

        def traced_get(cache: TieredCache, key: str, compute: Any, **rest: Any) -> Any:
            answer = get(cache, key, compute, **rest)
            self.note(cache, key, rest["name"], answer)
            return answer

        def traced_peek(cache: TieredCache, key: str, *, name: str) -> Any:
            answer = peek(cache, key, name=name)
            if answer is not None:
                self.note(cache, key, name, answer)
            return answer

        TieredCache.get_or_compute = traced_get  # type: ignore[method-assign,assignment]
        TieredCache.peek = traced_peek  # type: ignore[method-assign]


def serve() -> None:
    """What `python app.py` does, in this process.

    Not through runpy: Shiny looks at the whole stack for every reactive value, and a frame whose
    file belongs to no module makes each look search all modules, which slows every new page.
    """
    door = types.ModuleType("__main__")
    door.__file__ = str(FRONT_DOOR)
    sys.modules["front_door"] = door
    exec(compile(FRONT_DOOR.read_text(encoding="utf-8"), str(FRONT_DOOR), "exec"), vars(door))


if __name__ == "__main__":
    Tracer(Path(sys.argv[1])).wrap()
    serve()
