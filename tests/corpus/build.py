"""The whole corpus of import files: every class, each file with its truth.

`python -m tests.corpus.build FOLDER` writes the files, to look at or to upload by hand.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.corpus import dialects, encodings, hopeless, kinds, shapes, values, workbooks
from tests.corpus.case import Case

CASES: tuple[Case, ...] = tuple(
    case
    for module in (encodings, dialects, hopeless, values, shapes, workbooks, kinds)
    for case in module.corpus.cases
)


def write(case: Case, folder: Path) -> Path:
    path = folder / case.name
    path.write_bytes(case.content())
    return path


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for each in CASES:
        write(each, target)
    sys.stdout.write(f"{len(CASES)} files written\n")
