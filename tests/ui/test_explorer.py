"""The cohort explorer in JupyterLab and as a page, by keyboard, in a Chromium that reaches nothing but this machine."""

import pytest
from playwright.sync_api import expect

import trialtools as tt
from ui.waits import await_shown

expect.set_options(timeout=20_000)
# Counts how often what was drawn of an earlier state has been drawn anew.
REDRAWN = """(root) => {
  window.redrawn = 0;
  const anew = ({ oldValue, target }) => oldValue?.includes('stale') && !target.classList.contains('stale');
  new MutationObserver((all) => { window.redrawn += all.filter(anew).length; })
    .observe(root, { subtree: true, attributes: true, attributeFilter: ['class'], attributeOldValue: true });
}"""


@pytest.fixture(scope="module")
def page(opened):
    with opened("03_cohort_explorer.ipynb", "explorer", "Open the cohort explorer", ".tt-explorer") as page:
        explorer = page.locator(".tt-explorer")
        await_shown(page, ".tt-explorer[data-state=settled]")
        explorer.scroll_into_view_if_needed()
        yield page


@pytest.fixture
def explorer(page):
    explorer = page.locator(".tt-explorer")
    explorer.get_by_role("button", name="Back to the protocol").press("Enter")
    expect(explorer.locator(".criterion.changed")).to_have_count(0)
    expect(explorer).to_have_attribute("data-state", "settled")
    return explorer


def sentence(screening):
    return f"At least {screening.certain:,} and at most {screening.possible:,} of {screening.n:,} patients are eligible"


def upper(explorer):
    return explorer.locator("[data-criterion=I1] .limit input[type=text]").nth(1)


def test_a_threshold_moved_by_keyboard_moves_counts_and_figure(page, explorer, protocol, patients):
    before = tt.screen(protocol, patients)
    expect(explorer.locator(".headline")).to_have_text(sentence(before))
    figure = explorer.locator(".bars").inner_text()
    upper(explorer).focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("60")
    after = tt.what_if(protocol, patients, thresholds={"I1.upper": 60})
    expect(explorer.locator(".headline")).to_have_text(sentence(after))
    expect(explorer.locator(".bars")).not_to_have_text(figure, use_inner_text=True)
    expect(explorer.locator("[data-criterion=I1]")).to_contain_text("changed")
    assert upper(explorer).evaluate("box => box === document.activeElement"), "typing must not lose the focus"
    explorer.get_by_role("button", name="Put I1 back").press("Enter")
    expect(explorer.locator(".headline")).to_have_text(sentence(before))


def test_a_bad_expression_shows_its_caret_and_the_last_good_state_stays(page, explorer, protocol, patients):
    row = explorer.locator("[data-criterion=E1]")
    row.locator("summary").press("Enter")
    text = row.get_by_label("E1 in the language of criteria")
    text.fill("spo2 < 90")
    good = sentence(tt.what_if(protocol, patients, texts={"E1": "spo2 < 90"}))
    expect(explorer.locator(".headline")).to_have_text(good)
    text.fill("spo2 < 90 and agee > 3")
    expect(row.locator(".error")).to_contain_text("did you mean 'age'")
    expect(row.locator(".error")).to_contain_text("^^^^")
    expect(explorer.locator(".headline")).to_have_text(good)
    row.locator("summary").press("Enter")


def test_the_copied_yaml_screens_what_is_shown(page, explorer, protocol, patients, root, tmp_path):
    explorer.locator("[data-criterion=I8] input[type=checkbox]").press("Space")
    expect(explorer.locator("[data-criterion=I8]")).to_contain_text("off")
    explorer.get_by_role("button", name="Copy as a protocol file").press("Enter")
    copied = explorer.get_by_label("Text to copy")
    expect(copied).to_be_visible()
    (tmp_path / "registry").symlink_to(root / "data/registry")
    (tmp_path / "protocols").mkdir()
    file = tmp_path / "protocols" / "copied.yaml"
    file.write_text(copied.input_value(), "utf-8")
    screening = tt.screen(tt.load_protocol(file), patients)
    expect(explorer.locator(".headline")).to_have_text(sentence(screening))


def test_tabs_show_their_figures_and_each_follows_a_key(page, explorer):
    explorer.evaluate(REDRAWN)
    tabs = [
        ("What costs patients", "Each criterion", ".drawing .main-svg"),
        ("What is not known", "Facts", ".drawing .main-svg"),
        ("Who is left", "Step by step", ".bars td.bar"),
    ]
    for question, tab, drawn in tabs:
        explorer.get_by_role("tab", name=question).press("Enter")
        expect(explorer.get_by_role("tab", name=question)).to_have_attribute("aria-selected", "true")
        expect(explorer.get_by_role("button", name=tab, exact=True)).to_have_attribute("aria-current", "true")
        expect(explorer.locator(drawn).first).to_be_visible()
        page.evaluate("window.redrawn = 0")
        upper(explorer).press("ArrowDown")
        page.wait_for_function("window.redrawn")
    assert not page.complaints


def test_a_limit_that_is_no_number_is_told(page, explorer, protocol, patients):
    row = explorer.locator("[data-criterion=I1]")
    for text, why in (("", "no number is typed"), ("abc", "'abc' is not a number"), ("999", "is outside 0 to 120")):
        upper(explorer).fill(text)
        expect(row.locator(".error")).to_contain_text(f"{why}; 85 stays" if text != "999" else why)
        expect(upper(explorer)).to_have_attribute("aria-invalid", "true")
        assert row.get_by_label("slider").nth(1).input_value() == "85"
        expect(explorer.locator(".headline")).to_have_text(sentence(tt.screen(protocol, patients)))
    row.get_by_role("button", name="Put I1 back").press("Enter")
    expect(upper(explorer)).to_have_value("85")


def test_two_views_follow_each_other(page, explorer, protocol, patients):
    if "/voila/render/app/" in page.url:
        pytest.skip("a page has one view of each output")
    output = page.locator(".jp-OutputArea", has=page.locator(".tt-explorer")).first
    output.click(button="right", position={"x": 4, "y": 4})
    page.get_by_text("Create New View for Cell Output").click()
    other = page.locator(".jp-MainAreaWidget .jp-LinkedOutputView .tt-explorer")
    await_shown(page, ".jp-LinkedOutputView .tt-explorer[data-state=settled]")
    other.locator("[data-criterion=I8] input[type=checkbox]").press("Space")
    after = sentence(tt.what_if(protocol, patients, off=["I8"]))
    first = page.locator(".jp-Notebook .tt-explorer")
    for view in (other, first):
        expect(view.locator(".headline")).to_have_text(after)
        expect(view.locator("[data-criterion=I8]")).to_contain_text("off")
    both = sentence(tt.what_if(protocol, patients, off=["I8", "I2"]))
    first.locator("[data-criterion=I2] input[type=checkbox]").press("Space")
    for view in (other, first):
        expect(view.locator(".headline")).to_have_text(both)


def test_nothing_but_this_machine_was_asked(browser, page):
    assert not browser.outside
