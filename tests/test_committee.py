"""Open and closed: what the committee's reports are made of, what stops them, and that the open one tells no arm."""

import base64
import hashlib
import html
import json
import random
import re
import shutil
import stat
from collections import Counter
from datetime import timedelta
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from conftest import sample
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from notebook import report_of

from trialtools.__main__ import main
from trialtools.criteria.contents import load_protocol
from trialtools.interim.data.read import read_trial
from trialtools.interim.look import look
from trialtools.report.committee import _searched_names
from trialtools.report.cuts import write_cut
from trialtools.report.data_leaks import can_tell, leaks_in_data
from trialtools.report.leaks import leaks
from trialtools.simulate.trials import trial as simulated_trial

FEWER = random.Random(3).sample(range(2, 60), 12)
ARMS = {f"S{i}": "comparator" if i in FEWER else "mscs" for i in range(60)}  # 48 and 12


def found(folder, name, text, arms=ARMS):
    (folder / name).write_text(text)
    return [leak.found for leak in leaks(folder, ["mscs", "comparator", "Comparator group"], arms)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.html", "<td>Comparator&nbsp;group</td>"),
        ("x.html", "<p>in the <b>MSCs</b>:</p>"),
        ("x.html", '<script type="application/json">{"hovertext": "S1<br>\\u006dscs"}</script>'),
        ("x.ipynb", json.dumps({"cells": [{"outputs": [{"data": {"text/html": "arm&#61;mscs"}}]}]})),
        ("x.manifest.json", json.dumps({"facts": {"deaths_mscs": 3}})),
    ],
)
def test_the_name_of_an_arm_is_found_wherever_it_stands(tmp_path, name, text):
    assert any("the arm name" in leak for leak in found(tmp_path, name, text))


@pytest.mark.parametrize("text", ["48 and 12 people", "<td>12</td>\n<td>48</td>", "n = 48 v 12"])
def test_the_sizes_of_the_arms_are_found_side_by_side(tmp_path, text):
    assert found(tmp_path, "x.html", text) == ["the sizes of the arms side by side"]


def test_a_list_that_divides_as_the_arms_do_is_found_however_it_is_coded(tmp_path):
    codes = [1 if arm == "mscs" else 0 for arm in ARMS.values()]
    packed = {"dtype": "i1", "bdata": base64.b64encode(np.array(codes, "int8").tobytes()).decode()}
    for data in (codes, packed, [["S", code] for code in codes]):
        figure = json.dumps({"data": [{"customdata": data}]})
        assert found(tmp_path, "x.html", f'<script type="application/json">{figure}</script>')
        assert found(tmp_path, "x.ipynb", figure)
        (tmp_path / "x.ipynb").unlink()


@pytest.mark.parametrize("label", ["MSC <high> & more", 'the "new" cells', "Zellgruppe \u00e9"])
def test_a_label_of_odd_signs_is_found_as_a_page_and_a_notebook_write_it(tmp_path, label):
    (tmp_path / "x.html").write_text(f"<td>{html.escape(label)}</td>")
    (tmp_path / "x.ipynb").write_text(json.dumps({"cells": [{"outputs": [{"text": f"in {label}:"}]}]}))
    assert [leak.file for leak in leaks(tmp_path, [label])] == ["x.html", "x.ipynb"]


def test_an_open_page_has_no_leak(tmp_path):
    packed = '<script type="text/plain" id="plotly-packed">+mscs/12/48</script>'
    figure = {"data": [{"y": list(range(60)), "text": ["a"] * 30 + ["b"] * 30}]}
    said = "60 randomized, comparators, 1.12 to 48.5"
    page = f'{packed}{said}<script type="application/json">{json.dumps(figure)}</script>'
    assert found(tmp_path, "x.html", page) == []


def telling_of(folder, names=("mscs", "comparator"), **tables):
    """What a cut of these columns tells; each is by the arm and the number of a person."""
    for name, columns in tables.items():
        rows = [(who, *(of(arm, i) for of in columns.values())) for i, (who, arm) in enumerate(ARMS.items())]
        pd.DataFrame(rows, columns=["subject_id", *columns]).to_csv(folder / f"{name}.csv", index=False)
    return [leak.where for leak in leaks_in_data(folder, names, ARMS)]


