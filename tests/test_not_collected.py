"""What was not collected is said to be so, by every table, figure and sentence; nothing of it becomes a zero."""

import re
from datetime import date
from functools import cache

import pandas as pd
import pytest
from notebook import report_of

import trialtools as tt
from trialtools.interim.data.read import read_trial
from trialtools.interim.lookdata import read_analysis_data
from trialtools.report.cuts import write_cut

DAY = "2023-08-17"
TABLES = ("subjects", "doses", "events", "outcomes", "disposition", "labs")


@pytest.fixture(scope="module")
def whole(root):
    """The bundled trial, of those who did not enter one in ten, with arms made up in turn."""
    tables = {name: pd.read_csv(root / f"data/trial/{name}.csv", dtype="str") for name in TABLES}
    subjects = tables["subjects"]
    subjects = tables["subjects"] = subjects[subjects["randomized_on"].notna() | (subjects.index % 10 == 0)].copy()
    entered = subjects["randomized_on"].notna()
    subjects.loc[entered, "arm"] = ["mscs" if i % 2 else "comparator" for i in range(entered.sum())]
    return tables


@pytest.mark.parametrize("closed", [True, False])
def test_what_a_figure_shows_stands_in_a_table_beside_it(whole, protocol, closed):
    """For whoever reads on paper or hears the page; the counts are those of the data."""
    look = tt.look(read_trial(whole, protocol), protocol, DAY, number=2, closed=closed)
    months, livers, weeks = look.accrual_by_month(), look.liver_quarters(), look.laboratory_by_week()
    assert months["randomized"].sum() == months["so_far"].iloc[-1] == len(look.randomized)
    assert months["screened"].sum() == len(look.trial.subjects)
    assert livers["participants"].sum() == livers.drop_duplicates("arm")["of"].sum() == len(look.edish())
    assert livers[livers["what"].str.startswith("Possible")]["participants"].sum() == look.edish()["hy"].sum()
    own = look.laboratory()
    assert weeks.groupby("arm")["n"].sum().to_dict() == own.groupby("arm")["n"].sum().to_dict(), "all weeks of a month"
    if closed:
        curves, days = look.survival_curves(), look.survival_by_day()
        assert days.groupby("arm")["events"].last().sum() == curves["events"].sum()
        assert dict(days[days["day"] == 0].set_index("arm")["at_risk"]) == {a: len(look.members(a)) for a in look.arms}


def without(whole, absent):
    tables = {name: frame.copy() for name, frame in whole.items() if name != absent}
    if absent == "log":
        tables["subjects"] = tables["subjects"].dropna(subset="randomized_on")
    return tables


def words_of(shown):
    """All that a report shows, a text a part, without tags."""
    texts = []
    for part in shown:
        if hasattr(part, "layout"):
            text = f"{(part.layout.meta or {}).get('alt')} " + " ".join(note.text for note in part.layout.annotations)
        else:
            text = part._repr_html_() if hasattr(part, "_repr_html_") else ""
        text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
        texts.append(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)).replace("\N{NO-BREAK SPACE}", " ").strip())
    return texts


ZERO = r"(?<![\d.,−+-])0(?: %| of | deaths| and 0)"
"""A count of none, as reports write it."""
SAID = {
    "doses": ("Doses: not collected|Not collected.", r"not dosed|0 dosed"),
    "events": (
        "serious adverse events: not collected|Serious adverse event not collected",
        r"No (serious )?adverse ev",
    ),
    "outcomes": ("Not collected: no primary endpoint|Outcomes: not collected", r"Outcome known 0|progressed by day"),
    "disposition": ("Missing: the milestone “died”|At least 2 deaths", r"0 deaths|lost to follow-up"),
    "labs": ("iver( values)?: not collected", r"Hy’s law: 0|Hy’s law in 0"),
    "log": (
        "Not collected: the data hold nobody who was screened",
        r"Nobody was excluded|not randomized so far|Excluded: [0-9]",
    ),
}


@pytest.fixture(scope="module")
def look_without(whole, protocol):
    """By the table that is lacking and the audience, the look; a trial is read once."""
    trial = cache(lambda absent: read_trial(without(whole, absent), protocol))
    return lambda absent, closed: tt.look(trial(absent), protocol, DAY, number=2, closed=closed)


@pytest.fixture(scope="module")
def full(look_without):
    """By audience, what the report of the whole data shows."""
    return {closed: set(words_of(report_of(look_without("nothing", closed)))) for closed in (True, False)}


OPEN = ("events", "disposition", "log")


@pytest.mark.reports
@pytest.mark.parametrize(("absent", "closed"), [*((name, True) for name in SAID), *((name, False) for name in OPEN)])
def test_a_table_that_is_lacking_is_not_collected_everywhere(look_without, full, absent, closed):
    shown = words_of(report_of(look_without(absent, closed)))
    text, (sentence, never) = " ¶ ".join(shown), SAID[absent]
    assert re.search(sentence, text), f"nowhere said of {absent}"
    assert not (match := re.search(never, text)), f"{absent}: {text[max(0, match.start() - 80) : match.end() + 40]}"
    mine = [part for part in shown if part not in full[closed] and not part.startswith(("How current", "Findings on"))]
    for part in mine:  # no zero that the whole data do not have
        zeros = set(re.findall(rf".{{0,5}}{ZERO}", part))
        new = [zero for zero in zeros if not any(zero in other for other in full[closed])]
        assert not new, f"{absent}: {new}"


def test_a_cut_keeps_what_was_not_collected(whole, protocol, tmp_path):
    """After the cut there is somebody who is not randomized yet: that is no screening log."""
    trial = read_trial(without(whole, "log"), protocol)
    look = tt.look(trial, protocol, DAY, number=2)
    assert not look.trial.subjects["randomized"].all() and not look.screening_log
    place, _ = write_cut(trial, date.fromisoformat(DAY), "", False, tmp_path)
    again = read_analysis_data(place, protocol, DAY)
    assert "screening log" in again.absent
    assert look.sites()["screened"].isna().all() and look.accrual()["screened"].isna().all()


@pytest.mark.reports
def test_a_look_at_nothing_but_subjects_has_no_zero(protocol, whole):
    subjects = without(whole, "log")["subjects"]
    look = tt.look(read_trial({"subjects": subjects}, protocol), protocol, DAY, number=2, closed=True)
    text = " ¶ ".join(part for part in words_of(report_of(look)) if not part.startswith("Baseline"))
    assert not (match := re.search(ZERO, text)), text[max(0, match.start() - 60) : match.end() + 20]
