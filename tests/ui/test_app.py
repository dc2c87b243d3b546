"""`make app`: a front page, pages to read, and what a page says that cannot be made or did not come whole.

That a task opens on its screen, asks nobody and ends its kernel is held where the screen is tested (`task`).
"""

import urllib.request

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import expect

from ui.waits import await_shown, await_true


@pytest.fixture(scope="module")
def broken(project):
    """A page that names a file which is not there."""
    text = (project / "notebooks/app/desk.ipynb").read_text("utf-8").replace("cohort.csv", "nowhere.csv")
    (project / "notebooks/app/broken.ipynb").write_text(text, "utf-8")
    return "/voila/render/app/broken.ipynb?"


@pytest.fixture(scope="module")
def small(project):
    """A page with a widget as screens are, of which the kernel has little to do."""
    cells = [
        new_code_cell("import ipywidgets"),
        new_code_cell("ipywidgets.Button(description='Here it is').add_class('tt')"),
    ]
    notebook = new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    nbformat.write(notebook, project / "notebooks/app/small.ipynb")
    return "/voila/render/app/small.ipynb?"


def test_a_page_that_cannot_be_made_says_what_to_do(home, app, broken):
    home.goto(app.address.replace("/?", broken))
    trouble = home.locator(".page-trouble")
    await_shown(home, ".page-trouble")
    expect(trouble).to_contain_text("This page could not be made")
    expect(trouble).to_contain_text("nowhere.csv does not exist")
    home.get_by_role("link", name="trialtools").click()
    expect(home.get_by_role("heading", level=1)).to_have_text("What would you like to do?")


def test_a_page_that_did_not_come_whole_says_so_and_is_loaded_again(home, app, small):
    """Until then it says that it is being opened: a part that is lost on its way leaves nothing blank."""
    home.route("**/voila/static/voila.js*", lambda route: route.abort())
    home.goto(app.address.replace("/?", small))
    await_shown(home, "[role=alert]")
    expect(home.get_by_role("alert")).to_contain_text("This page did not come whole")
    home.unroute_all()
    home.get_by_role("button", name="Load it again").click()
    await_shown(home, ".tt", "Here it is")
    expect(home.get_by_role("button", name="Here it is")).to_be_visible()
    expect(home.locator(".page-wait:visible")).to_have_count(0)


def test_a_page_to_read_has_its_figures_and_asks_nobody(browser, home):
    home.get_by_role("link", name="How one sentence is read").click()
    await_true(home, "document.querySelector('.main-svg')?.checkVisibility()")
    assert not home.complaints and not browser.outside


def test_the_front_page_fits_a_phone(home):
    home.set_viewport_size({"width": 390, "height": 800})
    assert home.evaluate("document.documentElement.scrollWidth") <= 390
    home.set_viewport_size({"width": 1440, "height": 1000})


def test_without_the_token_no_page_is_served(app):
    path = app.address.split("?")[0] + "voila/render/03_cohort_explorer.ipynb"
    with urllib.request.urlopen(path, timeout=20) as answer:
        assert "login" in answer.url
        text = answer.read()
    assert b"tt-explorer" not in text and b"Who could enter" not in text