def test_a_cut_that_parts_people_as_the_arms_do_is_found(tmp_path):
    harmless = {"sex": lambda arm, i: "fm"[i % 2], "age": lambda arm, i: 30 + i % 7, "site": lambda arm, i: f"S{i % 3}"}
    (tmp_path / "events.csv").write_text("subject_id,term\n")
    assert telling_of(tmp_path, subjects=harmless, names=["low"]) == [], "an empty table tells nothing"
    (tmp_path / "events.csv").unlink()
    coded = harmless | {"cohort_code": lambda arm, i: int(arm == "mscs")}
    assert "cohort_code is '0'" in telling_of(tmp_path, subjects=coded)
    numbers = harmless | {"visit_number": lambda arm, i: i + 1000 * (arm == "mscs")}
    assert telling_of(tmp_path, subjects=numbers) == ["visit_number"]
    level = {"test": lambda arm, i: "HLA" if i % 2 else "ALT", "value": lambda arm, i: 1 + i % 3}
    assert telling_of(tmp_path, subjects=harmless, labs=level) == []
    doses = {"dosed_on": lambda arm, i: "2023-03-01" if arm == "mscs" else ""}
    assert set(telling_of(tmp_path, subjects=harmless, doses=doses)) >= {"dosed_on is ''", "dosed_on"}
    terms = {"term": lambda arm, i: "low blood pressure" if arm == "comparator" else "high blood pressure"}
    assert set(telling_of(tmp_path, subjects=harmless, events=terms, names=["low"])) >= {"what says 'low'"}
    (tmp_path / "doses.csv").unlink()
    (tmp_path / "events.csv").write_text("subject_id,term\nS1,reaction to MSCs\n")
    assert any("reaction to MSCs" in leak for leak in telling_of(tmp_path, subjects=harmless))


def test_a_subject_number_or_a_lot_that_goes_with_the_arm_is_found(tmp_path):
    people = {
        who: "mscs" if i % 2 else "comparator" for i, who in enumerate(f"{'MP'[i % 2]}-{i:03}" for i in range(40))
    }
    table = pd.DataFrame({"subject_id": list(people), "age": range(30, 70)})
    table.to_csv(tmp_path / "subjects.csv", index=False)
    assert "subject_id begins with 'M'" in [leak.where for leak in leaks_in_data(tmp_path, [], people)]
    arms = {f"S{i}": arm for i, arm in enumerate(people.values())}
    lots = [f"{'L7' if arm == 'mscs' else 'K2'}{i:04}" for i, arm in enumerate(arms.values())]
    pd.DataFrame({"subject_id": list(arms), "lot": lots}).to_csv(tmp_path / "subjects.csv", index=False)
    assert "lot begins with 'L7'" in [leak.where for leak in leaks_in_data(tmp_path, [], arms)]
    even = [f"L{7 * i:03}{2 * (i % 5) + (arm == 'mscs')}" for i, arm in enumerate(arms.values())]
    pd.DataFrame({"subject_id": list(arms), "lot": even}).to_csv(tmp_path / "subjects.csv", index=False)
    assert "how lot ends" in [leak.where for leak in leaks_in_data(tmp_path, [], arms)]


def test_small_arms_part_by_chance_and_only_names_are_searched():
    assert [can_tell(sizes) for sizes in ((9, 9), (12, 12), (14, 14), (30, 8), (50,))] == [
        False,
        False,
        True,
        True,
        False,
    ]


TERMS = ["rash", "fever", "low blood pressure", "admitted for observation", "other", "none"]


