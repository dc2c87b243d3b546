"""What holds of every figure, whatever it shows; and of tables. In a browser: no words lie upon others."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from drawn import BY_ARM, OPEN, THREE, TWO, draw, frame_of, of_the_cohort, of_the_trial, read, screened, text_of, words

from trialtools import figures
from trialtools.figures.drawing import Drawing, Room, figure
from trialtools.report import page

NASTY = '<script>alert("x")</script> & <b>bold'
COHORT = ["criterion_states", "readings", "open_criteria", "tornado", "impact", "upset", "missingness", "sweep"]
COHORT += ["forest", "flow"]
DRAWN = ("flow", "consort", "boundary")
"""Figures that are no plotly figures."""
NAMES = [*COHORT, *of_the_trial(), *BY_ARM]


@pytest.fixture(scope="module")
def frames(protocol):
    return {**of_the_cohort(protocol), **of_the_trial(), **{name: frame_of(name, TWO) for name in BY_ARM}}


# Every figure


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_wears_the_template_and_says_what_its_caller_says(frames, name):
    made = draw(name, frames[name], title="Found", subtitle="Patients of mine", source="Synthetic")
    text = text_of(made)
    assert all(words_of_it in text for words_of_it in ("Found", "Patients of mine", "Synthetic"))
    if name not in DRAWN:
        assert made.layout.width == figures.WIDTH == 660 and made.layout.template.layout.showlegend is False
        assert made.layout.template.layout.font.family.startswith("system-ui") and made.layout.meta["alt"]
        assert "Found" not in made.layout.meta["alt"], "who does not see the figure is told what it shows"
    assert text == text_of(draw(name, frames[name], title="Found", subtitle="Patients of mine", source="Synthetic"))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in DRAWN])
def test_no_hover_is_longer_than_three_lines_and_no_mark_carries_data_of_its_own(frames, name):
    hovers = []
    for trace in draw(name, frames[name]).data:
        assert trace.customdata is None and (trace.hoverinfo == "skip" or trace.hovertext is not None)
        hovers += [] if trace.hovertext is None else list(trace.hovertext)
    assert hovers and max(text.count("<br>") for text in hovers) <= 2


@pytest.mark.parametrize("name", NAMES)
def test_no_rows_and_no_patients_are_said_in_words(frames, name):
    nobody = [frames[name].head(0)]
    if name in COHORT:
        nobody.append(frames[name].assign(**{each: 0 for each in NOBODY if each in frames[name]}))
    for frame in nobody:
        made = draw(name, frame)
        assert "no patients" in text_of(made) and not (hasattr(made, "layout") and made.data)


NOBODY = ("n", "of", "failed_here", "undetermined", "certain", "possible")
SUPPRESSED = {"criterion_states": "fail", "open_criteria": "n", "impact": "gain_possible", "upset": "failed"}
SUPPRESSED |= {"missingness": "n", "forest": "failed", "flow": "failed_here"}


@pytest.mark.parametrize("name", COHORT)
def test_a_suppressed_count_is_a_dash_or_a_gap_and_never_a_zero(frames, name):
    column = SUPPRESSED.get(name, "possible")
    frame = frames[name].astype({column: "Float64" if name == "forest" else "Int64"})
    frame.loc[frame.index[{"open_criteria": -1, "tornado": 1}.get(name, 0)], column] = pd.NA
    assert "—" in figures.table(frame).as_raw_html()
    if name == "flow":
        with pytest.raises(ValueError, match="suppressed counts can be shown as a table"):
            figures.flow(frame)
        return
    made = draw(name, frame)
    texts = [*words(made), *(text for trace in made.data for text in trace.hovertext or ())]
    assert any("—" in text for text in texts)


@pytest.mark.parametrize("name", ["flow", "criterion_states"])
def test_words_of_a_protocol_are_never_markup(frames, name):
    frame = frames[name].assign(label=NASTY)
    made = draw(name, frame, subtitle=NASTY)
    hovers = [] if not hasattr(made, "layout") else [made.data[0].hovertext[0], made.layout.title.text, *words(made)]
    assert "<script" not in ("".join(hovers) if hovers else text_of(made))


def test_a_figure_is_its_drawing_and_the_words_of_its_caller():
    @figure
    def dots(frame, size=3):
        return Drawing("Two dots", Room(100), "of two", remark="Nothing is left out", alt=f"Size {size}")

    made = dots(pd.DataFrame())
    assert (
        made.layout.meta["alt"] == "Two dots. Size 3."
        and made.layout.height < dots(pd.DataFrame(), source="x").layout.height
    )
    assert "of two. Nothing is left out" in made.layout.title.text
    assert "ours. Nothing is left out" in dots(pd.DataFrame(), subtitle="ours").layout.title.text
    assert "<b>Other</b>" in dots(pd.DataFrame(), title="Other", size=4).layout.title.text
    assert figures.sweep.__signature__.parameters.keys() == {"frame", "title", "subtitle", "source"}


def test_a_page_writes_the_title_above_the_figure_and_takes_its_room_out(frames):
    made = figures.sweep(frames["sweep"], title="A < B", subtitle="Ours")
    place = page.figure_html(json.loads(made.to_json()), 1)
    layout = json.loads(place.split('"application/json">')[1].split("</script>")[0])["layout"]
    assert "<figcaption><span>A &lt; B</span><span>Ours</span></figcaption>" in place and layout["title"] is None
    taken = made.layout.height - layout["height"]
    assert taken == made.layout.margin.t - layout["margin"]["t"] > 30


def test_who_lacks_a_library_is_told_what_to_install():
    block = "import sys; sys.modules['plotly'] = sys.modules['great_tables'] = None; import pandas as pd\n"
    block += "from trialtools import figures\nprint(figures.percent(0.5, 0))\n"
    ask = "try: figures.{}(pd.DataFrame({{'of': [0]}}))\nexcept ImportError as error: print(error)\n"
    run = subprocess.run(
        [sys.executable, "-c", block + ask.format("guesses") + ask.format("table")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = run.stdout.replace("\N{NO-BREAK SPACE}", " ").splitlines()
    assert lines == [
        "50 %",
        *(
            f"{x} is not installed; it comes with: pip install 'trialtools[workbench]'"
            for x in ("plotly", "great_tables")
        ),
    ]


# Tables


def test_a_table_has_figures_to_the_right_zero_as_zero_and_a_dash_for_what_is_absent():
    columns = {
        "label": ["Age", None],
        "n": [12480, 0],
        "mean": [1.25, None],
        "flag": [True, False],
        "ids": [["I1", "I2"], []],
    }
    how = {"labels": {"n": "Patients"}, "notes": {"n": "all"}}
    text = figures.table(pd.DataFrame(columns), "Title", "Subtitle", **how).as_raw_html()
    rows = text[text.index("<tbody") : text.index("</tbody>")]
    cells = [cell.split("</td>")[0].split(">")[-1] for cell in rows.split("<td")[1:]]
    assert cells == ["Age", "12,480", "1.2", "yes", "I1, I2", "—", "0", "—", "no", "—"]
    assert 'gt_row gt_right">12,480' in text and 'gt_row gt_left">Age' in text and "Patients" in text
    assert "http" not in text.replace("http://www.w3.org", "") and "@import" not in text
    again = figures.table(pd.DataFrame(columns), "Title", "Subtitle", **how).as_raw_html()
    assert text == again, "great_tables would draw a new id each time"


def test_a_table_escapes_groups_cuts_and_says_nobody():
    frame = pd.DataFrame({"kind": ["inclusion", "inclusion", "exclusion"], "what": [NASTY, "b", "c"], "n": [1, 2, 3]})
    text = figures.table(frame, group="kind", rows=2).as_raw_html()
    assert "<script>" not in text and "The first 2 of 3 rows." in text and text.count('class="gt_row gt_') == 4
    assert ">none<" in figures.table(frame.head(0)).as_raw_html()
    assert "Source" in figures.table(frame, notes=["Source: x"]).as_raw_html()
    assert figures.table(frame, columns=["n"]).as_raw_html().count("<th ") == 1


def test_a_headline_and_a_banner_are_html_and_escape():
    page = figures.headline(NASTY, NASTY, context=[NASTY], source=NASTY, figure=figures.banner(NASTY, NASTY))
    assert "<script>" not in page and page._repr_html_() == page and 'role="note"' in page


# In a browser: no words leave their box, none lie upon others

OUTSIDE = """() => [...document.querySelectorAll('svg g[tabindex]')].flatMap(box => {
  const frame = box.querySelector('rect').getBoundingClientRect();
  return [...box.querySelectorAll('text')].filter(text => {
    const t = text.getBoundingClientRect();
    return t.left < frame.left || t.right > frame.right || t.top < frame.top || t.bottom > frame.bottom + 0.5;
  }).map(text => text.textContent);
})"""

OVERLAPS = """() => [...document.querySelectorAll('.js-plotly-plot')].flatMap(plot => {
  const edge = plot.getBoundingClientRect();
  const found = '.annotation-text, .textpoint text, .gtitle, .xtick text, .bartext';
  const texts = [...plot.querySelectorAll(found)].map(t => [t.textContent, t.getBoundingClientRect()]);
  const bars = [...plot.querySelectorAll('.bars path')].map(b => ['a bar', b.getBoundingClientRect()]);
  const clash = ([p, a], [q, b]) => p != q && a.width && b.width
    && Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  const said = texts.filter(t => !t[0].endsWith('%'));
  return [
    ...said.flatMap((t, i) => [...said.slice(i + 1), ...bars].filter(u => clash(t, u)).map(u => [t[0], u[0]])),
    ...texts.filter(t => t[1].left < edge.left - 1 || t[1].right > edge.right + 1 || t[1].top < edge.top - 1
      || t[1].bottom > edge.bottom + 1).map(t => [t[0], 'the edge']),
  ];
})"""

SEEN = "() => [...document.querySelectorAll('.textpoint text')].filter(t => t.getBoundingClientRect().width).length"


@pytest.fixture(scope="module")
def tab(chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 900, "height": 900})
        browser.close()


@pytest.mark.parametrize("n", [7, 93_995, 10_000_000])
def test_nothing_overlaps(protocol, n, tab, tmp_path):
    flow, states = screened(protocol, n, idle=("I2", "I3", "E4", "E5"))
    grown = read(protocol, n).assign(certain=n // 3, possible=n)
    missing = OPEN.assign(n=n, alone=n // 2)
    drawn = [
        figures.criterion_states(states, source="A source"),
        figures.readings(grown),
        figures.open_criteria(missing),
    ]
    drawn += [draw("adverse_events", frame_of("adverse_events", list(THREE)), labels=THREE)]
    parts = [made.to_html(include_plotlyjs=not i, full_html=False) for i, made in enumerate(drawn)]
    page = tmp_path / "page.html"
    page.write_text(f"<body>{figures.flow(flow, subtitle='Population', source='A source')}{''.join(parts)}</body>")
    tab.goto(Path(page).as_uri())
    tab.wait_for_function("document.querySelectorAll('.bars path').length > 50", timeout=60_000)
    outside, overlaps, seen = (tab.evaluate(each) for each in (OUTSIDE, OVERLAPS, SEEN))
    assert outside == [] and overlaps == []
    assert seen == sum(len(made.data[-1].text) for made in drawn)
