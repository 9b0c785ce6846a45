"""One page of rows as HTML: escaped, missing cells told apart, numbers as they are."""

from __future__ import annotations

import pandas as pd

from tabs.preview import page_html


def test_names_and_values_are_escaped_and_controls_made_visible() -> None:
    frame = pd.DataFrame({"<b>x</b>": pd.Categorical(["<script>", "a\x00b"])})
    page = str(page_html(frame, 0))
    assert "<script>" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "a\u2400b" in page


def test_missing_cells_numbers_and_dates() -> None:
    frame = pd.DataFrame(
        {
            "n": [1.5, float("nan")],
            "k": [3, 4],
            "d": [pd.Timestamp("2024-02-29"), pd.Timestamp("2024-03-01 10:30")],
        }
    )
    page = str(page_html(frame, 50))
    assert '<td class="cs-figure">1.5</td>' in page
    assert 'title="missing"' in page
    assert "2024-02-29<" in page
    assert "2024-03-01 10:30" in page
    assert ">51</th>" in page
    assert "nan" not in page


def test_a_very_long_value_is_cut() -> None:
    frame = pd.DataFrame({"x": ["y" * 5_000]})
    assert len(str(page_html(frame, 0))) < 1_000
