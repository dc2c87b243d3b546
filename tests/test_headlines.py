"""Every headline follows from all numbers of its frame: random frames, each sentence held against a recount."""

import re

import pandas as pd
from conftest import sample
from hypothesis import given, settings
from hypothesis import strategies as st

from trialtools import figures

COUNTS = st.integers(0, 60)


def headline(made):
    """The finding that stands above a figure, as one line."""
    return re.sub(r"<[^>]+>", "", made.layout.title.text.split("</b><br><span")[0].replace("</b><br><b>", " "))


@settings(max_examples=sample(25))
@given(st.dictionaries(st.frozensets(st.sampled_from(["I1", "I2", "I3", "I4", "E1"]), min_size=1), COUNTS, min_size=1))
def test_the_most_common_set_is_named_whole(sets):
    rows = [(", ".join(sorted(each)), n) for each, n in sorted(sets.items(), key=lambda item: -item[1])]
    n = sum(sets.values()) + 5
    frame = pd.DataFrame([*rows, ("other", 0)], columns=["criteria", "failed"]).assign(
        size=1, not_passed=lambda f: f["failed"], n=n
    )
    title = headline(figures.upset(frame))
    most = max(sets.values())
    if not most:
        assert title == "No set of criteria is failed"
        return
    alike = [set(each) for each, number in sets.items() if number == most]
    named = set(re.search(r": (.*?) \(", title)[1].replace(" and ", ", ").split(", "))
    assert named in alike and ("One of" in title) == (len(alike) > 1)
    assert re.search(r"\((\d+)", title)[1] == str(most) and "most patients" not in title


@settings(max_examples=sample(25))
@given(st.lists(st.tuples(st.integers(1, 60), st.booleans()), min_size=1, max_size=8))
def test_what_is_not_known_most_often_is_the_longest_bar(rows):
    frame = pd.DataFrame(rows, columns=["n", "judged"]).assign(alone=0, of=99)
    frame["criterion"] = [f"C{i}" for i in range(len(rows))]
    frame["label"] = [f"label {i}" for i in range(len(rows))]
    title = headline(figures.open_criteria(frame))
    assert title.startswith("Not known most often") and re.search(r"\((\d+)", title)[1] == str(frame["n"].max())
    looked_up = frame.loc[~frame["judged"], "n"]
    if len(looked_up) and looked_up.max() < frame["n"].max():
        assert re.findall(r"\((\d+)", title)[1] == str(looked_up.max())


@settings(max_examples=sample(25))
@given(st.lists(st.tuples(st.floats(0.1, 9), st.floats(0.05, 0.9), st.floats(0.05, 3)), min_size=1, max_size=8))
def test_whom_the_protocol_leaves_out_is_left_out_more_than_others(rows):
    frame = pd.DataFrame(
        [(f"g{i}", ratio, ratio * (1 - below), ratio * (1 + above)) for i, (ratio, below, above) in enumerate(rows)],
        columns=["group", "ratio", "low", "high"],
    ).assign(field="sex", label="Sex", criterion="", n=10, of=20, failed=5, share=0.5, unknown=0)
    title = headline(figures.forest(frame))
    clear = frame[frame["low"] > 1]
    if clear.empty:
        assert title.startswith("No interval lies above 1")
    else:
        assert clear.loc[clear["ratio"].idxmax(), "group"] in title.split()


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300))
def test_the_flow_tells_one_interval(certain, open_, out):
    n, possible = certain + open_ + out, certain + open_
    rows = [
        (0, "", "", "Screened", 0, n, n if out == 0 else certain, 0 if out == 0 else n - certain),
        (1, "I1", "inclusion", "Adult", out, possible, certain, open_),
    ]
    columns = ["step", "criterion", "kind", "label", "failed_here", "possible", "certain", "undetermined"]
    frame = pd.DataFrame(rows, columns=columns)
    frame.loc[0, ["certain", "undetermined"]] = [n, 0]
    page = str(figures.flow(frame)) if n else ""
    if n and possible > 0 and certain != possible:
        assert f"At least {certain:,} and at most {possible:,} of {n:,} patients are eligible" in re.sub(
            r"\s+", " ", re.sub(r"<[^>]+>", " ", page)
        )
