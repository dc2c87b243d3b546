"""Nobody can choose the list: a commitment first, a second person's number then; and a second verifier that agrees."""

import json
import random
import sqlite3

import pytest
import second_verifier
from conftest import sample
from ledgers import ARMS, BLOCKS, MINIMIZED, ask, cli, facts, wrong

from trialtools.arms import (
    LedgerError,
    Override,
    allocate,
    allocations,
    correct,
    mix,
    open_ledger,
    opening,
    return_kit,
    unblind,
    verify,
)
from trialtools.arms.chain import SCHEMA
from trialtools.arms.entries import COLUMNS, canonical, hash_of
from trialtools.arms.sealing import read_key

SITES, PROTOCOL, NUMBER = ("A", "B"), "data/protocols/NCT05741099.yaml", 271828182845


@pytest.fixture
def opened(tmp_path, protocol):
    open_ledger(tmp_path / "l", tmp_path / "k", protocol, BLOCKS, 12, SITES)
    return tmp_path / "l", tmp_path / "k"


@pytest.mark.parametrize("plan", [BLOCKS, MINIMIZED], ids=["blocks", "minimization"])
def test_the_list_follows_from_seed_and_number_and_the_commitment_stays(tmp_path, protocol, plan):
    ledger, key = tmp_path / "l", tmp_path / "k"
    open_ledger(ledger, key, protocol, plan, 12, SITES)
    commitment = opening(ledger).commitment
    mix(ledger, key, NUMBER, "Dr Second")
    seed = read_key(key).list_seed(str(NUMBER))
    for i in range(8):
        allocate(ledger, ask(f"P{i}", protocol, age=40 + 30 * (i % 2)), key=key if plan is MINIMIZED else None)
    rows = allocations(ledger, key)
    for stratum, own in rows.groupby("stratum") if plan is BLOCKS else ():
        assert tuple(own["arm"]) == BLOCKS.deal(seed, stratum, len(own))
    assert opening(ledger).commitment == commitment and opening(ledger).number == str(NUMBER)
    assert wrong(ledger, key=key, commitment=commitment, number=NUMBER, protocol=protocol) == []
    assert [(f.entry, f.note) for f in verify(ledger, key=key) if "clock" not in f.problem] == []
    assert unblind(ledger, key, "P3", "Dr Wu", "anaphylaxis") == rows.set_index("subject_id").loc["P3", "arm"]


def test_a_number_is_mixed_in_once_before_the_first_patient_and_by_somebody_else(opened, tmp_path, protocol):
    ledger, key = opened
    open_ledger(tmp_path / "named", tmp_path / "k2", protocol, BLOCKS, 4, SITES, name="Dr First")
    for wrong_number in (-1, "", "six", 1.5, "1e9"):
        with pytest.raises(LedgerError, match="no whole number"):
            mix(ledger, key, wrong_number, "Dr Second")
    with pytest.raises(LedgerError, match="somebody else"):
        mix(tmp_path / "named", tmp_path / "k2", NUMBER, "dr first")
    with pytest.raises(LedgerError, match="another ledger"):
        mix(ledger, tmp_path / "k2", NUMBER, "Dr Second")
    mix(ledger, key, hex(NUMBER), "Dr Second")
    assert opening(ledger).number == str(NUMBER), "the spelling of a number is nobody's choice"
    with pytest.raises(LedgerError, match="mixed in already"):
        mix(ledger, key, 999999999, "Dr Third")
    allocate(tmp_path / "named", ask("P1", protocol))
    with pytest.raises(LedgerError, match="allocated already"):
        mix(tmp_path / "named", tmp_path / "k2", NUMBER, "Dr Second")
    with (
        sqlite3.connect(tmp_path / "named") as connection,
        pytest.raises(sqlite3.IntegrityError, match="before the first"),
    ):
        row = (44, "", "mixed", None, None, None, None, None, "{}", "", "")
        connection.execute(f"INSERT INTO entries VALUES ({', '.join('?' * 11)})", row)


def test_nobody_is_allocated_before_a_number_that_was_announced(tmp_path, protocol):
    ledger, key = tmp_path / "l", tmp_path / "k"
    public = "the draw of 2030-01-05, first three numbers"
    open_ledger(ledger, key, protocol, BLOCKS, 4, SITES, second=public)
    assert f"it waits for the number of {public}" in opening(ledger).statement
    with pytest.raises(LedgerError, match=f"before the number of {public} is mixed in"):
        allocate(ledger, ask("P1", protocol))
    mix(ledger, key, 314159265, public)
    assert allocate(ledger, ask("P1", protocol)).kit and wrong(ledger, key=key) == []


