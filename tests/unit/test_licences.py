"""The list of licences is complete, current, and holds nothing that would bind Clinstat."""

from __future__ import annotations

import re
from importlib import metadata

import pytest

from deploy import licences


def test_the_page_is_what_make_licences_would_write() -> None:
    assert licences.PAGE.read_text(encoding="utf-8") == licences.page()


def test_every_pinned_package_is_installed_at_its_pin() -> None:
    pins = licences.pinned()
    assert len(pins) > 40
    assert {n: metadata.version(n) for n in pins} == pins


def test_no_licence_reaches_our_own_code() -> None:
    binding = re.compile(r"\b(A?GPL|LGPL|SSPL|EUPL|CC-BY-NC|General Public)", re.IGNORECASE)
    told = {name: licences.licence_of(name) for name in licences.pinned()}
    assert {n: text for n, text in told.items() if binding.search(text)} == {}
    classifiers = {
        n: [c for c in metadata.metadata(n).get_all("Classifier") or [] if binding.search(c)]
        for n in told
    }
    assert {n: found for n, found in classifiers.items() if found} == {}


def test_a_package_that_tells_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = metadata.PackageNotFoundError
    with pytest.raises(silent):
        licences.licence_of("no-such-package-here")
    monkeypatch.setattr(licences, "_SPDX", {})
    with pytest.raises(LookupError, match="diskcache"):
        licences.licence_of("diskcache")
