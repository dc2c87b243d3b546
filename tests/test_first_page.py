"""Page 1: every sentence in one file that a person reads, and its words held against the numbers of simulated looks."""

import re
import subprocess
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from test_monitoring import declared, look_of, people
from test_report import MANIFEST

from trialtools.interim.frames.effect import Effect
from trialtools.interim.frames.first_page import SECTIONS
from trialtools.interim.frames.statements import Comparison, lead_of, lines_of
from trialtools.interim.sequential.estimates import risk_difference
from trialtools.report.browser import print_pdf
from trialtools.report.page import page

GOLDEN = Path(__file__).parent / "golden" / "interim_sentences.txt"
DOSES = ("mscs", "low", "high")
"""Arms of a trial of doses."""
COMMITTEES = re.compile(r"\b(continue|stop the trial|should|recommend that|modify)\b", re.IGNORECASE)


def collected(experimental, control, events, serious=(0, 0), deaths=(0, 0), **more):
    """A trial whose safety was collected: so many of each arm, the last ones, have a serious event, or died."""
    tables = people(experimental, control, events, **more)
    ids, end = tables["subjects"]["subject_id"], experimental + control
    last = {"serious": serious, "died": deaths}
    who = {what: [*ids[experimental - n : experimental], *ids[end - m :]] for what, (n, m) in last.items()}
    hit = who["serious"] or ids[:1]
    tables["events"] = {"subject_id": hit, "started_on": ["2023-03-02"] * len(hit), "term": ["Fever"] * len(hit)}
    tables["events"] |= {"serious": ["true" if who["serious"] else "false"] * len(hit)}
    died = who["died"] or ids[:1]
    tables["disposition"] = {"subject_id": died, "happened_on": ["2023-05-20"] * len(died)}
    tables["disposition"] |= {"milestone": ["died" if who["died"] else "completed"] * len(died)}
    return tables


def wanted(protocol):
    value = {"name": "recovery", "kind": "binary", "day": 28, "better": "higher"}
    value |= {"verb": "recover", "past": "recovered"}
    rates = {"control_rate": 0.6, "experimental_rate": 0.75}
    return declared(protocol, endpoint=value, estimand={"death": "composite"}, **rates)


def recoveries(tables):
    names = tables["outcomes"]["endpoint"]
    return tables | {"outcomes": tables["outcomes"] | {"endpoint": ["recovery"] * len(names)}}


def situations(protocol):
    """By name, a look."""
    harm, futile = declared(protocol, harm={"nominal": 0.02}), declared(protocol, futility=[0.5, 0.9])
    first, last = protocol.arms
    three = replace(protocol, arms=(first, replace(first, id="low", label="Low dose"), last))
    three = declared(three, ratio={"mscs": 1, "low": 1, "comparator": 1})
    arms = collected(60, 60, (3, 9), (9, 2))
    arms["subjects"]["arm"] = ["mscs"] * 40 + ["low"] * 40 + ["comparator"] * 40
    early = collected(65, 65, (1, 4))
    early["subjects"]["randomized_on"] = ["2023-06-20"] * 20 + ["2023-03-01"] * 110
    early["outcomes"]["observed_on"][0] = "2023-06-25"
    yield "not crossed", look_of(collected(65, 65, (4, 9), (6, 7), (1, 2)), protocol, 2)
    yield "crossed", look_of(collected(65, 65, (2, 15), (6, 7)), protocol, 2)
    yield "crossed at the last look", look_of(collected(100, 100, (4, 15)), protocol, 3)
    yield "not crossed at the last look", look_of(collected(100, 100, (10, 12)), protocol, 3)
    yield "so early that no z is enough", look_of(collected(2, 2, (0, 1)), protocol, 1)
    yield "as many in both arms", look_of(collected(65, 65, (6, 6)), protocol, 2)
    yield "nobody had the event", look_of(collected(65, 65, (0, 0)), protocol, 2)
    yield "arms of unequal size", look_of(collected(90, 40, (9, 6)), protocol, 2)
    yield "some outcomes still to come", look_of(early, protocol, 1)
    yield "below zero", look_of(collected(65, 65, (9, 7)), protocol, 2)
    yield "towards harm", look_of(collected(65, 65, (20, 9), (22, 9)), protocol, 2)
    yield "towards harm at the last look", look_of(collected(100, 100, (30, 12), (0, 0), (20, 2)), protocol, 3)
    yield "more harm in spite of benefit", look_of(collected(65, 65, (2, 9), (25, 6)), protocol, 2)
    yield "a declared boundary for harm, crossed", look_of(collected(65, 65, (22, 9)), harm, 2)
    yield "a declared boundary for harm, not crossed", look_of(collected(65, 65, (9, 7)), harm, 2)
    yield "futility", look_of(collected(65, 65, (8, 9)), futile, 2)
    inferior = declared(protocol, hypothesis="non-inferiority", margin=0.15)
    yield "non-inferiority, crossed", look_of(collected(65, 65, (6, 8)), inferior, 2)
    yield "non-inferiority, not crossed", look_of(collected(65, 65, (12, 9)), inferior, 2)
    yield "non-inferiority, towards harm", look_of(collected(65, 65, (24, 9)), inferior, 2)
    yield "two-sided, crossed for harm", look_of(collected(65, 65, (22, 7)), declared(protocol, sides=2, alpha=0.05), 2)
    yield "safety not collected", look_of(people(65, 65, (4, 9)), protocol, 2)
    yield "safety not collected, towards harm", look_of(people(65, 65, (20, 9)), protocol, 2)
    yield "a wanted endpoint", look_of(recoveries(collected(65, 65, (50, 41))), wanted(protocol), 2)
    yield "a wanted endpoint, towards harm", look_of(recoveries(collected(65, 65, (30, 48))), wanted(protocol), 2)
    yield "three arms", look_of(arms, three, 2)
    yield "three arms that share alpha", look_of(arms, declared(three, multiplicity="Dunnett"), 2)
    long = [replace(first, id=dose, label=f"{dose.capitalize()} at 1.5 million cells per kg") for dose in DOSES]
    four = replace(protocol, arms=(*long, last))
    four = declared(four, ratio=dict.fromkeys([*DOSES, "comparator"], 1), multiplicity="Bonferroni", sample_size=400)
    arms = collected(150, 50, (0, 9), serious=(22, 1))
    arms["subjects"]["arm"] = [dose for dose in [*DOSES, "comparator"] for _ in range(50)]
    arms["outcomes"]["value"][:12] = ["1"] * 12
    yield "four arms with long names", look_of(arms, four, 2)
    yield "one site", replace(look_of(collected(65, 65, (4, 9)), protocol, 2), site="A")
    for name, tables in (
        ("open", collected(65, 65, (4, 9), (6, 7), (1, 2))),
        ("open, nothing collected", people(9, 9)),
    ):
        yield name, look_of(tables, protocol, 2, closed=False)
    yield "open, done", look_of(collected(100, 100, (4, 9)), protocol, 3, closed=False)
    yield "open, one site", replace(look_of(collected(65, 65, (4, 9)), protocol, 2, closed=False), site="A")