def random_trial(folder, seed):
    """The open tables of a made-up trial, its arms, and a page of what a report shows of such tables."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(24, 240))
    ids = [f"{site}-{i:03}" for i, site in enumerate(rng.choice(["N", "S", "E"], n))]
    days = pd.to_datetime("2023-01-02") + pd.to_timedelta(np.sort(rng.integers(0, 200, n)), "D")
    arms = dict(zip(ids, rng.permutation(np.resize(["mscs", "mscs", "comparator", "comparator"], n)), strict=True))
    subjects = pd.DataFrame(
        {
            "subject_id": ids,
            "site": [each[0] for each in ids],
            "sex": rng.choice(["female", "male"], n),
            "age": rng.integers(18, 90, n),
            "smoker": rng.choice(["true", "false"], n, p=[0.1, 0.9]),
            "randomized_on": days.strftime("%Y-%m-%d"),
            "lot": [f"L{rng.integers(1000, 9999)}" for _ in ids],
        }
    )
    some = rng.choice(ids, n // 2)
    events = pd.DataFrame({"subject_id": some, "term": rng.choice(TERMS, len(some))})
    subjects.to_csv(folder / "subjects.csv", index=False)
    events.to_csv(folder / "events.csv", index=False)
    counts = [subjects[column].value_counts() for column in ("site", "sex", "smoker", "randomized_on")]
    rows = [f"<tr><td>{value}</td><td>{k}</td><td>{n - k}</td></tr>" for each in counts for value, k in each.items()]
    accrual = subjects["randomized_on"].value_counts().sort_index()
    per_day = zip(accrual.index, accrual.cumsum(), accrual, strict=True)
    hover = [f"{day}<br>{total} randomized, {count} of the day" for day, total, count in per_day]
    figure = {"data": [{"y": subjects[c].tolist(), "hovertext": hover} for c in ("sex", "age", "smoker")]}
    page = f"<table>{''.join(rows)}</table><script type='application/json'>{json.dumps(figure)}</script>"
    return arms, page.replace("'application/json'", '"application/json"')


@pytest.mark.long
def test_no_false_alarm_in_made_up_trials(tmp_path):
    """A sample; `make long` takes 3,000."""
    for seed in range(sample(12)):
        data, page = tmp_path / f"{seed}", tmp_path / f"{seed}-page"
        data.mkdir(), page.mkdir()
        arms, text = random_trial(data, seed)
        (page / "x.html").write_text(text)
        names = ["mscs", "comparator", "low", "none", "observation", "other"]
        assert leaks(page, names, arms, data) == [], seed
        assert leaks_in_data(data, names, arms) == [], seed


EACH = 10
"""How often a simulated trial is allocated: its own arms, and nine others that it could have had as well."""


@pytest.mark.long
@pytest.mark.parametrize("half", [0, 1])
def test_no_false_alarm_in_simulated_trials(tmp_path, half):
    """Open tables and figures of simulated trials; the first allocation of each is the one that made its data.

    Nothing that an open report shows hangs on the arms, so a new allocation is a trial of its own. A sample; `make
    long` takes 3,000 searches of 300 trials, in halves that two processes can share.
    """
    protocol, searched = load_protocol("data/protocols/NCT05741099.yaml"), 0
    names = [*_searched_names(protocol), "low", "none", "observation", "active", "100"]
    for seed in range(half, -(-sample(2 * EACH) // EACH), 2):
        rng, folder = np.random.default_rng(seed), tmp_path / f"{seed}"
        made = simulated_trial(protocol, int(rng.integers(28, 160)), seed, ("null", "effect", "harm")[seed % 3])
        day = made.subjects["randomized_on"].max().date() + timedelta(days=int(rng.integers(-40, 40)))
        cut, arms = write_cut(made, day, "", False, folder)
        shown = report_of(look(made, protocol, str(day)))
        figures = [item.to_json() for item in shown if hasattr(item, "to_plotly_json")]
        tables = [e._repr_html_() for e in shown if hasattr(e, "_repr_html_") and not hasattr(e, "to_plotly_json")]
        scripts = [f'<script type="application/json">{figure}</script>' for figure in figures]
        (folder / "interim_open.html").write_text("\n".join([*tables, *scripts]))
        assert len(figures) > 3 and len(tables) > 10
        for case in range(EACH):
            assert leaks(folder, names, arms, cut) == [], (seed, case)
            assert leaks_in_data(cut, names, arms) == [], (seed, case)
            searched += can_tell(Counter(arms.values()).values())
            arms = dict(zip(arms, rng.permutation([*arms.values()]).tolist(), strict=True))
        shutil.rmtree(folder)
    assert searched, "arms too small to be searched for say nothing"


@pytest.mark.parametrize(
    "names", [("1", "2"), ("100", "200"), ("active", "control"), ("other", "none"), ("early", "late")]
)
def test_an_arm_of_any_name_raises_no_alarm_and_is_found_where_it_parts_people(tmp_path, names):
    """Arms called by numbers, or by words of a report and of data about anybody."""
    page = "<td>100 and 200 people</td><td>active or none; control, other, early and late</td>"
    assert found(tmp_path, "x.html", page, dict.fromkeys(ARMS, "")) == []
    (tmp_path / "x.html").write_text(page)
    assert leaks(tmp_path, names, ARMS) == []
    terms = {"term": lambda arm, i: ["active bleeding, dose 100", "none, 200 mg, early"][i % 2]}
    data = tmp_path / "data"
    data.mkdir()
    assert telling_of(data, [name for name in names if name != "control"], events=terms) == []
    columns = {"term": lambda arm, i: f"given {names[0]} here {i}" if arm == "mscs" else f"{i}"}
    assert telling_of(data, names, events=columns)


PROTOCOL = """
id: T1
title: A trial of two arms
fields: {age: {type: integer, label: Age}}
criteria: [{id: I1, kind: inclusion, label: Adult, when: age >= 18}]
arms:
  - {id: mscs, role: experimental, label: MSCs group, intervention: cells}
  - {id: comparator, role: placebo comparator, label: Comparator group, intervention: placebo}
