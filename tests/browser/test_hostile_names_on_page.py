"""Names of columns, levels and files that hold markup, quotes, marks of direction or 300 letters.

One analysis per tab is run on them and every view is opened: nothing that came from the data may
become an element or an attribute, and the browser's console stays clean.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Server, Witness, open_page

pytestmark = [pytest.mark.browser, pytest.mark.fault]

COLLECT = """window.violations = [];
document.addEventListener("securitypolicyviolation",
  (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));"""
MARKUP = "<img class=pwned src=x onerror='window.hacked=1'>"
NAMES = (
    f"died {MARKUP}",
    'arm" class="pwned" onclick="window.hacked=2',
    "site '><svg class=pwned onload=window.hacked=3>",
    "age </td></table><b class=pwned>",
    "count &lt;i class=pwned&gt; <i class=pwned>",
    "time \u202egnp.exe\u202c \u2066<u class=pwned>\u2069",
    "<script class=pwned>window.hacked=4</script>",
    "L" * 300,
)  # fmt: skip
LEVELS = (f"no {MARKUP}", 'yes" pwned="1', "</option></select><b class=pwned>x")
FILE = f'{MARKUP.replace("/", "")} " pwned=1.csv'
VIEWS = ("Table", "Figure", "Details", "Methods", "Code")
#: Tab, small heading, identifier, and fields with the number of the option to choose in each.
RUNS = (
    ("Table 1", "", "cohort", {"group": "1"}, {}),
    ("Compare", "Groups", "groups", {"value": "3", "group": "1"}, {}),
    ("Outcome", "Two values", "outcome", {"outcome": "0"}, {"event": 2}),
    ("Survival", "One event", "curves", {"time": "5", "event": "0", "group": "1"}, {"event_level": 2}),
    ("Diagnosis", "Test", "test", {"test": "1", "truth": "0"}, {"positive": 2, "event": 2}),
)  # fmt: skip

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng, n = np.random.default_rng(8), 200
    no, yes, other = LEVELS
    columns = [
        rng.choice([no, yes], n), rng.choice([no, yes], n), rng.choice(LEVELS, n),
        rng.normal(60, 9, n).round(1), rng.poisson(2, n), rng.exponential(9, n).round(2) + 0.1,
        rng.choice([no, other], n), rng.normal(0, 1, n).round(3),
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("hostile") / FILE
    pd.DataFrame(dict(zip(NAMES, columns, strict=True))).to_csv(path, index=False)
    return path


def scan(page: Page, where: str) -> None:
    """Nothing of the data is live."""
    live = page.evaluate(
        """() => [...document.querySelectorAll(
          ".pwned, [pwned], [onerror], [onload], [onclick*=hacked], script.pwned"
        )].map((e) => e.outerHTML.slice(0, 200))"""
    )
    assert live == [], where
    assert page.evaluate("window.hacked") is None, where
    assert page.evaluate("window.violations") == [], where


def test_nothing_of_the_data_is_live_in_any_view(
    browser: Browser, server: Server, witness: Witness, file: Path
) -> None:
    context = browser.new_context()
    context.add_init_script(COLLECT)
    page = open_page(context, server.url, witness)
    page.set_input_files("#data-file", file)
    expect(page.locator("#data-found h2")).to_contain_text("pwned")
    for view in ("Import report", "Variables", "Preview"):
        page.get_by_role("tab", name=view).click()
        page.wait_for_timeout(300)
        scan(page, view)
    expect(page.locator("#data-found")).to_contain_text("<img class=pwned")
    seen = 0
    for tab, heading, key, columns, levels in RUNS:
        page.get_by_role("tab", name=tab, exact=True).click()
        if heading and tab != "Table 1":
            page.get_by_role("tab", name=heading, exact=True).click()
        for field, column in columns.items():
            expect(page.locator(f"#{key}-{field} option[value='{column}']")).to_have_count(1)
            page.select_option(f"#{key}-{field}", value=column)
        for field, number in levels.items():
            expect(page.locator(f"#{key}-{field} option")).not_to_have_count(1)
            page.select_option(f"#{key}-{field}", index=number)
        page.locator(f"#{key}-run").click()
        expect(page.locator(f"#{key}-card-table .cs-table").first).to_be_visible()
        for view in VIEWS:
            page.locator(f"#{key}-card-view").get_by_role("tab", name=view, exact=True).click()
            page.wait_for_timeout(400)
            scan(page, f"{tab}, {view}")
            seen += "pwned" in page.locator(f"#{key}-card-result").inner_text()
    assert seen >= len(RUNS) * 2, "the scan looked at views that show hostile names"
    context.close()
