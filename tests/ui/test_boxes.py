"""What is seen of screens and of a report: no text lies on another, none is cut, no page is wider than the window."""

import pytest
from ui.bench import HERE, Bench
from ui.test_accessible import desk_in_use, explorer_in_use, laboratory_in_use

import trialtools as tt
from trialtools import figures

BOXES = (HERE / "boxes.js").read_text("utf-8")
WIDTHS = (1440, 1024, 390)
SCREENS = {
    "desk": desk_in_use,
    "laboratory": laboratory_in_use,
    **{f"explorer {tab}": lambda *given, tab=tab: explorer_in_use(*given, tab) for tab in ("flow", "sweep", "lost")},
}


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture(scope="module")
def patients(root, protocol):
    return tt.read_patients(root / "data/cohort/cohort.csv", protocol)


def faults(page, settle=lambda: None):
    """By width, what lies on something else, is cut, or is too wide."""
    found = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        settle()
        page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        seen = page.evaluate(BOXES)
        assert seen["texts"] > 30, "the page is there"
        found |= {(width, what): seen[what] for what in ("overlaps", "cut", "wider") if seen[what]}
    page.set_viewport_size({"width": 1440, "height": 1000})
    return found


@pytest.mark.parametrize("name", SCREENS)
def test_no_text_of_a_screen_lies_on_another(page, protocol, patients, name):
    bench = Bench(page, SCREENS[name](protocol, patients)).show()
    assert faults(page, bench.rest) == {}


def test_no_text_of_the_explorer_of_a_report_lies_on_another(page, protocol, patients, tmp_path):
    file = tmp_path / "report.html"
    style = "<meta name=viewport content=width=device-width><style>body { margin: 0 14px; }</style>"
    file.write_text(style + figures.portable_explorer(tt.screen(protocol, patients).portable_counts()), "utf-8")
    page.goto(file.as_uri())
    assert faults(page) == {}
