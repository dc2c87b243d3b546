"""The ledger: what it gives, what it refuses, and that nothing in it or around it shows an arm without the key."""

import json
import sqlite3
import stat
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, replace

import pytest
from ledgers import ARMS, ON, Pairs, ask, cli, facts, program, run, wrong

from trialtools.arms import LedgerError, Override, allocate, allocations, last_entry, open_ledger, unblind
from trialtools.arms.allocation import kit_list
from trialtools.arms.chain import read_access

SITES = ("A", "B")


@pytest.fixture
def paths(tmp_path, protocol):
    ledger, key = tmp_path / "site" / "trial.ledger", tmp_path / "trial.key"
    ledger.parent.mkdir()
    open_ledger(ledger, key, protocol, Pairs(), 30, SITES)
    return ledger, key


def kits(ledger, stratum):
    with read_access(ledger) as connection:
        wanted = "SELECT kit FROM entries WHERE kind = 'kit' AND stratum = ? ORDER BY position"
        return [kit for (kit,) in connection.execute(wanted, [stratum])]


def test_kits_are_given_in_the_order_of_their_stratum(paths, protocol):
    ledger, _ = paths
    given = [allocate(ledger, ask(f"P{i}", protocol, age=70 if i % 2 else 40)) for i in range(8)]
    for answer in ("yes", "no"):
        stratum = f"age > 65: {answer}, site: A"
        assert [r.kit for r in given if r.stratum == stratum] == kits(ledger, stratum)[:4]
    assert wrong(ledger) == []


def test_the_same_request_gets_the_same_kit_and_another_one_is_refused(paths, protocol):
    ledger, _ = paths
    first = allocate(ledger, ask("P1", protocol))
    assert allocate(ledger, ask("P1", protocol)) == first
    assert allocate(ledger, ask("P1", protocol, on=ON.replace(day=13))) == first  # asked again after midnight
    with pytest.raises(LedgerError, match=r"has a kit already.*facts"):
        allocate(ledger, ask("P1", protocol, age=71))
    with pytest.raises(LedgerError, match="site"):
        allocate(ledger, ask("P1", protocol, site="B"))
    assert len(allocations(ledger)) == 1


@pytest.mark.parametrize(
    ("known", "day", "told"),
    [
        ({"spo2": 90}, 12, r"ineligible \(I7\)"),
        ({"consent": None}, 12, r"undetermined \(E6\)"),
        ({}, 10, r"dosing window.*early"),
        ({}, 17, r"dosing window.*late"),
        ({"infected_on": None}, 12, r"dosing window.*unknown"),
    ],
)
def test_what_is_not_eligible_or_not_in_the_window_needs_a_name_and_a_reason(paths, protocol, known, day, told):
    ledger, _ = paths
    request = ask("P1", protocol, on=ON.replace(day=day), **known)
    with pytest.raises(LedgerError, match=told):
        allocate(ledger, request)
    allocate(ledger, request, Override("Dr Wu", "agreed with the sponsor"))
    assert allocations(ledger)[["override_by", "override_reason"]].to_numpy().tolist() == [
        ["Dr Wu", "agreed with the sponsor"]
    ]
    assert wrong(ledger) == []
    with pytest.raises(LedgerError, match="name and a reason"):
        Override("Dr Wu", " ")


def test_both_ends_of_the_dosing_window_are_in_it(paths, protocol):
    for day in (11, 16):
        allocate(paths[0], ask(f"P{day}", protocol, on=ON.replace(day=day)))


def test_a_decision_of_another_protocol_reading_site_or_stratum_is_refused(paths, protocol):
    ledger, _ = paths
    with pytest.raises(LedgerError, match="another trial: NCT05741099, not NCT1"):
        allocate(ledger, ask("P1", replace(protocol, id="NCT1")))
    with pytest.raises(LedgerError, match="other criteria;"):
        allocate(ledger, ask("P1", protocol.amend({"I1": "18 <= age <= 75"})))
    with pytest.raises(LedgerError, match="other readings"):
        allocate(ledger, ask("P1", protocol.with_readings({"I9": "remark"})))
    with pytest.raises(LedgerError, match="no site 'C'"):
        allocate(ledger, ask("P1", protocol, site="C"))
    with pytest.raises(LedgerError, match="'age > 65' is unknown"):
        allocate(ledger, ask("P1", protocol, age=None), Override("Dr Wu", "age lost"))
    assert len(allocations(ledger)) == 0


def test_a_stratum_that_is_used_up_says_so(tmp_path, protocol):
    open_ledger(tmp_path / "l", tmp_path / "k", protocol, Pairs(strata=()), 2, SITES)
    for i in range(2):
        allocate(tmp_path / "l", ask(f"P{i}", protocol))
    with pytest.raises(LedgerError, match="used up"):
        allocate(tmp_path / "l", ask("P2", protocol))


