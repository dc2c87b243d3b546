"""Figures and tables show what stands in the frame, all of it, and nothing overlaps."""

from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from trialtools import figures

SVG = "{http://www.w3.org/2000/svg}"
NASTY = '<script>alert("x")</script> & <b>bold'


def words(made):
    """All words of a figure but its title: beside the rows, and in notes."""
    rows = [text for trace in made.data if trace.name == "words" for text in trace.text]
    return [*rows, *(note.text for note in made.layout.annotations)]


def screened(protocol, n=93_995, idle=()):
    """An attrition frame and a frame of states, made up, over every criterion of a protocol."""
    possible, certain, steps, states = n, n, [(0, "", "", "Screened", 0, n, n)], []
    for step, criterion in enumerate(protocol.criteria, 1):
        failed = 0 if criterion.id in idle else possible // 7
        possible -= failed
        certain = min(possible, certain - certain // 5)
        steps.append((step, criterion.id, criterion.kind, criterion.label, failed, possible, certain))
        fail, unknown = n // (step + 1), n // (step + 2) if step > 1 else 0
        numbers = (n - fail - unknown, fail, unknown, n)
        states.append((criterion.id, criterion.kind, criterion.label, protocol.reading(criterion.id), "q", *numbers))
    flow = pd.DataFrame(steps, columns=["step", "criterion", "kind", "label", "failed_here", "possible", "certain"])
    columns = ["criterion", "kind", "label", "reading", "quote", "pass", "fail", "unknown", "n"]
    return flow.assign(undetermined=flow.possible - flow.certain), pd.DataFrame(states, columns=columns)


def read(protocol, n=93_995):
    rows = [
        (c.id, c.label, reading, place == 0, 0 if place else 212, 1904 // (place + 1), 3, 2, 1, n)
        for c in protocol.criteria
        for place, reading in enumerate(c.readings)
    ]
    names = ["criterion", "label", "reading", "chosen", "certain", "possible", "pass", "fail", "unknown", "n"]
    return pd.DataFrame(rows, columns=names)


LACKING = pd.DataFrame(
    [("E7", "Tuberculosis or another acute respiratory virus", 1692, 0), ("I8", "Characteristic imaging", 34, 34)],
    columns=["criterion", "label", "n", "alone"],
)


# The flow


def drawing(made):
    return ElementTree.fromstring(made[made.index("<svg") : made.index("</svg>") + 6])


def said(made):
    return [box.get("aria-label") for box in drawing(made).iter(f"{SVG}g")]


def test_the_flow_tells_every_number_of_its_frame(protocol):
    frame, _ = screened(protocol, idle=("I2", "I3", "E4"))
    boxes = said(figures.flow(frame, n=93_995))
    for row in frame[frame.failed_here > 0].itertuples():
        assert f"{row.criterion} {row.label}: {row.failed_here:,} fail" in boxes
        assert f"after {row.criterion}: {row.possible:,} left, {row.certain:,} certain" in boxes
    last = frame.iloc[-1]
    decided = [int(box.split(": ")[1].split(" (")[0].replace(",", "")) for box in boxes[-3:]]
    assert decided == [last.certain, last.undetermined, 93_995 - last.possible] and sum(decided) == 93_995


def test_criteria_that_take_out_nobody_share_a_line_within_their_stage(protocol):
    frame, _ = screened(protocol, idle=("I2", "I3", "I8", "I9", "E1", "E9"))
    words = ["".join(text.itertext()) for text in drawing(figures.flow(frame)).iter(f"{SVG}text")]
    assert [line for line in words if "nobody fails" in line] == [
        "I2, I3: nobody fails",
        "I8, I9: nobody fails",
        "E1: nobody fails",
        "E9: nobody fails",
    ]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"failed_here": 5}, "does not add up at I1: 10 − 5 is not 6"),
        ({"failed_here": -4, "possible": 14}, "does not add up"),
        ({"certain": 7}, "certain is 7, of 6 possible"),
        ({"certain": -1}, "certain is -1"),
        ({"undetermined": 2}, "is not 2 undetermined"),
    ],
)
def test_a_flow_that_does_not_add_up_is_not_drawn(change, complaint):
    names = ["step", "criterion", "kind", "label", "failed_here", "possible", "certain", "undetermined"]
    good = [(0, "", "", "", 0, 10, 10, 0), (1, "I1", "inclusion", "Age", 4, 6, 5, 1)]
    frame = pd.DataFrame(good, columns=names)
    assert "5 to 6" in figures.flow(frame, n=10)
    for column, value in change.items():
        frame.loc[1, column] = value
    with pytest.raises(ValueError, match=complaint):
        figures.flow(frame, n=10)
    with pytest.raises(ValueError, match="begins with 10 patients, but 11"):
        figures.flow(frame.head(1), n=11)