def test_a_ledger_of_one_person_says_so_wherever_it_is_shown(opened, protocol, tmp_path):
    import pandas as pd

    ledger, key = opened
    sentence = "opened by one person alone"
    assert sentence in opening(ledger).statement and sentence in allocations(ledger).attrs["opening"]
    assert any(fault.note and sentence in fault.problem for fault in verify(ledger))
    pd.DataFrame([facts() | {"patient_id": "P1"}]).to_csv(tmp_path / "t.csv", index=False)
    arguments = [ledger, PROTOCOL, tmp_path / "t.csv", "--site", "A", "--on", "2023-01-12", "--patient", "P1"]
    for done in (
        cli("open", tmp_path / "l2", PROTOCOL, "--key", tmp_path / "k2", "--procedure", "complete", "--n", 4),
        cli("allocate", *arguments),
        cli("verify", ledger, "--key", key),
        cli("export", ledger, "--out", tmp_path / "out.csv"),
    ):
        assert done.returncode == 0 and sentence in done.stdout, done.stdout + done.stderr
    few = cli("mix", tmp_path / "l2", "--key", tmp_path / "k2", "--number", 7, "--by", "Dr Second")
    assert few.returncode == 0 and "so few digits that all could be tried" in few.stdout
    assert any(fault.note and "so few digits" in fault.problem for fault in verify(tmp_path / "l2"))


def test_the_commands_from_commitment_to_verification(tmp_path):
    ledger, key = tmp_path / "l", tmp_path / "k"
    made = cli(
        "open", ledger, PROTOCOL, "--key", key, "--procedure", "permuted_blocks:sizes=2,4", "--n", 6, "--site", "A"
    )
    commitment = made.stdout.split("commitment")[1].split()[0]
    done = cli("mix", ledger, "--key", key, "--number", NUMBER, "--by", "Dr Second")
    assert done.returncode == 0 and f"the number {NUMBER} of Dr Second" in done.stdout, done.stderr
    assert not any(arm in made.stdout + done.stdout + done.stderr for arm in ARMS)
    proof = ["--key", key, "--commitment", commitment, "--number", NUMBER, "--protocol", PROTOCOL]
    good = cli("verify", ledger, *proof)
    assert good.returncode == 0 and "made again" in good.stdout and "one person alone" not in good.stdout, good.stdout
    other = cli("verify", ledger, "--commitment", "00" * 32)
    assert other.returncode == 1 and "not the commitment that was given away" in other.stdout
    named = cli("verify", ledger, "--number", NUMBER + 1)
    assert named.returncode == 1 and "is not the one that was named" in named.stdout
    again = cli("mix", ledger, "--key", key, "--number", 5, "--by", "Dr Third")
    assert again.returncode == 2 and "mixed in already" in again.stderr


@pytest.mark.long
def test_opening_again_and_again_against_the_same_number_is_seen(tmp_path, protocol):
    """The opener knows the number, opens as often as it takes, and keeps the list that pleases: it cannot be shown."""
    first, pleasing = None, 0
    for i in range(sample(30)):
        ledger, key = tmp_path / f"l{i}", tmp_path / f"k{i}"
        open_ledger(ledger, key, protocol, BLOCKS, 4, ("A",))
        mix(ledger, key, NUMBER, "Dr Second")
        first = first or opening(ledger).commitment
        arms = BLOCKS.deal(read_key(key).list_seed(str(NUMBER)), "age > 65: yes, site: A", 2)
        pleasing += arms == ("mscs", "mscs")
        faults = wrong(ledger, key=key, commitment=first, number=NUMBER)
        assert (faults == []) == (i == 0), f"opening {i}"
        assert i == 0 or [fault.entry for fault in faults] == [1]
        assert wrong(ledger, key=key, number=NUMBER) == [], "each is in order by itself: only the commitment tells"
        for file in (ledger, key):
            file.unlink()
    assert pleasing, "there was a list to be chosen"


# --- a second verifier -----------------------------------------------------------------------------------------------


def test_the_second_verifier_is_short_and_imports_nothing_of_ours(root):
    text = (root / "tests/second_verifier.py").read_text("utf-8")
    assert len(text.splitlines()) <= 150 and "import trialtools" not in text and "from trialtools" not in text


