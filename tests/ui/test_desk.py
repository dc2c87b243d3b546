"""The screening desk in JupyterLab, by keyboard alone, in a Chromium that reaches nothing but this machine.

Its kernel is killed at the end, and one behind its page of the app.
"""

import csv
import re

import pytest
from playwright.sync_api import expect

from ui.bench import HERE
from ui.waits import await_shown

expect.set_options(timeout=20_000)

UNNAMED = """(desk) => [...desk.querySelectorAll('input, select, button')]
  .filter((each) => !each.labels?.length && !each.getAttribute('aria-label') && !each.textContent.trim())
  .map((each) => each.outerHTML)"""


@pytest.fixture(scope="module")
def page(notebook):
    """The screening notebook, down to its desk, after Run All; whatever the console complained of is kept."""
    with notebook("01_screening.ipynb", "desk") as page:
        desk = page.locator(".tt-desk")
        await_shown(page, ".tt-desk .roster", "2,000 of 2,000 patients")
        expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
        desk.scroll_into_view_if_needed()
        yield page


@pytest.fixture
def desk(page):
    """The desk with an empty card."""
    desk = page.locator(".tt-desk")
    desk.get_by_role("button", name="New patient").press("Enter")
    expect(desk).to_have_attribute("data-state", "settled")
    expect(desk.locator(".verdict")).to_contain_text("0 passed")
    return desk


def rate(desk):
    return desk.get_by_label("Respiratory rate at rest")


def row(desk, criterion):
    return desk.locator(f"details[data-criterion={criterion}]")


def test_a_key_turns_pass_to_fail_and_the_tree_with_it(page, desk):
    rate(desk).focus()
    page.keyboard.type("22")
    expect(row(desk, "I6")).to_have_class("pass")
    expect(desk.locator(".verdict")).to_contain_text("Not decided yet")
    page.keyboard.press("Control+a")
    page.keyboard.type("35")
    expect(row(desk, "I6")).to_have_class("fail")
    expect(row(desk, "I6")).to_have_attribute("open", "")
    expect(row(desk, "I6")).to_contain_text("35/min")
    expect(desk.locator(".verdict")).to_contain_text("Not eligible: I6 fails")
    expect(desk.locator(".verdict")).to_contain_text("1 failed")
    expect(desk.locator(".advice")).to_contain_text("Respiratory rate at rest: 29/min (now 35/min)")
    assert rate(desk).evaluate("box => box === document.activeElement"), "typing must not lose the focus"


def test_what_is_impossible_says_so_and_counts_as_not_known(page, desk):
    rate(desk).focus()
    page.keyboard.type("999")
    expect(desk.locator("[data-field=respiratory_rate] .remark")).to_have_text(
        "999 is outside 4 to 80, read as not known"
    )
    expect(rate(desk)).to_have_attribute("aria-invalid", "true")
    expect(rate(desk)).to_have_value("999")
    expect(row(desk, "I6")).to_have_class("unknown")


def test_tab_walks_the_card_in_reading_order_and_buttons_take_keys(page, desk):
    desk.get_by_label("Age at screening").focus()
    page.keyboard.type("71")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")  # from not known to male, as in any row of buttons
    expect(desk.locator("[data-field=pregnant]")).to_contain_text("does not apply")
    expect(desk.get_by_role("radiogroup", name="Pregnant").get_by_role("radio").first).to_be_disabled()
    page.keyboard.press("f")
    expect(desk.locator("[data-field=pregnant]")).not_to_contain_text("does not apply")
    page.keyboard.press("Tab")
    assert rate(desk).evaluate("box => box === document.activeElement")
    assert desk.evaluate(UNNAMED) == [], "every control has a name"


