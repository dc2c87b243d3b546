"""The ledger as a record: who, when and on what facts; corrections, returns, amendments, copies and receipts."""

import json
import os
import shutil
import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime

import pandas as pd
import pytest
from ledgers import BLOCKS, ON, ask, cli, facts, program, wrong

from trialtools.arms import (
    LedgerError,
    Override,
    allocate,
    allocations,
    backup,
    check_ledger,
    correct,
    last_entry,
    open_ledger,
    return_kit,
    unblind,
    verify,
)
from trialtools.arms.chain import find, read_access, read_receipts, receipts_of
from trialtools.arms.entries import COLUMNS, hash_of
from trialtools.arms.people import fold_id
from trialtools.arms.request import binding
from trialtools.criteria.language import Interval
from trialtools.criteria.protocol import Field

SITES, PROTOCOL = ("A", "B"), "data/protocols/NCT05741099.yaml"


@pytest.fixture
def ledger(tmp_path, protocol):
    open_ledger(tmp_path / "l", tmp_path / "k", protocol, BLOCKS, 10, SITES, name="Dr Stat")
    return tmp_path / "l"


def entries(ledger, kind):
    with read_access(ledger) as connection:
        return find(connection, "kind = ?", [kind])


def test_an_entry_says_who_made_it_and_which_facts_were_judged(ledger, protocol):
    allocate(ledger, ask("P1", protocol, spo2=97, vaccinated=True), name="Nurse Li")
    detail = entries(ledger, "allocated")[0].detail
    assert set(detail["by"]) == {"user", "host", "version", "name"} and detail["by"]["name"] == "Nurse Li"
    assert all(detail["by"].values())
    assert detail["facts"]["spo2"] == 97 and detail["facts"]["infected_on"] == "2023-01-01"
    assert "vaccinated" not in detail["facts"], "what no criterion asks for stays out of the ledger"
    assert entries(ledger, "opened")[0].detail["by"]["name"] == "Dr Stat"
    assert allocations(ledger)["allocated_by"].tolist() == ["Nurse Li"]


def test_a_fact_known_in_part_and_what_a_derived_field_hangs_on_are_kept(tmp_path, protocol):
    """Either day puts the patient into the window; age is worked out from the year of birth."""
    fields = {**protocol.fields, "born": Field("integer", "Year of birth", change="never")}
    fields["age"] = replace(fields["age"], from_="2023 - born")
    derived = replace(protocol, fields=fields)
    open_ledger(tmp_path / "l", tmp_path / "k", derived, BLOCKS, 4, SITES)
    days = Interval(date(2023, 1, 1), date(2023, 1, 2), "1 or 2 January")
    allocate(tmp_path / "l", ask("P1", derived, age=None, born=1950, infected_on=days))
    kept = entries(tmp_path / "l", "allocated")[0].detail["facts"]
    assert (kept["born"], kept["age"]) == (1950, 73)
    assert kept["infected_on"] == {"low": "2023-01-01", "high": "2023-01-02", "written": "1 or 2 January"}
    assert wrong(tmp_path / "l", protocol=derived) == []
    late = Interval(date(2022, 12, 25), date(2023, 1, 2), "about new year")
    with pytest.raises(LedgerError, match=r"not in the dosing window on 2023-01-12 \(unknown\)"):
        allocate(tmp_path / "l", ask("P2", derived, infected_on=late))
    other = replace(derived, fields={**fields, "age": replace(fields["age"], from_="2024 - born")})
    with pytest.raises(LedgerError, match="other criteria"):
        allocate(tmp_path / "l", ask("P3", other))


def test_a_day_that_the_clock_does_not_confirm_is_told(ledger, protocol):
    receipt = allocate(ledger, ask("P1", protocol))
    today = datetime.now(UTC).date()
    infected = today - pd.Timedelta(days=12)
    quiet = allocate(ledger, ask("P2", protocol, on=today, infected_on=infected, screened_on=today))
    assert "the day given is 2023-01-12, the clock said " in receipt.note and quiet.note == ""
    assert [fault.entry for fault in verify(ledger) if "the clock said" in fault.problem] == [receipt.entry]
    frame = allocations(ledger)
    assert frame["randomized_on"].dt.date.tolist() == [ON, today] and set(frame["recorded_on"].dt.date) == {today}


