"""A lesson in JupyterLab by keyboard, as somebody who writes no code takes it: buttons, a box, one wrong answer."""

import nbformat
import pytest
from playwright.sync_api import expect

from ui.waits import await_true


@pytest.fixture(scope="module")
def page(notebook, project):
    cells = ["from trialtools.lessons import ask", 'ask("2.1")', 'ask("2.5")']
    asked = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    asked.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    for n, cell in enumerate(asked.cells):
        cell.id = f"c{n}"
    nbformat.write(asked, project / "notebooks" / "lessons" / "asked.ipynb")
    with notebook("lessons/asked.ipynb", "c2") as page:
        await_true(page, "document.querySelector('[placeholder=\"your answer, then Enter\"]')?.checkVisibility()")
        yield page


def test_a_question_is_answered_by_buttons_and_by_a_box(page, browser):
    page.get_by_role("button", name="true", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("That takes missing for normal.")).to_be_visible()
    page.get_by_role("button", name="true", exact=True).focus()
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Unknown is not a weak no.")).to_be_visible()
    page.get_by_placeholder("your answer, then Enter").focus()
    page.keyboard.type("spo2 < 93 or missing(spo2)")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You say false; it should be true.")).to_be_visible()
    expect(page.get_by_text("One step nearer")).to_be_visible()
    assert page.complaints == [] and browser.outside == []