@pytest.mark.parametrize(
    "patient",
    [
        "O'Brien",
        'a"b',
        "x'); DROP TABLE entries; --",
        "two\nlines",
        "多\t中心",
        "%s{0}",
        "K" * 10_000,
        "NULL",
        "-- "[:2],
    ],
)
def test_any_id_is_kept_as_it_is(paths, protocol, patient):
    ledger, key = paths
    receipt = allocate(ledger, ask(patient, protocol))
    assert allocate(ledger, ask(patient, protocol)) == receipt
    assert allocations(ledger)["subject_id"].tolist() == [patient]
    assert unblind(ledger, key, patient, "Dr O'Hara", 'said "now"; --') in ARMS
    with pytest.raises(LedgerError) as error:
        allocate(ledger, ask(patient, protocol, age=71))
    assert len(str(error.value)) < 300 and "\n" not in str(error.value)
    assert wrong(ledger) == []


@pytest.mark.parametrize("patient", ["", " P1", "P1\n", "a\0b", "e\u0301", "\ud800"])
def test_an_id_that_could_be_taken_for_another_is_refused(protocol, patient):
    with pytest.raises(LedgerError):
        ask(patient, protocol)


def test_unblinding_is_recorded_and_the_arms_are_those_of_the_seed(paths, protocol):
    ledger, key = paths
    for i in range(12):
        allocate(ledger, ask(f"P{i}", protocol, site=SITES[i % 2]))
    by_arm = allocations(ledger, key)
    assert "arm" not in allocations(ledger) and Counter(by_arm["arm"]) == {"mscs": 6, "comparator": 6}
    assert unblind(ledger, key, "P3", "Dr Wu", "anaphylaxis") == by_arm.set_index("subject_id").loc["P3", "arm"]
    assert allocations(ledger).set_index("subject_id")["unblindings"].to_dict()["P3"] == 1
    assert wrong(ledger, key=key, plan=Pairs(), protocol=protocol) == []


def test_the_wrong_key_opens_nothing(paths, tmp_path, protocol):
    ledger, key = paths
    allocate(ledger, ask("P1", protocol))
    open_ledger(tmp_path / "other", tmp_path / "other.key", protocol, Pairs(), 2, SITES)
    before = last_entry(ledger)
    for act in (
        lambda: unblind(ledger, tmp_path / "other.key", "P1", "Dr Wu", "why"),
        lambda: allocations(ledger, tmp_path / "other.key"),
        lambda: allocations(ledger, ledger.parent / "none.key"),
    ):
        with pytest.raises(LedgerError):
            act()
    assert last_entry(ledger) == before
    assert [f.entry for f in wrong(ledger, key=tmp_path / "other.key")] == [1]
    key.chmod(0o644)
    with pytest.raises(LedgerError, match="others can read"):
        allocations(ledger, key)


def test_a_list_that_the_seed_does_not_make_is_found(paths, protocol):
    ledger, key = paths

    class Other(Pairs):
        def deal(self, seed, stratum, n):
            return super().deal(seed, stratum, n)[::-1]

    faults = wrong(ledger, key=key, plan=Other(), protocol=protocol)
    assert faults and all("seed makes" in f.problem for f in faults)
    assert wrong(ledger, key=key, plan=Pairs(strata=("site",)), protocol=protocol)[0].entry == 1


def test_a_plan_of_one_s_own_kind_has_fields_of_its_own():
    @dataclass(frozen=True)
    class Runs(Pairs):
        procedure: str = "runs"
        longest: int = 3

    plan = Runs()
    assert (plan.label, plan.options, plan.longest) == ("runs", {}, 3)


def test_what_is_no_plan_is_refused(tmp_path, protocol):
    with pytest.raises(LedgerError, match=r"str is no plan; make one with tt\.arms\.plan"):
        open_ledger(tmp_path / "l", tmp_path / "k", protocol, "permuted_blocks", 2, SITES)
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_is_never_written_over(paths, tmp_path, protocol):
    ledger, key = paths
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = ledger.read_bytes(), key.read_bytes()
    for other in ((ledger, tmp_path / "new.key"), (tmp_path / "new", key)):
        with pytest.raises(LedgerError, match="exists"):
            open_ledger(*other, protocol, Pairs(), 2, SITES)
    assert (ledger.read_bytes(), key.read_bytes()) == before
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET patient = 'x' WHERE seq = 2",
        "DELETE FROM entries WHERE seq = 2",
        "INSERT OR REPLACE INTO entries SELECT * FROM entries WHERE seq = 2",
        "INSERT OR REPLACE INTO entries SELECT 999, at, kind, patient, person, stratum, position, kit, detail,"
        " previous, hash FROM entries WHERE kind = 'allocated'",
    ],
)
def test_the_file_itself_refuses_changes(paths, protocol, statement):
    allocate(paths[0], ask("P1", protocol))
    connection = sqlite3.connect(paths[0])
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)
    connection.close()


