"""A zygote that has more loaded than the first one, for the work that needs it, while it is needed.

    warm = WarmZygote.grow(job, ("matplotlib", "docx"))     from a child of the first zygote
    warm.launch(wait) -> Job                                a worker that finds these loaded
    warm.close()

The child that it grows from was forked for it alone and has run no job: what it holds is code,
never data. Every job still has a process of its own. It is a child of the first zygote and ends
with it.
"""

from __future__ import annotations

from collections.abc import Sequence

from utils.wire import Channel, Kind
from utils.zygote import Job, Launcher


class WarmZygote(Launcher):
    """Grown from a worker, and ended through the line on which that worker was launched."""

    def __init__(self, job: Job) -> None:
        super().__init__(job.pid, job.talk)
        self._job = job

    @classmethod
    def grow(cls, job: Job, modules: Sequence[str]) -> WarmZygote:
        """Let the worker of `job` load `modules` and take jobs itself; it loads while this
        returns. PeerGoneError when it has died."""
        Channel(job.talk).send(Kind.JOB, {"preload": list(modules)})
        return cls(job)

    def close(self) -> None:
        """End it with its children. Returns at once: the first zygote sees to it."""
        self._job.kill()
        self._job.close()