@pytest.mark.parametrize(
    ("certain", "possible", "title"),
    [
        (0, 412, "Nobody is eligible for certain; up to 412 of 500 could be"),
        (1, 412, "1 is eligible for certain; up to 412 of 500 could be"),
        (412, 412, "412 of 500 patients are eligible; nothing is left open"),
        (0, 0, "None of 500 patients could be eligible"),
    ],
)
def test_the_flow_says_what_it_finds(certain, possible, title):
    names = ["step", "criterion", "kind", "label", "failed_here", "possible", "certain"]
    rows = [(0, "", "", "", 0, 500, 500), (1, "I1", "inclusion", "Age", 500 - possible, possible, certain)]
    frame = pd.DataFrame(rows, columns=names)
    assert title in figures.flow(frame)
    assert title not in "".join(drawing(figures.flow(frame, title="")).itertext()).replace("Eligible", "")


# The bars


def test_states_are_shown_in_the_order_of_the_protocol(protocol):
    _, frame = screened(protocol)
    made = figures.criterion_states(frame)
    assert [list(bar.x) for bar in made.data[:3]] == [list(frame[state]) for state in ("pass", "fail", "unknown")]
    assert list(made.data[0].y) == sorted(made.data[0].y) and made.layout.yaxis.range[1] == 0
    assert made.data[2].marker.pattern.shape == "/", "unknown is told by more than its colour"
    assert "46,997" in words(made) and sum("read as" in text for text in words(made)) == sum(
        bool(c.readings) for c in protocol.criteria
    )
    assert made.data[1].hovertext[0] == "<b>I1 Age 18 to 85</b><br>fail: 46,997 (50.0\xa0%) of 93,995<br><i>“q”</i>"


def test_a_title_says_where_most_fails_and_most_is_unknown():
    row = {"kind": "inclusion", "label": "L", "reading": "", "quote": "", "n": 9}
    rows = [("I1", 9, 0, 0), ("I2", 4, 5, 0), ("I3", 0, 0, 9), ("I4", 0, 0, 9)]
    frame = pd.DataFrame([{**row, "criterion": id, "pass": p, "fail": f, "unknown": u} for id, p, f, u in rows])
    assert (
        "<b>I2 L fails most often (5); I3 and I4 are unknown for all</b>"
        in figures.criterion_states(frame).layout.title.text
    )
    assert "Every criterion passes" in figures.criterion_states(frame.head(1)).layout.title.text


def test_readings_run_from_certain_to_possible_and_the_chosen_one_is_marked(protocol):
    frame = read(protocol)
    made = figures.readings(frame)
    certain, rest = (list(bar.x) for bar in made.data[:2])
    assert certain == list(frame.certain) and [a + b for a, b in zip(certain, rest, strict=True)] == list(
        frame.possible
    )
    assert sum("●" in text for text in words(made)) == frame.chosen.sum() and "<b>212 to 1,904</b>" in words(made)


def test_lacking_is_ordered_by_size():
    made = figures.open_criteria(LACKING.iloc[::-1])
    assert list(made.data[0].x) == [0, 34] and list(made.data[1].x) == [1692, 0]
    assert "Missing most often: Tuberculosis" in made.layout.title.text
    assert "E7 and I8 (5 each)" in figures.open_criteria(LACKING.assign(n=5)).layout.title.text
    judged = figures.open_criteria(LACKING.assign(judged=[True, False]))
    assert "Missing most often: Characteristic imaging (34)" in judged.layout.title.text
    fields = LACKING.rename(columns={"criterion": "field"})
    assert not any("E7" in text for text in words(figures.open_criteria(fields)))


@pytest.mark.parametrize("n", [0, None])
def test_no_patients_give_a_figure_that_says_so(protocol, n):
    flow, states = screened(protocol, n=0)
    frames = [
        (figures.criterion_states, states),
        (figures.readings, read(protocol, 0)),
        (figures.open_criteria, LACKING.assign(n=0)),
    ]
    for draw, frame in frames:
        made = draw(frame if n == 0 else frame.head(0))
        assert words(made) == ["no patients"] and not made.data
    assert "no patients" in figures.flow(flow if n == 0 else flow.head(0))