# --- nothing tells an arm ---------------------------------------------------------------------------------------------


def test_no_byte_of_the_site_shows_an_arm_seed_or_key(paths, protocol):
    """All bytes of the site's folder, and all that a site can make the program say, searched for what would tell."""
    ledger, key = paths
    code = "import traceback\np = protocol()\nledger = sys.argv[1]\nprint(allocate(ledger, ask('P1', p)))\n"
    code += (
        "for act in (lambda: allocate(ledger, ask('P1', p, age=50)), lambda: allocate(ledger, ask('P2', p, spo2=80)),\n"
    )
    code += "  lambda: allocations(ledger, ledger), lambda: unblind(ledger, ledger, 'P1', 'n', 'r'),\n"
    code += "  lambda: allocate('/none', ask('P3', p))):\n"
    code += "  try: act()\n  except Exception as error:\n"
    code += "    print(error, ''.join(traceback.format_exception(error)), file=sys.stderr)\n"
    code += "print(allocations(ledger).to_csv(), verify(ledger), last_entry(ledger))"
    done = run(code, ledger)
    assert done.returncode == 0, done.stderr
    said = (done.stdout + done.stderr).lower().encode()
    secret = [bytes.fromhex(json.loads(key.read_text())[name]) for name in ("seed", "salt", "private")]
    told = [word.encode() for word in ("mscs", "msc", "comparator", "placebo", "experimental", "stem cell, i")]
    for content in (said, *(file.read_bytes().lower() for file in ledger.parent.iterdir())):
        for word in told:
            for form in (word, word.hex().encode(), b64encode(word).lower().rstrip(b"=")[:-1]):
                assert form not in content
        for s in secret:
            assert s not in content and s.hex().encode() not in content


def test_sealed_arms_look_alike_and_kits_tell_nothing(tmp_path, protocol):
    ledger, key = tmp_path / "l", tmp_path / "k"
    open_ledger(ledger, key, protocol, Pairs(strata=()), 1000)
    with read_access(ledger) as connection:
        rows = connection.execute("SELECT kit, detail FROM entries WHERE kind = 'kit' ORDER BY position").fetchall()
    from trialtools.arms.sealing import read_key

    secret = read_key(key)
    arms = [arm == ARMS[0] for *_, arm in kit_list(Pairs(strata=()), secret.seed, (), 1000)]
    assert len({len(detail) for _, detail in rows}) == 1
    assert len({detail for _, detail in rows}) == len({kit for kit, _ in rows}) == 1000
    numbers = [int(kit[2:]) for kit, _ in rows]
    parity = [n % 2 for n in numbers]
    first_bits = [int(detail.split('"')[3][:2], 16) & 1 for _, detail in rows]
    order = sorted(range(1000), key=lambda i: numbers[i])
    for told in (numbers, parity, first_bits, [order.index(i) for i in range(1000)]):
        assert abs(correlation(told, arms)) < 5 / 1000**0.5  # five standard errors
    assert abs(correlation(numbers, list(range(1000)))) < 5 / 1000**0.5


def correlation(x, y):
    import numpy as np

    return float(np.corrcoef(np.array(x, float), np.array(y, float))[0, 1])


# --- the command line -------------------------------------------------------------------------------------------------


def test_the_commands_give_a_kit_and_say_what_is_wrong(paths, tmp_path):
    import pandas as pd

    ledger, key = paths
    table = tmp_path / "patients.csv"
    pd.DataFrame([facts() | {"patient_id": "P1"}, facts(spo2=80) | {"patient_id": "P2"}]).to_csv(table, index=False)
    arguments = [ledger, "data/protocols/NCT05741099.yaml", table, "--site", "A", "--on", "2023-01-12", "--patient"]
    done = program("allocate", *arguments, "P1")
    kit = allocations(ledger)["kit"][0]
    assert (done.returncode, done.stdout.split()[:2]) == (0, ["kit", kit]), done.stderr
    receipt = done.stdout.split()[-1]
    refused = program("allocate", *arguments, "P2")
    assert refused.returncode == 2 and "ineligible (I7)" in refused.stderr and refused.stdout == ""
    assert "Traceback" not in refused.stderr
    assert cli("verify", ledger, "--head", receipt, "--key", key).returncode == 0
    cut = cli("verify", ledger, "--head", "999:abc")
    assert cut.returncode == 1 and "entry 999" in cut.stdout
    output = cli("unblind", ledger, "--key", key, "--patient", "P1", "--name", "Dr Wu", "--reason", "rash")
    assert output.stdout.strip() in ARMS
    for more, column in (([], False), (["--key", key], True)):
        out = tmp_path / f"{column}.csv"
        assert cli("export", ledger, "--out", out, *more).returncode == 0
        assert ("arm" in pd.read_csv(out)) == column
    assert stat.S_IMODE((tmp_path / "True.csv").stat().st_mode) == 0o600
    assert cli("verify", tmp_path / "none").returncode == 2
