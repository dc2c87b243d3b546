"""The quiz and the lessons as a learner has them without Jupyter: by keyboard, on a phone, with no request outside."""

import functools
import http.server
import re
import threading

import pytest
from conftest import find_component

from trialtools.lessons import lessons
from trialtools.lessons.pages import paper, site
from trialtools.lessons.pages.quiz import BEFORE, quiz_page
from ui.axe import THEMES, serious

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


@pytest.fixture(scope="module")
def folder(items, tmp_path_factory):
    """What the server serves: the quiz; a test that has the engine puts the lessons beside it."""
    place = tmp_path_factory.mktemp("lessons")
    (place / "quiz.html").write_text(quiz_page(items), "utf-8")
    return place


@pytest.fixture(scope="module")
def address(folder):
    handler = functools.partial(Quiet, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def page(browser):
    page = browser.new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    browser.outside.clear()
    yield page
    assert (page.complaints, browser.outside) == ([], [])
    page.close()


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def test_the_quiz_is_answered_by_keyboard_on_a_phone(page, address, items):
    from playwright.sync_api import expect

    page.set_viewport_size(PHONE)
    page.goto(f"{address}/quiz.html")
    assert fits(page)
    press(page, *["Tab"] * 4, "Enter")  # past the three ways to use it, to the first option
    first = page.locator(".item").first
    expect(first.locator(".say")).to_have_text(f"✗ Not so. {items[0].options[0][1]}")
    press(page, "ArrowDown", "ArrowDown", "Enter")
    expect(first.locator(".say")).to_have_text(f"✓ Right. {items[0].evidence}")
    expect(page.locator("#bar")).to_have_text("0 of 12 right at the first try")
    page.locator(".item").nth(1).locator("button").first.focus()
    press(page, "b")
    expect(page.locator("#bar")).to_have_text("1 of 12 right at the first try")
    assert fits(page)


def test_before_and_after_are_handed_in_and_counted(page, address, items):
    from playwright.sync_api import expect

    key = "".join("abcd"[item.right] for item in items)
    page.goto(f"{address}/quiz.html#before")
    expect(page.locator(".item:visible")).to_have_count(BEFORE)
    page.locator(".item").first.locator("button").first.click()
    expect(page.locator(".item .say:visible")).to_have_count(0)  # before the course nothing is given away
    page.get_by_role("button", name="I am done").click()
    expect(page.locator("#line")).to_contain_text("Write a word of your own first")
    page.get_by_label("A word of your own").fill("kestrel")
    page.get_by_role("button", name="I am done").click()
    expect(page.locator("#line")).to_contain_text("before kestrel a-----")
    page.get_by_role("button", name="After the course").click()
    for item, letter in zip(page.locator(".item").all(), key, strict=True):
        item.locator("button").nth("abcd".index(letter)).click()
    page.get_by_role("button", name="I am done").click()
    expect(page.locator("#line")).to_contain_text(f"after kestrel {key}")
    expect(page.locator(".item .say", has_text="✓ Right.")).to_have_count(12)
    page.get_by_text("For the lecturer").click()
    wrong = key.replace(key[8], "a" if key[8] != "a" else "b")
    lines = [
        "before kestrel a-----",
        f"after kestrel {key}",
        f"AFTER owl {wrong}",
        "after owl",
        f"before kestrel {key}",
    ]
    page.get_by_label("Lines handed in").fill("\n".join(lines))
    sheet = page.locator("#sheet")
    expect(sheet).to_contain_text("In both, before and after: 1.")
    expect(sheet).to_contain_text(f"Not understood, and not counted: 2. after owl | before kestrel {key}")
    cells = sheet.locator("tbody tr").first.locator("td")
    expect(cells).to_have_text(["1", key[0], "0 of 1", "2 of 2", "1", "0", ""])
    expect(sheet.locator("tbody tr").nth(8)).to_contain_text(items[8].options["abcd".index(wrong[8])][1])


def test_axe_finds_nothing_serious_in_the_quiz(page, address):
    axe = find_component("axe").read_text("utf-8")
    page.goto(f"{address}/quiz.html")
    page.locator(".item button").first.click()
    page.evaluate(axe + ";")
    assert serious_by_theme(page) == {"light": [], "dark": []}


def serious_by_theme(page):
    found = {}
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        found[theme] = serious(page, "html", theme)
    return found


def test_paper_has_the_pages_that_it_promises(page, items):
    """A hand-out of a lesson has three, the quiz and its key have two each."""
    sheets = dict(paper.sheets(items))
    assert len(sheets) == len(lessons()) + 2
    for name, sheet in sheets.items():
        page.set_content(sheet)
        printed = page.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) == (3 if name.startswith("lesson") else 2), name


def test_a_wrong_and_a_right_answer_in_a_browser_that_has_nothing_else(page, address, folder, monkeypatch):
    """The engine runs in the page; by keyboard, at the width of a phone, and asks for nothing outside of the folder."""
    from playwright.sync_api import expect

    engine = find_component("engine").parent
    monkeypatch.setattr(site, "quiz", lambda: ())
    site.write_site(folder / "page", engine)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.set_viewport_size(PHONE)
    page.goto(f"{address}/page/#lesson-2")
    expect(page.locator("#state")).to_contain_text("The engine is ready", timeout=120_000)
    question = page.locator("[data-id='2.5']")
    question.locator("input").focus()
    page.keyboard.type("spo2 <= 93")
    press(page, "Enter")
    reply = question.locator(".reply")
    expect(reply).to_contain_text("✗ Not yet.", timeout=60_000)
    expect(reply).to_contain_text("Oxygen saturation at rest, finger oximeter: not known")
    page.keyboard.type(" or missing(spo2)")
    press(page, "Enter")
    expect(reply).to_contain_text("✓ Right.", timeout=60_000)
    expect(page.locator("#lesson-2 .done")).to_have_text(re.compile(r"1 of \d+ right so far"))
    count = page.locator("[data-id='2.10']")
    count.locator("input").fill("350")
    press(page, "Tab", "Enter")
    expect(count.locator(".reply")).to_contain_text("✗ Not yet.", timeout=60_000)
    page.goto(f"{address}/page/#lesson-4")
    found = page.locator("[data-id='4.6']")
    found.locator("input").fill("I3")
    press(page, "Enter")
    expect(found.locator(".reply")).to_contain_text("✓ Right.", timeout=60_000)
    assert fits(page)
    page.evaluate(find_component("axe").read_text("utf-8") + ";")
    assert serious_by_theme(page) == {"light": [], "dark": []}
    assert requests and all(url.startswith((f"{address}/page/", "data:")) for url in requests), requests
