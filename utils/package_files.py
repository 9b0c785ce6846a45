"""Files of an installed package, found without importing it (which may cost tens of MB)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def package_folder(package: str, folder: str) -> Path:
    """The folder inside the package; FileNotFoundError, a sentence, when it is not installed."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(
            f"The package {package} is missing. Install the packages of requirements.txt."
        )
    return Path(spec.submodule_search_locations[0]) / folder
