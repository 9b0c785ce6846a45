"""The Dockerfile without Docker: its steps are read and run as they stand, in folders of ours.

The image's own folders (`/opt/clinstat`, `/var/cache/clinstat`) become folders below one that the
test makes; nothing else in a step is changed. Instructions that this reader does not know are an
error, so that no step is passed over.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
OWN_FOLDERS = ("/opt/clinstat", "/var/cache/clinstat")
UID = 1000
_PLAIN = ("EXPOSE", "STOPSIGNAL", "USER", "WORKDIR")


@dataclass
class Image:
    """What the last stage of a Dockerfile declares, and every step that builds it, in order."""

    steps: list[tuple[str, str]] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    plain: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    health_options: str = ""
    bases: list[str] = field(default_factory=list)


def read_dockerfile(text: str) -> Image:
    """The image that a Dockerfile describes. ValueError for an instruction not known here."""
    image = Image()
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        word, _, rest = line.strip().partition(" ")
        rest = rest.strip()
        if word == "FROM":
            image.bases.append(rest)
            image.env = {}
        elif word in ("RUN", "COPY"):
            image.steps.append((word, rest))
        elif word == "ENV":
            image.env |= dict(pair.split("=", 1) for pair in rest.split())
        elif word == "CMD":
            image.command = json.loads(rest)
        elif word == "HEALTHCHECK":
            image.health_options, _, command = rest.partition("CMD ")
            image.health = json.loads(command)
        elif word in _PLAIN:
            image.plain[word] = rest
        elif word:
            raise ValueError(f"{word} is not known")
    return image


def context_allows(path: str, rules: list[str]) -> bool:
    """Whether .dockerignore lets a path of the checkout into the build (the last rule decides)."""
    kept = True
    for rule in rules:
        pattern = rule.removeprefix("!")
        parts = path.split("/")
        heads = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        names = parts if pattern.startswith("**/") else heads
        if any(fnmatch.fnmatch(name, pattern.removeprefix("**/")) for name in names):
            kept = rule.startswith("!")
    return kept


class Built:
    """An image built in `place`, a folder that any user may enter."""

    def __init__(self, image: Image, place: Path) -> None:
        self.image = image
        self.place = place
        self._map = {own: str(place / own.strip("/")) for own in OWN_FOLDERS}
        self.app = Path(self.at(image.plain["WORKDIR"]))
        self.cache = Path(self.at("/var/cache/clinstat"))

    def at(self, text: str) -> str:
        """Text of the Dockerfile with the image's folders replaced by ours."""
        for own, here in self._map.items():
            text = text.replace(own, here)
        return text

    def build(self) -> None:
        """Every RUN and COPY, in order. CalledProcessError where one fails."""
        rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        self._rules = [r.strip() for r in rules if r.strip() and not r.startswith("#")]
        (self.place / "context").mkdir()
        tools = self.place / "tools"
        tools.mkdir()
        base = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
        # not a link: a virtual environment would look for its library beside the link
        (tools / "python").write_text(f'#!/bin/sh\nexec {base} "$@"\n', encoding="utf-8")
        (tools / "python").chmod(0o755)
        for word, rest in self.image.steps:
            if word == "RUN":
                self._run(rest, f"{tools}:{os.environ['PATH']}")
            elif not rest.startswith("--from=build "):
                self._copy(rest)
            elif len({*rest.split()[1:]}) != 1:
                raise ValueError(f"a copy between stages that moves: {rest}")

    def _run(self, step: str, path: str) -> None:
        if os.geteuid() != 0:  # only root may give a folder to another user
            step = re.sub(r"-o \d+ -g \d+", "", step)
        subprocess.run(
            ["sh", "-ec", self.at(step)], cwd=self.place / "context", check=True,
            env=os.environ | {"PATH": path, "PYTHONPATH": ""}, timeout=150,
        )  # fmt: skip

    def _copy(self, rest: str) -> None:
        *sources, target = rest.split()
        for source in sources:
            wanted = ROOT / source
            goal = Path(self.at(target))
            files = [wanted] if wanted.is_file() else sorted(p for p in wanted.rglob("*"))
            for file in files:
                inside = file.relative_to(ROOT).as_posix()
                if not file.is_file() or not context_allows(inside, self._rules):
                    continue
                if wanted.is_dir():
                    there = goal / file.relative_to(wanted)
                else:
                    there = goal / file.name if target.endswith("/") else goal
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, there)

    def environment(self, **more: str) -> dict[str, str]:
        """What a container of this image sees, and `more`."""
        return {name: self.at(value) for name, value in self.image.env.items()} | more


def start_confined(built: Built, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """The start command as user 1000 without any capability, on a file system where everything
    is read-only but /tmp and the cache directory, both fresh, and without the checkout."""
    script = _confinement(built)
    (built.place / "confine.sh").write_text(script, encoding="utf-8")
    return subprocess.Popen(
        ["unshare", "--mount", "sh", "-e", str(built.place / "confine.sh"), *built.image.command],
        env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def _confinement(built: Built) -> str:
    base = Path(sys.base_prefix).resolve()
    lines = ["PATH=/usr/sbin:/sbin:/usr/bin:/bin", "mount --make-rprivate /"]
    closed = [p for p in reversed(base.parents) if not p.stat().st_mode & 1]
    if closed:  # a Python that lives where the other user may not look: only Python is shown
        lines += [
            f"mkdir -p {built.place}/python", f"mount --bind {base} {built.place}/python",
            f"mount -t tmpfs -o mode=755 none {closed[0]}", f"mkdir -p {base}",
            f"mount --bind {built.place}/python {base}",
        ]  # fmt: skip
    lines += [
        f"mkdir -p {built.place}/nothing", f"mount --bind {built.place}/nothing {ROOT}",
        f"mount --bind {built.place} {built.place}", f"mount -o remount,ro,bind {built.place}",
        f"mount -t tmpfs -o size=64m,mode=0700,uid={UID},gid={UID} none {built.cache}",
        f"mount -t tmpfs -o size=256m,mode=0700,uid={UID},gid={UID} none /tmp",
        "mount -o remount,ro,bind /",
        f"cd {built.app}", f"export PATH='{built.environment()['PATH']}'",
        f"exec /usr/bin/setpriv --reuid {UID} --regid {UID} --clear-groups --no-new-privs"
        ' --inh-caps=-all --bounding-set=-all "$@"',
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def marked(mark: str) -> dict[int, str]:
    """Process id -> command of every living process whose first environment holds `mark`."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                words = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(folder.name)] = words.decode(errors="replace")
        except OSError:
            continue
    return found


def stop(process: subprocess.Popen[str], seconds: float = 15.0) -> tuple[int, str]:
    """SIGTERM, as Docker does; exit code and what it printed."""
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=seconds)
    return process.returncode, output


def gone(mark: str, seconds: float = 5.0) -> dict[int, str]:
    """What is left of the marked processes after a short wait."""
    give_up = time.monotonic() + seconds
    while (left := marked(mark)) and time.monotonic() < give_up:
        time.sleep(0.05)
    return left
