"""Every view of every screen, opened once.

In it nothing is serious to axe-core in light or dark, no text lies on another, none is cut, and no page is wider than
its window.
"""

import json

import pytest
from conftest import COMPONENTS, find_component

from trialtools import figures
from trialtools.report.page import HERE as REPORT
from trialtools.report.page import figure_html, packed_plotly
from trialtools.widgets import desk, explorer, panels, randomization
from trialtools.widgets.cohort_explorer import Explorer
from ui.axe import THEMES, serious
from ui.bench import HERE, Bench

BOXES = (HERE / "boxes.js").read_text("utf-8")
WIDTHS = (390, 1024, 1440)
DRESS = "theme => document.querySelectorAll('.tt').forEach((root) => { root.dataset.theme = theme; })"


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page()
    yield page
    page.close()


def desk_in_use(protocol, patients):
    screen = desk(protocol, patients)
    screen.choose("P-000003")
    screen.entries = {**screen.entries, "respiratory_rate": "999"}
    screen.upload("visits.csv", b"Nr;Age\nx;71\n")
    return screen


def explorer_in_use(protocol, patients):
    screen = explorer(protocol, patients)
    wish(screen, ask="off", criterion="I2", on=False)
    wish(screen, ask="threshold", threshold="I1.upper", text="x")
    return screen


def laboratory_in_use(protocol, patients):
    screen = randomization(protocol)
    screen.play(["mscs", "comparator"])
    return screen


def wish(screen, **what):
    screen._receive(None, {"view": "a", "n": screen.heard.get("a", 0) + 1, **what}, [])


def views(bench):
    """Each view of a screen, one after the other: the explorer has a tab for each panel."""
    if not isinstance(bench.widget, Explorer):
        yield "all of it"
        return
    for tab in panels.PANELS:
        wish(bench.widget, ask="tab", tab=tab)
        bench.rest()
        yield tab


def misplaced(page, settle=lambda: None):
    """By width, what lies on something else, is cut, or is too wide."""
    faults = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 1000})
        settle()
        page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        seen = page.evaluate(BOXES)
        assert seen["texts"] > 30, "the page is there"
        faults |= {(width, what): seen[what] for what in ("overlaps", "cut", "wider") if seen[what]}
    return faults


SCREENS = {"desk": desk_in_use, "laboratory": laboratory_in_use, "explorer": explorer_in_use}


@pytest.fixture(scope="module", params=SCREENS)
def bench(page, protocol, patients, request):
    bench = Bench(page, SCREENS[request.param](protocol, patients)).show()
    bench.rest()
    return bench


@pytest.fixture(scope="module")
def seen(page, bench):
    """Each view of a screen, opened once: what is misplaced in it, and what axe finds serious where there is axe."""
    found, axe = {}, COMPONENTS["axe"][0]()
    for n, view in enumerate(views(bench)):
        found[view] = [misplaced(page, bench.rest), {}]
        if axe and not n:
            page.evaluate(axe.read_text("utf-8"))
        for theme in THEMES if axe else ():
            page.evaluate(DRESS, theme)
            part = ".tt .view" if n else ".tt"  # what stands beside it was looked at with the first
            found[view][1] |= {theme: serious(page, part, theme)}
    return found


def test_no_text_lies_on_another(seen):
    assert {view: faults for view, (faults, _) in seen.items() if faults} == {}


def test_every_control_has_a_name_of_its_own_and_its_state(page, bench):
    """In the tree that a screen reader reads."""
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    names = [
        (each["role"]["value"], each.get("name", {}).get("value", ""), each) for each in tree if not each["ignored"]
    ]
    named = [
        (role, name) for role, name, _ in names if role in ("textbox", "combobox", "slider", "checkbox", "radiogroup")
    ]
    assert len(named) == len({*named}) and all(name.strip() for _, name in named)
    assert all(name.strip() for role, name, _ in names if role in ("button", "radio", "tab", "region", "image"))
    for state, roles in {"checked": ("checkbox", "radio"), "selected": ("tab",)}.items():
        nodes = [each for role, _, each in names if role in roles]
        assert all(state in {fact["name"] for fact in each["properties"]} for each in nodes)


def test_axe_finds_nothing_serious(seen):
    find_component("axe")
    found = {(view, theme): faults for view, (_, by_theme) in seen.items() for theme, faults in by_theme.items()}
    assert len(found) == len(THEMES) * len(seen)
    assert {where: faults for where, faults in found.items() if faults} == {}


def test_charts_of_rows_and_tables_are_laid_out_for_a_phone(page, protocol, screening, tmp_path):
    """Labels stand above the marks, headings beside the cells; nothing is cut, and nothing scrolls sideways."""
    file = tmp_path / "report.html"
    drawn = [figures.criterion_states(screening.criterion_states()), figures.forest(screening.exclusion_ratios())]
    drawn += [figures.open_criteria(screening.open_criteria()), figures.impact(screening.impact(), source="N = 2,000")]
    plots = "".join(figure_html(json.loads(made.to_json()), number) for number, made in enumerate(drawn))
    table = figures.table(screening.criterion_states(), title="Each criterion").as_raw_html()
    parts = [(REPORT / name).read_text("utf-8") for name in ("page.css", "page.js")]
    file.write_text(
        f"<!DOCTYPE html><meta name=viewport content=width=device-width><style>{parts[0]}</style>"
        f"<main>{plots}<div>{table}</div></main>"
        f"<script type=text/plain id=plotly-packed>{packed_plotly()}</script><script>{parts[1]}</script>",
        "utf-8",
    )
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(file.as_uri())
    page.wait_for_function("document.documentElement.dataset.figures === 'drawn'")
    seen = page.evaluate(BOXES)
    assert (seen["overlaps"], seen["cut"], seen["wider"]) == ([], [], []) and seen["texts"] > 100
    beyond = "[...document.querySelectorAll('.plot')].map((plot) => plot.scrollWidth - plot.clientWidth)"
    assert page.evaluate(beyond) == [0] * len(drawn)
    assert page.locator(".stacked td[data-head=Passed]").count() == len(protocol.criteria)
    assert page.locator(".stacked").evaluate("(table) => table.scrollWidth <= table.parentElement.clientWidth")


def test_no_text_of_the_explorer_of_a_report_lies_on_another(page, counts, tmp_path):
    file = tmp_path / "report.html"
    style = "<meta name=viewport content=width=device-width><style>body { margin: 0 14px; }</style>"
    file.write_text(style + figures.portable_explorer(counts(5)), "utf-8")
    page.goto(file.as_uri())
    assert misplaced(page) == {}