@pytest.fixture(scope="module")
def full(tmp_path_factory, protocol):
    """A ledger with an entry of every kind, its key, and the rows."""
    folder = tmp_path_factory.mktemp("full")
    ledger, key = folder / "l", folder / "k"
    open_ledger(ledger, key, protocol, BLOCKS, 5, SITES, second="Dr Second", name="Dr First")
    mix(ledger, key, NUMBER, "Dr Second")
    for i in range(6):
        kit = allocate(ledger, ask(f"P{i}", protocol, site=SITES[i % 2], age=40 + 30 * (i // 2 % 2))).kit
    allocate(ledger, ask("p 0", protocol), Override("Dr Wu", "two people of one number"))
    allocate(ledger, ask("P8", protocol, spo2=80), Override("Dr Wu", "agreed with the sponsor"))
    with pytest.raises(LedgerError):
        allocate(ledger, ask("P9", protocol, spo2=80))
    from dataclasses import replace

    allocate(ledger, ask("P10", replace(protocol, title="Amended")))
    correct(ledger, "P1", "age", "41", "Dr Wu", "birthday was read wrongly")
    return_kit(ledger, kit, "Pharmacist Zhao", "vial was broken")
    unblind(ledger, key, "P3", "Dr Wu", "anaphylaxis")
    connection = sqlite3.connect(ledger)
    rows = [list(row) for row in connection.execute(f"SELECT {', '.join(COLUMNS)} FROM entries ORDER BY seq")]
    connection.close()
    return ledger, key, rows


def test_both_verifiers_find_nothing_in_a_ledger_of_every_kind_of_entry(full):
    ledger, key, rows = full
    assert {row[2] for row in rows} == {
        *("opened", "kit", "mixed", "mixed kit", "allocated", "refused", "amended"),
        *("corrected", "returned", "unblinded"),
    }
    assert wrong(ledger, key=key) == [] and second_verifier.first_fault(rows, json.loads(key.read_text())) is None


SPOILT = ("", "x", "P1", "age > 65: no, site: B", "eligible", None, 0, 3, True, [], ["I7"], {}, "2023-01-12", "opened")


def mutated(rows, chance):
    """A ledger with one to three forgeries; mostly with hashes that were made anew, as by who knows the code."""
    rows = [list(row) for row in rows]
    for _ in range(chance.choice((1, 1, 2, 3))):
        at = chance.randrange(len(rows)) if chance.random() < 0.4 else chance.randrange(41, len(rows))
        row = rows[at]
        match chance.choice(("column", "detail", "detail", "key", "double", "cut", "swap", "twice", "kind")):
            case "column":
                place = chance.choice((1, 3, 4, 5, 6, 7))
                row[place] = chance.choice([*(other[place] for other in rows), "x", None])
            case "detail" if detail := json.loads(row[8]):
                inside = chance.choice(sorted(detail))
                others = [json.loads(other[8]).get(inside) for other in rows]
                detail[inside] = chance.choice([*SPOILT, *others])
                row[8] = canonical(detail)
            case "key":
                detail = json.loads(row[8])
                detail.pop(chance.choice(sorted(detail)), None) if chance.random() < 0.5 else detail.update(more=1)
                row[8] = canonical(detail)
            case "double":
                row[8] = row[8].replace("{", '{"by":{},', 1)
            case "cut":
                del rows[at]
            case "swap":
                other = chance.randrange(len(rows))
                rows[at], rows[other] = rows[other], row
            case "twice":
                rows.append(list(row))
            case "kind":
                row[2] = chance.choice((*(other[2] for other in rows[::9]), "note"))
    rows = [row for row in rows if row[1] is not None and row[2] is not None]
    if chance.random() < 0.8:
        before = ""
        for number, row in enumerate(rows, start=1):
            row[0], row[9] = number, before
            before = row[10] = hash_of(row)
    return rows


def rebuilt(rows, path):
    """The rows as a ledger file, written without its guards, which are put in afterwards."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA application_id = 0x54724C67")
    connection.execute("PRAGMA user_version = 2")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    connection.execute(SCHEMA[0])
    connection.executemany(f"INSERT OR IGNORE INTO entries VALUES ({', '.join('?' * len(COLUMNS))})", rows)
    kept = connection.execute(f"SELECT {', '.join(COLUMNS)} FROM entries ORDER BY seq").fetchall()
    connection.execute("COMMIT")
    connection.close()
    return kept


@pytest.mark.agreement
@pytest.mark.long
def test_both_verifiers_agree_on_mutated_ledgers(full, tmp_path):
    """Whether anything is wrong, and which entry is the first; without the key, and with it."""
    _, key, rows = full
    content, faults = json.loads(key.read_text()), 0
    for seed in range(sample(400)):
        ledger = tmp_path / str(seed)
        kept = rebuilt(mutated(rows, random.Random(seed)), ledger)
        ours, theirs = wrong(ledger), second_verifier.first_fault(kept)
        if theirs is None:  # in order by itself: what does the key show?
            ours, theirs = wrong(ledger, key=key), second_verifier.first_fault(kept, content)
        named = [fault.entry for fault in ours if "guards" not in fault.problem]
        first = min((entry for entry in named if entry), default=0) if named else None
        assert first == (theirs and theirs[0]), (seed, ours, theirs)
        faults += bool(named)
        ledger.unlink()
    assert faults > 0.6 * sample(400), "the forgeries were not worth the name"