def as_text(name, page):
    lines = [f"{term}: {text}" for term, text in page.lines]
    rows = [" | ".join([row.label, *row.cells, *row.differences]) for row in page.rows]
    panel = []
    for picture, beside in page.pairs:
        more = beside.bars + beside.rows if beside else ()
        panel += [picture.title, *(" | ".join(map(str, each[:2])) for each in more)]
    panel += [" | ".join(each) for each in page.across]
    head = f"=== {name}{f' [{page.tone}]' if page.tone else ''}"
    parts = [head, page.lead, *lines, "--", *rows, *page.notes, "--", *panel]
    return "\n".join(parts).replace("\N{NO-BREAK SPACE}", " ") + "\n"


@pytest.fixture(scope="module")
def pages(protocol):
    """By name of the situation, page 1."""
    return {name: look.first_page() for name, look in situations(protocol)}


@pytest.mark.reports
def test_every_sentence_of_page_1_is_as_it_was_read(pages):
    """A changed sentence is read by a person: write the file anew with `python tests/test_first_page.py`."""
    written = "\n".join(as_text(name, page) for name, page in pages.items())
    assert written == GOLDEN.read_text("utf-8")
    assert not COMMITTEES.search(written), "what to do is the committee's word"


@pytest.fixture(scope="module")
def frame(protocol):
    return look_of(collected(65, 65, (4, 9)), protocol, 2)


@pytest.mark.agreement
def test_the_words_hold_against_the_numbers_of_simulated_looks(frame):
    """A thousand looks, from clear harm to clear benefit, arms of unequal size among them."""
    draw, look, table = np.random.default_rng(7), frame, frame.boundaries()
    for _ in range(1000):
        n, m = (int(each) for each in draw.integers(20, 100, 2))
        a, b = (int(draw.binomial(of, draw.uniform(0.02, 0.5))) for of in (n, m))
        estimate = risk_difference((a, n, b, m))
        apart, z = estimate["difference"], -estimate["z"] + 0.0
        events = {"mscs": (a, n), "comparator": (b, m)}
        compare, of = partial(risk_difference, (a, n, b, m)), {"mscs": n, "comparator": m}
        low, high = estimate["low"], estimate["high"]
        effect = Effect("binary", apart, low, high, z, z, n + m, n + m, 0, 0, of, compare, events=events)
        now = table.assign(z=table["z"].mask(table["state"] == "now", z))
        lead, tone = lead_of([Comparison(look, effect, now)], [], [])
        if z < 0:
            assert ("HARM" in lead) == (tone == "harm") == (z <= -1.96) and ("direction of harm" in lead) == (z > -1.96)
        else:
            assert "harm" not in lead.lower() and ("is crossed" in lead) == (z >= table["bound"].iloc[1])
        if round(100 * apart, 1):
            fewer = ("fewer participants" in lead.lower()) or ("smaller share" in lead)
            assert fewer == (apart < 0) and ("participants progress with MSCs" in lead)
            assert "share of participants" in lead or np.sign(a - b) == np.sign(apart)
        else:
            assert "as many participants progress with MSCs as with comparator" in lead


