"""`cache.data` and `cache.resource`: the cache for functions outside the catalogue.

@cache.data(ttl_seconds=3600)
def monthly_counts(frame, *, by, _progress=None):
    ...                          # computed once per frame and `by`; `_progress` is ignored

@cache.resource
def drug_names():
    return load_drug_names()     # made once per process, the same object for everybody

monthly_counts.clear()
"""

from __future__ import annotations

import functools
import inspect
import platform
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

import numpy as np
import pandas as pd

from utils.fork import survive_fork
from utils.keys import FORMAT, canonical, digest
from utils.single_flight import SingleFlight

if TYPE_CHECKING:
    from utils.cache import TieredCache

P = ParamSpec("P")
T = TypeVar("T")


def function_name(function: Callable[..., object]) -> str:
    """The name under which a function is counted and cleared."""
    return f"{function.__module__}.{function.__qualname__}"


def _identity(function: Callable[..., object], version: int) -> bytes:
    """What the function is: name, version, source text and the values that it closes over.

    UnkeyableValue when it closes over something without a canonical form: two closures of one
    source would be mistaken for each other.
    """
    libraries = (platform.python_version(), np.__version__, pd.__version__)
    made_of = (FORMAT, version, *libraries, _code(function, frozenset()))
    return canonical(made_of, exact_sequences=True)


def _code(function: Callable[..., object], within: frozenset[int]) -> tuple[Any, ...]:
    """Name and source of a function, and what it closes over (other functions likewise)."""
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        source = ""
    closed: dict[str, Any] = {}
    code = getattr(function, "__code__", None)
    for name, cell in zip(
        getattr(code, "co_freevars", ()), getattr(function, "__closure__", None) or (), strict=True
    ):
        try:
            closed[name] = _closed_over(cell.cell_contents, within | {id(function)})
        except ValueError:
            closed[name] = ("not set yet",)  # a function that calls itself by its name
    return (function_name(function), source, closed)


def _closed_over(value: object, within: frozenset[int]) -> Any:
    if inspect.isfunction(value):
        return ("seen",) if id(value) in within else _code(value, within)
    if inspect.ismodule(value):
        return ("module", value.__name__)
    if inspect.isbuiltin(value) and inspect.ismodule(value.__self__):
        return ("builtin", function_name(value))
    return ("value", canonical(value, exact_sequences=True))


def _key_of(
    identity: bytes, signature: inspect.Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> str:
    """The key of one call: every argument by value, those named `_...` left out."""
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    values: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        if name.startswith("_"):
            continue
        if signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            value = {k: v for k, v in value.items() if not k.startswith("_")}  # noqa: PLW2901
        values[name] = value
    return digest(identity, canonical(values, exact_sequences=True))


class CachedData(Generic[P, T]):
    """A function whose values are remembered by the values of its arguments."""

    def __init__(
        self, function: Callable[P, T], cache: TieredCache, *, ttl_seconds: float, version: int
    ) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._cache = cache
        self._ttl_seconds = ttl_seconds
        self._name = function_name(function)
        self._identity = _identity(function, version)
        self._signature = inspect.signature(function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """The value for these arguments, remembered or computed now."""
        key = _key_of(self._identity, self._signature, args, kwargs)
        return self._cache.get_or_compute(
            key,
            lambda: self._function(*args, **kwargs),
            name=self._name,
            ttl_seconds=self._ttl_seconds,
        ).value

    def clear(self) -> int:
        """Forget every value of this function; the number of entries removed."""
        return self._cache.clear(name=self._name)


class CachedResource(Generic[P, T]):
    """A function whose objects are made once per process and shared as they are."""

    def __init__(
        self, function: Callable[P, T], *, ttl_seconds: float, monotonic: Callable[[], float]
    ) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._ttl_seconds = ttl_seconds
        self._monotonic = monotonic
        self._signature = inspect.signature(function)
        self._flights = SingleFlight()
        self.after_fork()
        survive_fork(self)

    def after_fork(self) -> None:
        """A child makes its own: handles and locks of the parent are not ours."""
        self._lock = threading.Lock()
        self._made: dict[str, tuple[float, T]] = {}
        self._clears = 0

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """The object for these arguments, made now if there is none."""
        key = _key_of(b"", self._signature, args, kwargs)
        found = self._made.get(key)
        if found is not None and self._monotonic() < found[0]:
            return found[1]
        return self._flights.run(key, lambda: self._make(key, args, kwargs))[0]

    def _make(self, key: str, args: Any, kwargs: Any) -> T:
        with self._lock:
            clears = self._clears
            found = self._made.get(key)
        if found is not None and self._monotonic() < found[0]:
            return found[1]
        make: Callable[..., T] = self._function
        made = make(*args, **kwargs)
        with self._lock:
            if clears == self._clears:
                self._made[key] = (self._monotonic() + self._ttl_seconds, made)
        return made

    def clear(self) -> int:
        """Let go of every object made; their number. The next call makes a new one."""
        with self._lock:
            count = len(self._made)
            self._made.clear()
            self._clears += 1
            return count


def resource(
    function: Callable[P, T],
    *,
    ttl_seconds: float = float("inf"),
    monotonic: Callable[[], float] = time.monotonic,
) -> CachedResource[P, T]:
    """`function`, its objects made once per process and argument values."""
    return CachedResource(function, ttl_seconds=ttl_seconds, monotonic=monotonic)
