"""`isinstance` with a protocol, as quick on Python 3.11 as on later versions.

htmltools asks of every child of every tag whether it is `Tagifiable`, a protocol. Python 3.11
gathers the members of a protocol anew at each question, which takes a third of the time in which
a page or a table is made; from 3.12 on the protocol remembers them (cpython issue 74690).
"""

from __future__ import annotations

import functools
import sys
import typing

#: Of a protocol: its members, and whether all of them are methods.
_ASKED_AGAIN = ("_get_protocol_attrs", "_is_callable_members_only")


def remember_protocol_members() -> bool:
    """Let this process gather the members of each protocol once. False where Python does.

    A protocol does not change after its class statement, so the answer stays the same.
    """
    if sys.version_info >= (3, 12):
        return False
    for name in _ASKED_AGAIN:
        ask = getattr(typing, name)
        if not hasattr(ask, "cache_info"):
            setattr(typing, name, functools.cache(ask))
    return True
