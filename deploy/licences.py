"""The licences of what is shipped: `make licences` writes docs/licences.md from the metadata of the
installed packages that requirements.txt names.

A package that tells no licence in a form that is known here is an error, so that somebody reads it.
"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "licences.md"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
#: First words of free texts and classifiers -> SPDX.
_SPDX = {
    "MIT": "MIT", "MIT License": "MIT", "BSD-3-Clause": "BSD-3-Clause",
    "BSD License": "BSD", "BSD 3-Clause License": "BSD-3-Clause", "2-clause BSD": "BSD-2-Clause",
    "Apache 2.0": "Apache-2.0", "Apache-2.0": "Apache-2.0",
    "CC0-1.0 OR Apache-2.0": "CC0-1.0 OR Apache-2.0",
    "Python Software Foundation License": "PSF",
}  # fmt: skip


def pinned(requirements: Path = ROOT / "requirements.txt") -> dict[str, str]:
    """Package -> version, as pinned."""
    return dict(_PIN.findall(requirements.read_text(encoding="utf-8")))


def licence_of(package: str) -> str:
    """The licence that a package states: expression, else short text, else classifier.

    LookupError when it states none that is known.
    """
    told = metadata.metadata(package)
    if told.get("License-Expression"):
        return str(told["License-Expression"])
    classifiers = [c for c in told.get_all("Classifier") or [] if c.startswith("License ::")]
    for text in (told.get("License") or "", *(c.rsplit("::", 1)[1] for c in classifiers)):
        if text.strip() in _SPDX:
            return _SPDX[text.strip()]
    raise LookupError(f"{package} states no licence that is known; read it and add it here.")


def page() -> str:
    """The page, one row per package."""
    rows = [
        f"| {name} | {version} | {licence_of(name)} |" for name, version in sorted(pinned().items())
    ]
    head = [
        "# Licences of what is shipped", "",
        ("Clinstat is under the MIT licence. A container or an installation also holds these "
        "packages, each unchanged and under its own licence, which is in its `dist-info` folder. "
        "Written by `make licences` from their metadata; `BSD` and `PSF` stand where a package "
        "names the family only. Wheels may bundle libraries of others (OpenBLAS and the GCC "
        "run-time library with its exception in numpy and scipy); their licences are in the same "
        "folder. `requirements-dask.txt` is optional and not listed."), "",
        "| Package | Version | Licence |", "| --- | --- | --- |",
    ]  # fmt: skip
    return "\n".join([*head, *rows]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