"""
CELL = """
import trialtools as tt
trial = tt.read_trial(data, tt.load_protocol(protocol))
print(len(trial.subjects), "subjects", {arms})
"""


@pytest.fixture
def trial(tmp_path, monkeypatch):
    """A trial of two sites, and a notebook for its committee; `say` is what the notebook adds about arms."""
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "p.yaml").write_text(PROTOCOL)
    rows = [
        f"{id},{'north' if i % 3 else 'south'},2023-01-{1 + i % 28:02},eligible,2023-01-{1 + i % 28:02},{arm},30"
        for i, (id, arm) in enumerate(ARMS.items())
    ]
    head = "subject_id,site,screened_on,decision,randomized_on,arm,age"
    (data / "subjects.csv").write_text("\n".join([head, *rows, "S99,north,2023-05-01,eligible,2023-05-01,mscs,30"]))

    def notebook(say="''"):
        parameters = 'from typing import Literal\nprotocol: str = "../p.yaml"\ndata: str = "../data"  # folder\n'
        parameters += 'cutoff: str = "2023-03-31"\naudience: Literal["open", "closed"] = "open"\n'
        parameters += 'site: str = ""\nledger_head: str = ""'
        cells = [new_markdown_cell("# An interim look")]
        cells += [new_code_cell(parameters, metadata={"tags": ["parameters"]}), new_code_cell(CELL.format(arms=say))]
        (tmp_path / "notebooks").mkdir(exist_ok=True)
        nbformat.write(new_notebook(cells=cells), tmp_path / "notebooks" / "05_interim_report.ipynb")

    notebook()
    return notebook


def test_open_and_closed_come_from_one_notebook_and_one_page_links_them(trial, tmp_path, capsys):
    """As the command line has it: each in a process of its own, with a kernel of its own."""
    assert main(["report", "interim", "--both", "--jobs", "2"]) == 0
    open_page, closed_page = Path("reports/interim_open.html"), Path("reports/closed/interim_closed.html")
    assert "60 subjects" in open_page.read_text(), "whoever came after the cutoff is not there"
    assert "60 subjects" in closed_page.read_text()
    assert stat.S_IMODE(closed_page.parent.stat().st_mode) == 0o700
    assert "subjects.csv" in Path("reports/closed/lock.json").read_text()
    handed_in = hashlib.sha256(Path("data/subjects.csv").read_bytes()).hexdigest()
    beside = [file for file in Path("reports").rglob("*") if file.is_file() and "closed" not in file.parts]
    assert len(beside) > 5 and not [file for file in beside if handed_in[:8] in file.read_text()]
    (cut,) = Path("reports/cuts").iterdir()
    assert "mscs" not in "".join(file.read_text() for file in cut.iterdir())
    index = Path("reports/index.html").read_text()
    assert index.index("interim_open.html") < index.index("committee only") < index.index("closed/interim_closed.html")


def test_arms_that_the_ledger_tells_are_searched_for_and_get_into_no_cut(tmp_path):
    """Whoever holds the key can have the open report searched with it; the report stays the same."""
    table = {"subject_id": [*ARMS], "randomized_on": "2023-01-02"}
    trial = read_trial({"subjects": pd.DataFrame(table)})
    blind, nobody = write_cut(trial, None, "", False, tmp_path)
    searched, hidden = write_cut(trial, None, "", False, tmp_path, secret=ARMS | {"S99": "mscs"})
    assert (nobody, hidden, searched) == ({}, ARMS, blind)


STAMPS = re.compile(
    r'\d{4}-\d\d-\d\d[ T]\d\d:\d\d:[\d.]+( UTC|Z|\+00:00)?|"(duration|seconds|bytes)": [\d.]+|"id": "[^"]*"'
    r'|(?<="outputs": ).*'  # hashes of files that carry the time
    , re.DOTALL)  # fmt: skip


@pytest.mark.usefixtures("in_process")
def test_permuted_arms_make_the_same_open_report_but_for_its_time(trial, tmp_path):
    pages = []
    for _ in range(2):
        shutil.rmtree("reports", ignore_errors=True)
        assert main(["report", "interim"]) == 0
        files = {str(file): file.read_text() for file in Path("reports").rglob("*") if file.is_file()}
        pages.append({name: STAMPS.sub("", text) for name, text in files.items()})
        table = Path("data/subjects.csv")
        swapped = table.read_text().replace("mscs", "?").replace("comparator", "mscs").replace("?", "comparator")
        table.write_text(swapped)
    assert pages[0].keys() == pages[1].keys() >= {"reports/interim_open.html", "reports/lock.json"}
    for name in pages[0]:
        assert pages[0][name] == pages[1][name], name


@pytest.mark.usefixtures("in_process")
def test_an_open_report_that_tells_an_arm_is_not_kept(trial, capsys):
    trial("'the Comparator group'")
    assert main(["report", "interim"]) == 2
    assert "could tell an arm, and was not kept" in capsys.readouterr().err
    assert not list(Path("reports").glob("interim_open*"))


def test_data_whose_open_cut_would_tell_an_arm_stop_the_run(trial, capsys):
    table = Path("data/subjects.csv")
    head, *rows = table.read_text().splitlines()
    coded = [f"{head},cohort_code", *(f"{row},{int(',mscs,' in row)}" for row in rows)]
    table.write_text("\n".join(coded))
    assert main(["report", "interim"]) == 2
    assert "subjects.csv: people part as the arms do: … cohort_code" in capsys.readouterr().err
    assert not list(Path("reports").glob("*.html")) and not list(Path("reports/cuts").iterdir())


@pytest.mark.usefixtures("in_process")
def test_an_everyday_word_is_no_leak_though_an_arm_is_called_so(trial, capsys):
    """Everybody calls the control `control`, and every report says "control rate"; in the data it is a leak."""
    for file in (Path("data/subjects.csv"), Path("p.yaml")):
        file.write_text(
            file.read_text().replace(",comparator,", ",control,").replace("{id: comparator", "{id: control")
        )
    trial("'control rate'")
    assert main(["report", "interim"]) == 0
    Path("data/events.csv").write_text("subject_id,started_on,term\nS1,2023-02-03,rash as in control\n")
    assert main(["report", "interim", "-p", "cutoff=2023-03-30"]) == 2
    assert "the arm name 'control'" in capsys.readouterr().err


def test_what_no_report_can_be_made_of_is_said_in_a_sentence(trial, capsys):
    for arguments, message in (
        (["-p", "cutoff=2122-01-01"], "lies in the future"),
        (["-p", "cutoff=2020-01-01", "-p", "audience=closed"], "nobody was randomized by 2020-01-01"),
        (["-p", "data=", "-p", "protocol=p.yaml"], "the parameter data is empty"),
        (
            ["-p", "data=d\udce9ta", "-p", "protocol=p.yaml"],
            r"the parameter data: 'd\udce9ta' holds bytes that are no UTF-8",
        ),
        (["--out", "r\udce9p"], "holds bytes that are no UTF-8; rename it"),
    ):
        assert main(["report", "interim", *arguments]) == 2
        assert message in capsys.readouterr().err
    table = Path("data/subjects.csv")
    table.write_text(table.read_text().replace(",south,", ",north.,"))
    assert main(["report", "interim", "--site", "all"]) == 2
    assert "would have one file name" in capsys.readouterr().err
    assert not list(Path("reports").rglob("*.html"))


@pytest.mark.usefixtures("in_process")
def test_sites_are_reported_one_by_one_and_together(trial, capsys):
    assert main(["report", "interim", "--site", "all"]) == 0
    output = capsys.readouterr().out
    assert output.count("searched for names of arms alone: in arms this small people part by chance") == 1, (
        "south has 4"
    )
    names = {path.name for path in Path("reports").glob("*.html")}
    assert names == {"interim_open.html", "interim_open_north.html", "interim_open_south.html", "index.html"}
    assert "40 subjects" in Path("reports/interim_open_north.html").read_text()
    assert main(["report", "interim", "--site", "norht"]) == 2
    assert "no site 'norht' in the data; there are north, south" in capsys.readouterr().err


@pytest.mark.usefixtures("in_process")
def test_data_that_changed_since_the_first_report_of_a_cutoff_stop_the_run(trial, capsys):
    assert main(["report", "interim"]) == 0
    table = Path("data/subjects.csv")
    table.write_text(table.read_text().replace("S1,north", "S1,south"))
    assert main(["report", "interim"]) == 2
    assert "subjects changed since the first report of the cutoff 2023-03-31" in capsys.readouterr().err
    assert main(["report", "interim", "-p", "cutoff=2023-06-30"]) == 0, "another cutoff is another cut"
    assert main(["report", "interim", "-p", "cutoff=soon"]) == 2
