"""Images of any size: dots per inch, and the bound on what is drawn."""

from __future__ import annotations

import struct

import pytest

from presentation.drawing import MOST_PIXELS, PNG_DPI, Sheet, image_bytes

METRES_PER_INCH = 0.0254


def png_of(width, height):
    """A sheet of `width` x `height` points with one line of text."""

    def draw(_ruler, _notes):
        sheet = Sheet(width, height)
        sheet.text(10, 10, "Age, years")
        return sheet.figure

    return image_bytes(draw, "png", "A sheet")


def facts(png):
    """Pixels across and down, dots per metre (the pHYs chunk of the PNG specification)."""
    width, height = struct.unpack(">II", png[16:24])
    at = png.index(b"pHYs") + 4
    return width, height, struct.unpack(">I", png[at : at + 4])[0]


def test_a_page_of_png_has_300_dots_per_inch():
    width, height, per_metre = facts(png_of(504, 576))
    assert (width, height) == (7 * PNG_DPI, 8 * PNG_DPI)
    assert per_metre == pytest.approx(PNG_DPI / METRES_PER_INCH, abs=1)


def test_a_figure_that_no_page_holds_is_bounded_and_keeps_its_size():
    width, height, per_metre = facts(png_of(490, 2_600))
    assert 0.99 * MOST_PIXELS < width * height <= 1.001 * MOST_PIXELS
    assert per_metre * METRES_PER_INCH < PNG_DPI
    inches = height / (per_metre * METRES_PER_INCH)
    assert inches == pytest.approx(2_600 / 72, rel=0.001)