def test_a_suppressed_count_is_a_dash_and_never_a_zero(protocol):
    flow, states = screened(protocol)
    hidden = states.astype({"fail": "Int64"})
    hidden.loc[0, "fail"] = pd.NA
    made = figures.criterion_states(hidden)
    assert made.data[1].x[0] == 0 and "—" in made.data[1].hovertext[0]
    assert "—" in words(made)
    lacks = LACKING.astype({"n": "Int64", "alone": "Int64"})
    lacks.loc[1, ["n", "alone"]] = pd.NA
    assert words(figures.open_criteria(lacks))[-1] == "—"
    assert "—" in figures.table(lacks).as_raw_html()
    with pytest.raises(ValueError, match="suppressed counts can be shown as a table"):
        figures.flow(flow.astype({"failed_here": "Int64"}).replace({"failed_here": {0: pd.NA}}))


def test_words_of_a_protocol_are_never_markup(protocol):
    flow, states = screened(protocol)
    for frame in (flow, states):
        frame.loc[frame.criterion == "I1", "label"] = NASTY
    drawn = figures.flow(flow, subtitle=NASTY, source=NASTY)
    assert "<script" not in drawn and drawing(drawn) is not None
    made = figures.criterion_states(states, subtitle=NASTY)
    texts = [made.layout.title.text, made.data[0].hovertext[0], *words(made)]
    assert not any("<script" in text for text in texts)


def test_every_figure_wears_the_template(protocol):
    flow, states = screened(protocol)
    for made in (figures.criterion_states(states), figures.readings(read(protocol)), figures.open_criteria(LACKING)):
        assert made.layout.template.layout.font.family.startswith("system-ui")
        assert (
            made.layout.width == figures.WIDTH == 660
            and made.layout.xaxis2.domain[0] > 0.3
            and not made.layout.template.layout.showlegend
        )
    assert figures.flow(flow) == figures.flow(flow), "a drawing must not differ from run to run"


# Tables


def test_a_table_has_figures_to_the_right_zero_as_zero_and_a_dash_for_what_is_absent():
    frame = pd.DataFrame(
        {
            "label": ["Age", None],
            "n": [12480, 0],
            "mean": [1.25, None],
            "flag": [True, False],
            "ids": [["I1", "I2"], []],
        }
    )
    text = figures.table(frame, "Title", "Subtitle", labels={"n": "Patients"}, notes={"n": "all"}).as_raw_html()
    rows = text[text.index("<tbody") : text.index("</tbody>")]
    cells = [cell.split("</td>")[0].split(">")[-1] for cell in rows.split("<td")[1:]]
    assert cells == ["Age", "12,480", "1.2", "yes", "I1, I2", "—", "0", "—", "no", "—"]
    assert 'gt_row gt_right">12,480' in text and 'gt_row gt_left">Age' in text and "Patients" in text
    assert "http" not in text.replace("http://www.w3.org", "") and "@import" not in text
    again = figures.table(frame, "Title", "Subtitle", labels={"n": "Patients"}, notes={"n": "all"}).as_raw_html()
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


@pytest.mark.parametrize("n", [7, 93_995, 10_000_000])
def test_nothing_overlaps(protocol, n, chromium, tmp_path):
    from playwright.sync_api import sync_playwright

    flow, states = screened(protocol, n, idle=("I2", "I3", "E4", "E5"))
    grown = read(protocol, n).assign(certain=n // 3, possible=n)
    missing = LACKING.assign(n=n, alone=n // 2)
    drawn = [
        figures.criterion_states(states, source="A source"),
        figures.readings(grown),
        figures.open_criteria(missing),
    ]
    parts = [made.to_html(include_plotlyjs=not i, full_html=False) for i, made in enumerate(drawn)]
    page = tmp_path / "page.html"
    page.write_text(f"<body>{figures.flow(flow, subtitle='Population', source='A source')}{''.join(parts)}</body>")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 900, "height": 900})
        tab.goto(Path(page).as_uri())
        tab.wait_for_function("document.querySelectorAll('.bars path').length > 50", timeout=60_000)
        outside, overlaps, seen = (tab.evaluate(each) for each in (OUTSIDE, OVERLAPS, SEEN))
        browser.close()
    assert outside == [] and overlaps == []
    assert seen == sum(len(made.data[-1].text) for made in drawn)