def test_a_correction_is_an_entry_and_the_allocation_stays(ledger, protocol):
    allocate(ledger, ask("P1", protocol))
    before = allocations(ledger)
    correct(ledger, "P1", "randomized_on", "2023-01-13", "Dr Wu", "typed the day before")
    correct(ledger, "P1", "randomized_on", "2023-01-14", "Dr Wu", "the ward book says so")
    correct(ledger, "P1", "age", "71", "Dr Wu", "birthday was read wrongly")
    row = allocations(ledger).iloc[0]
    assert (row["randomized_on"].date(), row["corrections"]) == (date(2023, 1, 14), 3)
    assert row[["kit", "stratum"]].tolist() == before.loc[0, ["kit", "stratum"]].tolist()
    assert [e.detail["was"] for e in entries(ledger, "corrected")] == ["2023-01-12", "2023-01-13", 70]
    for act, message in (
        (("P1", "randomized_on", "13.1.2023", "Dr Wu", "typed wrongly"), "no date"),
        (("P1", "height", "180", "Dr Wu", "typed wrongly"), "no 'height' was entered"),
        (("P2", "age", "71", "Dr Wu", "typed wrongly"), "no patient 'P2'"),
        (("P1", "age", "72", "Dr Wu", "."), "name and a reason"),
    ):
        with pytest.raises(LedgerError, match=message):
            correct(ledger, *act)
    assert wrong(ledger) == []


def test_a_returned_kit_is_an_entry_and_the_patient_stays(ledger, protocol):
    kit = allocate(ledger, ask("P1", protocol)).kit
    return_kit(ledger, kit, "Pharmacist Zhao", "vial was broken")
    assert allocations(ledger)[["subject_id", "kit_returned"]].to_numpy().tolist() == [["P1", True]]
    with pytest.raises(LedgerError, match="came back already"):
        return_kit(ledger, kit, "Pharmacist Zhao", "vial was broken")
    with pytest.raises(LedgerError, match="no kit 'K-none' was allocated"):
        return_kit(ledger, "K-none", "Pharmacist Zhao", "vial was broken")
    assert allocate(ledger, ask("P2", protocol)).kit != kit and wrong(ledger) == []


def test_what_allocation_does_not_read_may_change_and_is_an_entry(ledger, protocol):
    amended = replace(protocol, title="Amended", sites=())
    assert binding(amended, BLOCKS.strata) == binding(protocol, BLOCKS.strata) and amended.sha256 != protocol.sha256
    first = allocate(ledger, ask("P1", protocol))
    allocate(ledger, ask("P2", amended))
    assert allocate(ledger, ask("P1", amended)) == first, "the same request is the same under an amended title"
    (entry,) = entries(ledger, "amended")
    assert (entry.detail["before"], entry.detail["sha256"]) == (protocol.sha256, amended.sha256)
    assert wrong(ledger, protocol=amended) == wrong(ledger, protocol=protocol) == []


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("criteria", lambda p: p.amend({"I1": "18 <= age <= 75"})),
        ("criteria", lambda p: replace(p, fields={**p.fields, "age": replace(p.fields["age"], range=(0, 100))})),
        ("readings", lambda p: p.with_readings({"I6": "registered"})),
        ("arms", lambda p: replace(p, arms=tuple(replace(a, dosing=replace(a.dosing, last_day=14)) for a in p.arms))),
        ("ratio", lambda p: replace(p, design=with_design(p, "ratio", {"mscs": 2, "comparator": 1}))),
        ("strata", lambda p: replace(p, design=with_design(p, "strata", ["site"]))),
    ],
)
def test_each_part_that_allocation_reads_is_bound(ledger, protocol, part, change):
    with pytest.raises(LedgerError, match=f"other .*{part}"):
        allocate(ledger, ask("P1", change(protocol)), Override("Dr Wu", "somebody insisted on it"))
    assert len(allocations(ledger)) == 0


def with_design(protocol, name, value):
    return {**protocol.design, name: replace(protocol.design[name], value=value)}


