"""The randomization laboratory in JupyterLab and as a page, by keyboard: guess, see the score, compare."""

import re

import pytest
from playwright.sync_api import expect

from trialtools.arms import laboratory, plan
from ui.waits import await_shown

expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def page(opened):
    with opened("04_arms.ipynb", "laboratory", "Open the laboratory", ".tt-laboratory", n=24) as page:
        board = page.locator(".tt-laboratory")
        await_shown(page, ".tt-laboratory h4", "Patient 1 of 24")
        board.scroll_into_view_if_needed()
        yield page


@pytest.fixture
def board(page):
    board = page.locator(".tt-laboratory")
    board.get_by_label("Procedure", exact=True).select_option("complete")
    board.get_by_label("Procedure", exact=True).select_option("permuted_blocks")
    expect(board.get_by_label("sizes")).to_have_value("4, 6")
    board.get_by_label("Lists").select_option("")
    board.get_by_label("Seed").fill("1")
    board.get_by_role("tab", name="Balance").click()
    board.get_by_role("button", name="Start again").press("Enter")
    expect(board.locator("h4")).to_contain_text("Patient 1 of 24")
    expect(board).to_have_attribute("data-state", "settled")
    return board


@pytest.fixture(scope="module")
def dealt(protocol):
    made = plan(protocol, "permuted_blocks", strata=())
    return made, laboratory.simulate_allocation(made, laboratory.sample_strata(protocol, (), 24, 1), 1)


def test_letters_guess_and_the_result_is_told(page, board, dealt):
    made, known = dealt
    cells = page.locator(".jp-Cell").count()
    board.get_by_role("button", name="A \N{BLACK CIRCLE}").focus()
    for letter, done in (("a", 1), ("b", 2), ("b", 3)):
        page.keyboard.press(letter)
        expect(board.locator("li")).to_have_count(done)
    scored = laboratory.score_guesses(made, known, [made.arms[0], made.arms[1], made.arms[1]])
    last = scored.iloc[-1]
    guess = f"You guessed B \N{BLACK DIAMOND} Comparator group: {'right' if last['right'] else 'wrong'}"
    expect(board.locator(".result")).to_contain_text(guess)
    expect(board).to_contain_text(f"{last['hits']} of 3 guesses right")
    letters = "".join("AB"[made.arms.index(arm)] for arm in scored["arm"])
    assert [text[0] for text in board.locator("li").all_inner_texts()] == list(letters)
    assert page.locator(".jp-Cell").count() == cells, "letters are the laboratory's, not JupyterLab's"


def test_what_can_be_known_is_what_code_says(page, board, dealt):
    made, known = dealt
    board.get_by_role("button", name="Deal without a guess").press("Enter")
    board.get_by_label("Show what can be known").press("Space")
    chance = f"{100 * known[f'chance_{made.arms[0]}'].iloc[1]:.0f} %"
    expect(board.locator(".chance").first).to_contain_text(chance)
    board.get_by_label("Show what can be known").press("Space")
    expect(board.locator(".chances")).to_be_hidden()


def test_the_figure_follows_and_tabs_show_theirs(page, board):
    drawing = board.locator(".drawing")
    expect(drawing).to_have_attribute("aria-label", "Nobody is allocated yet.")
    board.get_by_role("button", name="All the rest").press("Enter")
    expect(board.locator("h4")).to_contain_text("All 24 patients are allocated")
    expect(drawing.locator(".main-svg").first).to_be_visible()
    expect(drawing).to_have_attribute("aria-label", re.compile("^After 24 patients: MSCs group 1"))
    board.get_by_role("tab", name="Procedures compared").press("Enter")
    expect(board.get_by_role("tab", name="Procedures compared")).to_have_attribute("aria-selected", "true")
    expect(board.get_by_role("table")).to_contain_text("minimization")


def test_a_list_can_be_watched(page, board):
    if "/voila/render/app/" in page.url:
        pytest.skip("its clock is the same script's; to watch takes seconds")
    board.get_by_role("button", name="Watch").press("Enter")
    expect(board.locator("li").nth(1)).to_be_visible()
    board.get_by_role("button", name="Stop").press("Enter")
    expect(board.get_by_role("button", name="Watch")).to_be_visible()


def test_strata_have_lists_of_their_own_and_a_bad_option_is_told(page, board):
    board.get_by_label("Lists").select_option("yes")
    expect(board.locator("h4")).to_contain_text("age > 65")
    board.get_by_role("button", name="All the rest").press("Enter")
    expect(board.locator("ol").nth(1)).to_be_visible()
    board.get_by_label("sizes").fill("3")
    expect(board.locator(".error")).to_contain_text("cannot hold the ratio")
    board.get_by_label("sizes").fill("2")
    expect(board.locator(".error")).to_be_empty()
    expect(board.locator("h4")).to_contain_text("Patient 1 of 24")


def test_nothing_was_asked_of_others_and_nothing_complained(browser, page):
    # plotly's renderer of plain figures looks for a cell to write to, which a page has not; it is drawn
    complaints = [each for each in page.complaints if "setData is not a function" not in each]
    assert not browser.outside and not complaints