def test_every_line_has_its_words_in_order(frame):
    terms = [term for term, _ in lines_of(frame, [Comparison(frame, frame.primary_effect, frame.boundaries())], [])]
    assert terms == ["Safety", "Progression", "Boundary", "Ahead"]


def test_the_contents_are_the_headings_of_the_notebook(root):
    import nbformat

    cells = nbformat.read(root / "notebooks/05_interim_report.ipynb", as_version=4).cells
    heads = re.findall(r"^## (\d+)\. (.+)$", "\n".join(cell.source for cell in cells), re.MULTILINE)
    listed = {number: title for group in SECTIONS.values() for number, title in group.items()}
    assert {int(number): title for number, title in heads} == listed


def test_page_1_is_safe_to_show(protocol):
    """What data say is text on the page, never markup."""
    tables = collected(65, 65, (4, 9))
    tables["subjects"]["site"] = ["<script>alert(1)</script>"] * 130
    page = look_of(tables, protocol, 2, closed=False).first_page()._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page


@pytest.fixture(scope="module")
def written(pages, tmp_path_factory):
    """Page 1 of every situation in one file, as synthetic data have it: with one more line on top."""
    own = "<style>.tt-page { break-before: page }</style>"
    shown = [{"text/html": own + replace(each, synthetic=True)._repr_html_()} for each in pages.values()]
    cells = [new_code_cell("page", outputs=[new_output("display_data", each)]) for each in shown]
    made = tmp_path_factory.mktemp("pages") / "pages.html"
    made.write_text(page(new_notebook(cells=cells), MANIFEST), "utf-8")
    return made


BROKEN = """() => {
  const broken = [], range = document.createRange();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    if (!text.parentElement.closest(".by-arm")) continue;
    for (const word of text.data.matchAll(/[\\w,.]+/g)) {
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      if (range.getClientRects().length > 1) broken.push(word[0]);
    }
  }
  return broken;
}"""
"""The words and numbers of a table that stand on two lines."""

COVERED = """() => {
  const meet = (one, other) => {
    const [a, b] = [one, other].map((each) => each.getBoundingClientRect());
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    return wide > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;
  };
  const drawn = [...document.querySelectorAll(".tt-page svg:has(circle)")], found = [];
  for (const svg of drawn) {
    const words = [...svg.querySelectorAll("text")], points = [...svg.querySelectorAll("circle")];
    words.forEach((word, at) => {
      const under = [...points, ...words.slice(at + 1)].filter((other) => meet(word, other));
      found.push(...under.map((other) => [word.textContent, other.textContent]));
    });
  }
  return [drawn.length, found];
}"""


def test_on_a_phone_no_arm_of_page_1_is_out_of_sight_no_word_is_broken_or_lies_on_a_point(written, pages, chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        phone = browser.new_page(viewport={"width": 390, "height": 844})
        phone.goto(written.as_uri())
        wide = "all => all.map(each => each.querySelector('.by-arm').offsetWidth - each.clientWidth)"
        over = phone.eval_on_selector_all(".tt-page .wide", wide)
        drawn, covered = phone.evaluate(COVERED)
        broken = phone.evaluate(BROKEN)
        browser.close()
    assert len(over) > len(pages) / 2 and max(over) <= 0
    assert drawn > len(pages) / 2 and covered == broken == []


def test_page_1_is_one_sheet_in_every_situation(written, pages, tmp_path, chromium, require):
    """What the committee weighs first lies before it on one sheet."""
    require("pdftotext")
    print_pdf(chromium, written, tmp_path / "pages.pdf")
    paper = subprocess.run(["pdftotext", "-layout", str(tmp_path / "pages.pdf"), "-"], capture_output=True, text=True)
    sheets = paper.stdout.split("How this page was made")[0].rstrip("\f").split("\f")
    longer = [at for at, sheet in enumerate(sheets[: len(pages)]) if "interim report, look" not in sheet]
    assert not longer and len(sheets) <= len(pages) + 1, [[*pages][at - 1] for at in longer]  # the end may have its own


if __name__ == "__main__":
    import trialtools as tt

    rules = tt.load_protocol(Path(__file__).parents[1] / "data/protocols/NCT05741099.yaml")
    GOLDEN.write_text("\n".join(as_text(name, look.first_page()) for name, look in situations(rules)), "utf-8")