def test_another_trial_s_ledger_is_refused(ledger, protocol):
    """The same subject numbers, but other days; or another protocol; or nobody of the data."""
    days = pd.date_range("2023-01-11", periods=6)
    for i, day in enumerate(days):
        allocate(ledger, ask(f"S{i}", protocol, on=day.date()))
    own = pd.DataFrame({"subject_id": [f"S{i}" for i in range(6)], "randomized_on": days})
    check_ledger(ledger, protocol, own)
    check_ledger(ledger, replace(protocol, title="Amended"), own.head(2))
    check_ledger(ledger, protocol.with_readings({"I6": "registered"}), own)
    check_ledger(ledger, protocol, own.head(0))
    one_wrong = own.assign(randomized_on=[days[0] + pd.Timedelta(days=9), *days[1:]])
    check_ledger(ledger, protocol, one_wrong)
    others = own.assign(randomized_on=days + pd.Timedelta(days=40))
    with pytest.raises(LedgerError, match="another trial: 6 of 6 subjects with the same numbers"):
        check_ledger(ledger, protocol, others)
    with pytest.raises(LedgerError, match="none of the 6 randomized is in it"):
        check_ledger(ledger, protocol, own.assign(subject_id=[f"X{i}" for i in range(6)]))
    with pytest.raises(LedgerError, match="another trial: NCT05741099, not NCT1"):
        check_ledger(ledger, replace(protocol, id="NCT1"), own)


# --- people -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("again", ["s01", "S 01", "S\u200b01", "\uff33\uff10\uff11", "S\u00ad01"])
def test_the_same_person_in_other_letters_needs_an_override(ledger, protocol, again):
    allocate(ledger, ask("S01", protocol))
    assert fold_id(again) == fold_id("S01")
    with pytest.raises(LedgerError, match="looks like 'S01', who has a kit"):
        allocate(ledger, ask(again, protocol))
    allocate(ledger, ask(again, protocol), Override("Dr Wu", "two people, the list was typed by hand"))
    assert len(allocations(ledger)) == 2 and wrong(ledger) == []
    assert allocate(ledger, ask("S-01", protocol)).kit, "a dash tells people apart"


@pytest.mark.parametrize("reason", [".", "", "  ", "n/a", "none", "-----", "aaaa", "because", "x y"])
def test_a_reason_of_no_substance_is_refused(ledger, protocol, reason):
    with pytest.raises(LedgerError, match="in words that somebody else can understand"):
        Override("Dr Wu", reason)
    allocate(ledger, ask("P1", protocol))
    with pytest.raises(LedgerError, match="in words"):
        unblind(ledger, ledger.with_name("k"), "P1", "Dr Wu", reason)
    with pytest.raises(LedgerError, match="in words"):
        unblind(ledger, ledger.with_name("k"), "P1", "?", "anaphylaxis")


def test_a_short_reason_of_a_dense_script_has_substance():
    assert Override("王医生", "过敏").reason == "过敏"


def test_a_byte_that_is_no_utf8_never_breaks_an_export(ledger, protocol, tmp_path):
    table = tmp_path / "patients.csv"
    pd.DataFrame([facts(spo2=80) | {"patient_id": "P1"}]).to_csv(table, index=False)
    words = [b"--override", b"Dr M\xe9ndez", b"--reason", b"urgent, agreed by tel\xe9fono"]
    where = [os.fsencode(str(each)) for each in (ledger, PROTOCOL, table)]
    day = [b"--site", b"A", b"--on", b"2023-01-12", b"--patient", b"P1"]
    done = program("allocate", *map(os.fsdecode, [*where, *day, *words]))
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out.csv"
    assert cli("export", ledger, "--out", out).returncode == 0
    assert pd.read_csv(out).loc[0, ["override_by", "override_reason"]].tolist() == [
        "Dr Méndez",
        "urgent, agreed by teléfono",
    ]
    assert cli("verify", ledger).returncode == 0


# --- what a verifier sees --------------------------------------------------------------------------------------------