def test_a_patient_of_the_table_and_another_reading(page, desk):
    chosen = desk.get_by_label("Patient", exact=True)
    chosen.focus()
    page.keyboard.type("P-000003")
    page.keyboard.press("Enter")
    expect(desk.locator(".verdict .who")).to_contain_text("P-000003")
    expect(row(desk, "I6")).to_have_class("fail")
    desk.locator(".readings > summary").press("Enter")
    desk.get_by_label("I6 Respiratory rate", exact=True).focus()
    page.keyboard.press("ArrowDown")
    expect(row(desk, "I6")).to_have_class("pass")
    expect(desk.locator(".readings > summary")).to_contain_text("I6 as “registered”")
    desk.get_by_role("button", name="Reset").press("Enter")
    expect(row(desk, "I6")).to_have_class("fail")
    desk.locator(".readings > summary").press("Enter")


def test_the_file_holds_what_is_filtered_and_lies_nowhere_here(page, desk, project):
    desk.get_by_label("Decision", exact=True).select_option("eligible")
    expect(desk.locator(".roster")).to_contain_text("51 of 2,000 patients")
    with page.expect_download() as download:
        desk.get_by_role("button", name="Save as a file").press("Enter")
    assert download.value.suggested_filename == "decisions.csv"
    rows = list(csv.DictReader(download.value.path().read_text("utf-8").splitlines()))
    assert len(rows) == 51 and {each["decision"] for each in rows} == {"eligible"}
    assert not list(project.rglob("decisions.csv"))
    desk.get_by_label("Decision", exact=True).select_option("")


def open_file(desk, name, content):
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    desk.locator(".top input[type=file]").set_input_files(file)


def test_a_file_that_is_no_table_is_told_in_plain_words(page, desk):
    open_file(desk, "visits.parquet", b"not a table")
    expect(desk.locator(".draft")).to_contain_text("visits.parquet cannot be read")
    expect(desk.locator(".roster")).to_contain_text("2,000 of 2,000 patients")
    desk.get_by_role("button", name="Close").press("Enter")
    expect(desk.locator(".draft")).to_be_hidden()


def test_everything_is_read_in_the_dark(page, desk):
    desk.get_by_label("Patient", exact=True).fill("P-000003")
    desk.get_by_label("Patient", exact=True).press("Enter")
    expect(desk.locator(".verdict .who")).to_contain_text("P-000003")
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
        page.wait_for_function("dark => document.body.dataset.jpThemeLight === String(!dark)", arg="Dark" in theme)
        (worst, text), *_ = desk.evaluate((HERE / "contrast.js").read_text("utf-8"))
        assert worst >= 4.5, f"{text} in {theme}"


def test_nothing_left_this_machine_and_nothing_broke(page, desk, browser, tmp_path):
    rate(desk).focus()
    page.keyboard.type("22")
    desk.screenshot(path=tmp_path / "desk.png")
    assert not browser.outside
    assert not page.complaints


def lose_the_kernel(desk, server):
    """No verdict stands as if somebody had checked it once the kernel is killed."""
    await_shown(desk.page, ".tt-desk[data-state=settled]")
    age = desk.get_by_label("Age at screening")
    age.press_sequentially("90")
    expect(desk.locator(".verdict")).to_contain_text("Not eligible: I1 fails")
    running = server.kernels.values()  # all: JupyterLab may have opened the notebook on an earlier one
    for kernel in running:
        kernel.suspend()  # the key is pressed before JupyterLab's own message about the dead kernel takes the keyboard
    age.press("Backspace")
    expect(desk).to_have_attribute("data-state", re.compile("pending|slow"))
    for kernel in running:
        kernel.kill()
    await_shown(desk.page, ".tt-desk .verdict", "Not connected: reload this page")
    expect(desk.locator(".rest")).to_be_hidden()
    expect(age).to_have_value("9")


def test_a_killed_kernel_takes_the_verdict_with_it(desk, lab):
    lose_the_kernel(desk, lab)


def test_a_killed_kernel_behind_a_page_takes_the_verdict_with_it(task, app):
    with task("Open the screening desk", ".tt-desk") as page:
        lose_the_kernel(page.locator(".tt-desk"), app)
