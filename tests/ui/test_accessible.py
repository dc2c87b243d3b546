"""Every screen, light and dark, as axe-core sees it: nothing serious; and words that stand out from their ground."""

import pytest
from conftest import find_component
from ui.bench import Bench

import trialtools as tt
from trialtools.widgets import desk, explorer, panels, randomization


@pytest.fixture(scope="module")
def axe():
    return find_component("axe").read_text("utf-8")


@pytest.fixture(scope="module")
def patients(root, protocol):
    return tt.read_patients(root / "data" / "cohort" / "cohort.csv", protocol)


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


def explorer_in_use(protocol, patients, tab="flow"):
    screen = explorer(protocol, patients)
    wishes = [
        {"ask": "off", "criterion": "I2", "on": False},
        {"ask": "threshold", "threshold": "I1.upper", "text": "x"},
    ]
    for n, wish in enumerate([*wishes, {"ask": "tab", "tab": tab}], 1):
        screen._receive(None, {"view": "a", "n": n, **wish}, [])
    return screen


def laboratory_in_use(protocol, patients):
    screen = randomization(protocol)
    screen.play(["mscs", "comparator"])
    return screen


SCREENS = {
    "desk": desk_in_use,
    "laboratory": laboratory_in_use,
    **{f"explorer {tab}": lambda *given, tab=tab: explorer_in_use(*given, tab) for tab in panels.PANELS},
}
SERIOUS = """async () => {
  const { violations } = await axe.run(".tt", { resultTypes: ["violations"] });
  const told = (node) => node.html.slice(0, 160) + " " + node.failureSummary;
  return violations.filter((each) => ["serious", "critical"].includes(each.impact))
    .map((each) => each.id + ": " + each.nodes.slice(0, 3).map(told).join(" | "));
}"""
DRESS = "theme => document.querySelectorAll('.tt').forEach((root) => { root.dataset.theme = theme; })"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", SCREENS)
def test_axe_finds_nothing_serious(page, axe, protocol, patients, name, theme):
    bench = Bench(page, SCREENS[name](protocol, patients)).show()
    bench.rest()
    page.evaluate(DRESS, theme)
    page.evaluate(axe)
    assert page.evaluate(SERIOUS) == []