def append_raw(ledger, **changed):
    """A row at the end in proper chain, as somebody who knows the code would write it."""
    connection = sqlite3.connect(ledger)
    last_row = connection.execute("SELECT * FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
    row = dict(zip(COLUMNS, last_row, strict=True))
    row |= {"seq": row["seq"] + 1, "previous": row["hash"], **changed}
    row["hash"] = hash_of(list(row.values()))
    connection.execute(f"INSERT INTO entries VALUES ({', '.join('?' * len(COLUMNS))})", list(row.values()))
    connection.commit()
    connection.close()
    return row["seq"]


def test_a_doubled_key_is_found_although_the_chain_holds(ledger, protocol):
    allocate(ledger, ask("P1", protocol))
    written = entries(ledger, "allocated")[0].written
    double = written.replace('"decision":"eligible"', '"decision":"ineligible","decision":"eligible"')
    assert json.loads(double) == json.loads(written)
    seq = append_raw(ledger, kind="refused", position=None, kit=None, detail=double)
    assert [(fault.entry, fault.problem) for fault in wrong(ledger)] == [(seq, "cannot be read")]


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"kind": "note", "detail": "{}"}, "the ledger writes no 'note'"),
        ({"kind": "unblinded", "person": None, "stratum": None, "position": None, "detail": "{}"}, "by, name, reason"),
        ({"kind": "amended", "patient": None}, "not as the ledger writes it"),
        ({"kind": "refused", "position": None, "kit": None, "at": "yesterday"}, "at, "),
        ({"kind": "refused", "detail": '{"a":' * 9000 + "1" + "}" * 9000}, "cannot be read"),
    ],
)
def test_an_appended_entry_in_proper_chain_is_found(ledger, protocol, changed, problem):
    allocate(ledger, ask("P1", protocol))
    seq = append_raw(ledger, **changed)
    (fault,) = wrong(ledger)
    assert fault.entry == seq and problem in fault.problem


def test_a_time_that_is_still_to_come_is_told(ledger, protocol):
    with pytest.raises(LedgerError):
        allocate(ledger, ask("P1", protocol, age=90))
    append_raw(ledger, at="2999-01-01T00:00:00+00:00")
    assert wrong(ledger) == [] and "which is still to come: a clock was wrong" in str(verify(ledger)[-1])


def test_a_key_of_another_length_is_no_key(tmp_path, protocol):
    open_ledger(tmp_path / "l", tmp_path / "k", protocol, BLOCKS, 4, SITES)
    content = json.loads((tmp_path / "k").read_text())
    (tmp_path / "k").write_text(json.dumps(content | {"private": "ab"}))
    for read in (
        lambda: verify(tmp_path / "l", key=tmp_path / "k"),
        lambda: allocations(tmp_path / "l", tmp_path / "k"),
    ):
        with pytest.raises(LedgerError, match="not a key file"):
            read()


def test_an_appended_allocation_in_proper_chain_is_found(ledger, protocol):
    """Of somebody who was never asked for, with the right kit, but facts that make nobody eligible."""
    allocate(ledger, ask("P1", protocol))
    with read_access(ledger) as connection:
        kit = find(connection, "kind = 'kit' AND stratum = 'age > 65: yes, site: A' AND position = 2")[0].kit
    forged = entries(ledger, "allocated")[0].written.replace('"spo2":96', '"spo2":80')
    seq = append_raw(ledger, patient="P2", person="p2", position=2, kit=kit, detail=forged)
    assert wrong(ledger) == [], "the form is right, and the site could have written it"
    (fault,) = wrong(ledger, protocol=protocol)
    assert fault.entry == seq and "do not give its decision, failed" in fault.problem


# --- copies and receipts ----------------------------------------------------------------------------------------------


def test_a_backup_is_proved_by_restoring_it(ledger, protocol, tmp_path):
    allocate(ledger, ask("P1", protocol))
    made = backup(ledger, tmp_path / "copy")
    assert made.restored and made.head == last_entry(ledger) == last_entry(tmp_path / "copy")
    assert json.loads((tmp_path / "copy.json").read_text())["entries"] == made.entries == 42
    assert allocate(tmp_path / "copy", ask("P2", protocol)).kit, "the copy goes on where the ledger stood"
    with pytest.raises(LedgerError, match="never written over"):
        backup(ledger, tmp_path / "copy")
    with pytest.raises(LedgerError, match="cannot make the backup"):
        backup(ledger, tmp_path / "none" / "copy")
    done = cli("backup", ledger, "--out", tmp_path / "second")
    assert done.returncode == 0 and "restored from it, 42 entries" in done.stdout, done.stderr


def test_a_copy_that_is_not_the_ledger_is_no_backup(ledger, protocol, tmp_path, monkeypatch):
    from trialtools.arms import copies

    allocate(ledger, ask("P1", protocol))
    monkeypatch.setattr(copies, "_rows", lambda path: [(str(path),)])
    with pytest.raises(LedgerError, match="is not the ledger"):
        backup(ledger, tmp_path / "copy")
    assert not list(tmp_path.glob("copy*"))


def test_receipts_are_kept_outside_and_held_against_whatever_lies_in_the_ledger_s_place(ledger, protocol, tmp_path):
    table, early = tmp_path / "patients.csv", tmp_path / "early"
    pd.DataFrame([facts() | {"patient_id": f"P{i}"} for i in range(2)]).to_csv(table, index=False)
    shutil.copy(ledger, early)
    for i in range(2):
        arguments = [ledger, PROTOCOL, table, "--site", "A", "--on", "2023-01-12", "--patient", f"P{i}"]
        done = cli("allocate", *arguments)
        assert "kept in  " in done.stdout and done.stdout.split()[-1] == last_entry(ledger), done.stderr
        assert str(ledger.parent) not in done.stdout.split("kept in  ")[1].splitlines()[0]
    good = cli("verify", ledger)
    assert good.returncode == 0 and "3 receipts kept outside are all there" in good.stdout, good.stdout
    shutil.copy(early, ledger)  # the two allocations are gone, as if they had never been
    cut = cli("verify", ledger)
    assert cut.returncode == 1 and "the ledger was cut off" in cut.stdout
    other = [ledger, PROTOCOL, table, "--site", "A", "--on", "2023-01-12", "--patient", "P1"]
    again = cli("allocate", *other)  # P1 would get the kit that P0 has in hand
    assert again.returncode == 2 and "would give the same kits again" in again.stderr and "kit " not in again.stdout
    with pytest.raises(LedgerError, match="would give the same kits again"):
        allocate(ledger, ask("P1", protocol))
    receipts_of(ledger).rename(tmp_path / "moved")
    assert cli("allocate", *other).returncode == 0
    none = cli("verify", ledger, "--receipts", tmp_path / "none")
    assert none.returncode == 2 and "nothing can be held against them" in none.stderr, "not that all of none are there"
    assert cli("verify", ledger, "--receipts", tmp_path / "moved").returncode == 1
    lost = [fault.entry for fault in verify(ledger, receipts=tmp_path / "moved")]
    assert lost and lost == [fault.entry for fault in verify(ledger, read_receipts(tmp_path / "moved"))]


def test_python_keeps_receipts_too_and_synthetic_trials_have_none(ledger, protocol, tmp_path):
    early = tmp_path / "early"
    shutil.copy(ledger, early)
    for act in (
        lambda: allocate(ledger, ask("P1", protocol)).head,
        lambda: correct(ledger, "P1", "randomized_on", "2023-01-13", "Dr Wu", "typed wrong"),
    ):
        assert read_receipts(receipts_of(ledger))[-1] != (head := act()) == read_receipts(receipts_of(ledger))[-1]
    with pytest.raises(LedgerError, match="has a kit already"):
        allocate(ledger, ask("P1", protocol, age=71))
    assert read_receipts(receipts_of(ledger))[-1] == last_entry(ledger) != head, "a refusal is an entry as well"
    shutil.copy(early, ledger)
    for act in (
        lambda: allocate(ledger, ask("P1", protocol)),
        lambda: return_kit(ledger, "K-1", "Dr Wu", "came back"),
        lambda: correct(ledger, "P1", "randomized_on", "2023-01-13", "Dr Wu", "typed wrong"),
        lambda: allocations(ledger),
        lambda: backup(ledger, tmp_path / "copy"),
    ):
        with pytest.raises(LedgerError, match="is of no entry of this ledger"):
            act()
    made = tmp_path / "synthetic"
    open_ledger(made, tmp_path / "synthetic.key", protocol, BLOCKS, 4, ("A",), synthetic=1)
    allocate(made, ask("P1", protocol))
    assert not receipts_of(made).exists()


def test_a_receipt_that_cannot_be_kept_is_told_and_the_kit_is_given(ledger, protocol, tmp_path, monkeypatch):
    table = tmp_path / "patients.csv"
    pd.DataFrame([facts() | {"patient_id": "P1"}]).to_csv(table, index=False)
    monkeypatch.setenv("TRIALTOOLS_RECEIPTS", str(table))
    done = cli("allocate", *[ledger, PROTOCOL, table, "--site", "A", "--on", "2023-01-12", "--patient", "P1"])
    assert done.returncode == 0 and done.stdout.startswith("kit ") and "kept in" not in done.stdout
    assert f"could not be kept in {table}" in done.stderr and last_entry(ledger) in done.stderr
    with pytest.warns(UserWarning, match="could not be kept"):
        allocate(ledger, ask("P2", protocol))
