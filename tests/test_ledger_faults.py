"""Crashes, crowds, full disks and forgeries: real processes and real files, and nothing is lost or passes unseen."""

import itertools
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import POSIX, sample
from ledgers import BLOCKS, ROOT, START, Pairs, ask, run, wrong

from trialtools.arms import LedgerError, allocate, allocations, last_entry, open_ledger, verify
from trialtools.arms.entries import COLUMNS, hash_of

ALLOCATE = "print(allocate(sys.argv[1], ask(sys.argv[2], protocol())).kit)"
SITES = ("A", "B")


@pytest.fixture
def paths(tmp_path, protocol):
    open_ledger(tmp_path / "l", tmp_path / "k", protocol, Pairs(), 10, SITES)
    return tmp_path / "l", tmp_path / "k"


@POSIX
@pytest.mark.long
@pytest.mark.agreement
def test_eight_processes_allocate_hundreds_at_once(tmp_path, protocol):
    """Every fifth patient is asked for by two of the eight, so that the same request races itself."""
    ledger, key, n = tmp_path / "l", tmp_path / "k", sample(600) // 40 * 40
    open_ledger(ledger, key, protocol, BLOCKS, n // 4, SITES)
    code = f"p = protocol()\nfor me in range(8):\n  if os.fork(): continue\n  for i in range({n}):\n"
    code += "    if i % 8 == me or i % 40 == (me * 5 + 5) % 40:\n"
    code += "      r = allocate(sys.argv[1], ask(f'P{i}', p, site='AB'[i % 2], age=40 + 30 * (i // 2 % 2)))\n"
    code += "      os.write(1, f'P{i} {r.kit}\\n'.encode())\n"
    code += "  os._exit(0)\n"
    code += "sys.exit(any([os.wait()[1] for _ in range(8)]))"
    done = run(code, ledger)
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    assert len(told) > len(set(told)) == n  # both were told the same kit
    given = allocations(ledger, key)
    assert len(given) == given["kit"].nunique() == given["subject_id"].nunique() == n
    assert given["stratum"].value_counts().tolist() == [n // 4] * 4  # every kit of every stratum, none skipped
    by_arm = given.groupby("stratum")["arm"].value_counts().unstack()
    assert ((by_arm - n // 8).abs() <= 1).all(axis=None)  # an even number ends within a block of 6 at most by one
    assert wrong(ledger, key=key, protocol=protocol) == []


@pytest.fixture
def programs():
    """Makes a process for each ledger named to it, and tells its id and how it ended.

    It waits until it is traced, so that only the allocation is killed; Python and what it loads start once for all.
    """
    code = "import time, trialtools.arms.ledger\nr = ask('P1', protocol()); r.judgement()\n"
    code += "for line in sys.stdin:\n  ledger = line.strip()\n"
    code += (
        "  if child := os.fork():\n    print(child, flush=True); print(os.waitpid(child, 0)[1], flush=True); continue\n"
    )
    code += "  while not os.path.exists(f'{ledger} go'): time.sleep(0.005)\n"
    code += "  allocate(ledger, r)\n  os._exit(0)"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", START + code], stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as made:
        yield made


@POSIX
@pytest.mark.agreement
def test_killed_at_any_write_an_allocation_is_whole_or_not_there(paths, tmp_path, protocol, require, programs):
    """SIGKILL at the first, second, third ... call of each kind that changes the disk, until the program survives."""
    strace, (ledger, _), killed = require("strace"), paths, 0
    for call, turn in ((call, turn) for call in ("pwrite64", "fsync,fdatasync", "unlink") for turn in range(1, 30)):
        if turn == 1:
            survived = False
        if survived:
            continue
        copy = tmp_path / f"{call}{turn}"
        shutil.copy(ledger, copy)
        first = allocate(copy, ask("P0", protocol))
        print(copy, file=programs.stdin, flush=True)
        child = int(programs.stdout.readline())
        tracer = subprocess.Popen(
            [strace, "-f", "-o", "/dev/null", "-p", str(child), "-e", f"inject={call}:signal=SIGKILL:when={turn}"],
            stderr=subprocess.PIPE,
        )
        assert b"attached" in tracer.stderr.readline()
        copy.with_name(f"{copy.name} go").touch()
        code = os.waitstatus_to_exitcode(int(programs.stdout.readline()))
        tracer.wait(30)
        assert code in (0, -signal.SIGKILL)
        survived = code == 0
        assert wrong(copy) == [] or (copy.with_name(f"{copy.name}-journal")).exists()
        kept = export_after_recovery(copy)
        assert kept in ({"P0"}, {"P0", "P1"})
        again = allocate(copy, ask("P1", protocol))
        assert allocate(copy, ask("P1", protocol)) == again and again.kit != first.kit
        assert allocations(copy)["kit"].tolist() == [first.kit, again.kit]
        assert wrong(copy, [f"{first.entry}:{first.hash}", f"{again.entry}:{again.hash}"]) == []
        killed += not survived
    assert survived and killed > 8  # journal, pages, syncs and the removal of the journal


def export_after_recovery(ledger):
    connection = sqlite3.connect(ledger)
    rows = connection.execute("SELECT patient FROM entries WHERE kind = 'allocated'").fetchall()
    connection.close()
    return {patient for (patient,) in rows}


@POSIX
def test_a_full_disk_leaves_the_ledger_as_it_was(paths, protocol):
    """The file may not grow: the operating system refuses the write as a full disk does."""
    ledger, _ = paths
    first = allocate(ledger, ask("P0", protocol))
    code = "import resource, signal, os\np = protocol()\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    code += "resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(sys.argv[1]),) * 2)\n"
    code += "for i in range(1, 40):\n  known = {'age': 40 + 30 * (i % 2), 'site': 'AB'[i // 2 % 2]}\n"
    code += "  try: allocate(sys.argv[1], ask(f'P{i}', p, **known))\n"
    code += "  except LedgerError as e: print(f'P{i}'); print(e, file=sys.stderr); break"
    done = run(code, ledger)
    assert done.returncode == 0 and "as it was before" in done.stderr, done.stderr
    failed = done.stdout.split()[-1]
    assert failed not in set(allocations(ledger)["subject_id"])
    assert wrong(ledger, [f"{first.entry}:{first.hash}"]) == []
    kept = len(allocations(ledger))
    allocate(ledger, ask("again", protocol, age=40))  # there is room again
    assert len(allocations(ledger)) == kept + 1


# --- forgeries: whoever has the file can drop its guards -------------------------------------------------------------


def forge(ledger, *statements):
    """Change the file as somebody with a SQLite browser would, and put the guards back."""
    connection = sqlite3.connect(ledger)
    guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in guards:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    for _, sql in guards:
        connection.execute(sql)
    connection.commit()
    connection.close()


@pytest.fixture
def filled(paths, protocol):
    for i in range(6):
        allocate(paths[0], ask(f"P{i}", protocol))
    return paths[0]  # 1 opening, 40 kits, entries 42 to 47


@pytest.mark.parametrize(
    ("forgery", "entry", "message"),
    [
        (["UPDATE entries SET patient = 'X' WHERE seq = 44"], 44, "changed"),
        (["UPDATE entries SET detail = '{' WHERE seq = 44"], 44, "cannot be read"),
        (["UPDATE entries SET detail = '[]' WHERE seq = 44"], 44, "cannot be read"),
        (["UPDATE entries SET detail = '{}' WHERE seq = 1"], 1, "changed"),
        (["UPDATE entries SET patient = x'ff' WHERE seq = 44"], 44, "cannot be read"),
        (["UPDATE entries SET patient = CAST(x'ff' AS TEXT) WHERE seq = 44"], 44, "cannot be read"),
        (["UPDATE entries SET at = '2020-01-01T00:00:00+00:00' WHERE seq = 44"], 44, "changed"),
        (["UPDATE entries SET kit = 'K-0' WHERE seq = 7"], 7, "changed"),
        (["DELETE FROM entries WHERE seq = 44"], 44, "missing"),
        (["DELETE FROM entries WHERE seq IN (44, 45)"], 44, "44 to 45"),
        (["DELETE FROM entries WHERE seq = 44", "UPDATE entries SET seq = seq - 1 WHERE seq > 44"], 44, "follow"),
        (
            ["UPDATE entries SET seq = -seq WHERE seq IN (43, 44)", "UPDATE entries SET seq = 87 + seq WHERE seq < 0"],
            43,
            "moved",
        ),
        (["DELETE FROM entries WHERE seq > 45"], 46, "cut off"),
        (["DROP INDEX patient_once"], 0, "guards"),
    ],
)
def test_a_forgery_is_found_and_its_row_named(filled, forgery, entry, message):
    assert wrong(filled) == []
    forge(filled, *forgery)
    faults = wrong(filled)
    assert faults[0].entry == entry, faults
    assert any(message in fault.problem and fault.entry == entry for fault in faults), faults


def test_only_an_anchor_outside_shows_a_careful_cut(filled):
    """The last two are cut off and the file's own memory of them too: nothing inside can tell."""
    anchor = last_entry(filled)
    forge(filled, "DELETE FROM entries WHERE seq > 45", "UPDATE sqlite_sequence SET seq = 45")
    assert wrong(filled) == []
    assert [fault.entry for fault in wrong(filled, [anchor])] == [47]


def test_a_chain_forged_from_an_entry_on_breaks_the_rules_or_an_anchor(filled):
    """Somebody who knows the code gives P3 another kit and makes every later hash anew."""
    anchor, connection = last_entry(filled), sqlite3.connect(filled)
    rows = [list(row) for row in connection.execute(f"SELECT {', '.join(COLUMNS)} FROM entries ORDER BY seq")]
    connection.close()
    statements, at = [], {column: place for place, column in enumerate(COLUMNS)}
    for before, row in itertools.pairwise(rows[43:]):
        row[at["previous"]] = before[at["hash"]]
        row[at["kit"]] = rows[10][at["kit"]] if row[0] == 45 else row[at["kit"]]
        row[at["hash"]] = hash_of(row)
        values = ", ".join(f"{column} = '{row[at[column]]}'" for column in ("previous", "kit", "hash"))
        statements.append(f"UPDATE entries SET {values} WHERE seq = {row[0]}")
    forge(filled, *statements)
    assert [fault.entry for fault in wrong(filled)] == [45]  # the chain holds, but the kit was not the next one
    assert 47 in [fault.entry for fault in wrong(filled, [anchor])]


@pytest.mark.parametrize(
    "forgery",
    [
        """UPDATE entries SET detail = replace(detail, '{"against"', '{"against":[],"against"') WHERE seq = 47""",
        "UPDATE entries SET detail = '{}' WHERE seq = 1",
        "UPDATE entries SET detail = json_set(detail, '$.sites', 3) WHERE seq = 1",
        "UPDATE entries SET detail = json_set(detail, '$.bound', 'x') WHERE seq = 1",
        "UPDATE entries SET detail = json_set(detail, '$.by', NULL) WHERE seq = 47",
        "UPDATE entries SET detail = json_set(detail, '$.override', 'x') WHERE seq = 47",
        "UPDATE entries SET at = 'soon' WHERE seq = 47",
        """UPDATE entries SET detail = '{"sealed":3}' WHERE kind = 'kit'""",
        "DELETE FROM entries WHERE kind = 'kit'",
    ],
)
@pytest.mark.parametrize("new_hashes", [False, True])
def test_from_a_forged_entry_nobody_goes_on(filled, paths, protocol, tmp_path, monkeypatch, forgery, new_hashes):
    """Also where every hash was made anew and no receipt is kept: an entry of another form is refused by number."""
    monkeypatch.setenv("TRIALTOOLS_RECEIPTS", str(tmp_path / "none"))
    forge(filled, forgery)
    if new_hashes:
        connection, before = sqlite3.connect(filled), ""
        rows = [list(row) for row in connection.execute(f"SELECT {', '.join(COLUMNS)} FROM entries ORDER BY seq")]
        for row in rows:
            row[9] = before
            before = row[10] = hash_of(row)
        connection.close()
        forge(filled, *(f"UPDATE entries SET previous = '{r[9]}', hash = '{r[10]}' WHERE seq = {r[0]}" for r in rows))
    with pytest.raises(LedgerError, match=r"entry \d+ is not what|has no such kit"):
        allocations(filled, paths[1])
        allocate(filled, ask("P9", protocol))


@pytest.mark.parametrize("kept", [0, 50, 4096, 20_000, -4096, -1])
def test_a_file_cut_short_is_found(filled, kept):
    content = filled.read_bytes()
    filled.write_bytes(content[:kept])
    try:
        assert wrong(filled)
    except LedgerError as error:
        assert "not a ledger" in str(error)


def test_a_clock_set_back_is_flagged_and_order_stays(paths, protocol):
    ledger, _ = paths
    allocate(ledger, ask("P1", protocol))
    code = "import trialtools.arms.chain as chain, datetime\nclass Back(datetime.datetime):\n  @classmethod\n"
    code += "  def now(cls, tz=None): return super().now(tz) - datetime.timedelta(days=3)\n"
    code += "chain.datetime = Back\n" + ALLOCATE
    assert run(code, ledger, "P2").returncode == 0
    allocate(ledger, ask("P3", protocol))
    assert allocations(ledger)["subject_id"].tolist() == ["P1", "P2", "P3"]
    notes = [fault for fault in verify(ledger) if "clock was set back" in fault.problem]
    assert [(fault.entry, fault.note) for fault in notes] == [(43, True)] and wrong(ledger) == []


def test_opening_fails_whole(tmp_path, protocol):
    """No room for the ledger: no half of it stands there, and the message shows no arm."""
    code = "import resource, signal\np = protocol()\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    code += "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
    code += "open_ledger(sys.argv[1], sys.argv[2], p, Pairs(), 200, ('A', 'B'))"
    done = run(code, tmp_path / "l", tmp_path / "k")
    assert done.returncode == 1 and "LedgerError" in done.stderr
    assert "mscs" not in done.stderr and "comparator" not in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["k"]


def test_what_is_no_ledger_is_not_taken_for_one(tmp_path, protocol):
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE entries (seq)").connection.close()
    (tmp_path / "text").write_text("not a ledger" * 1000)
    for name in ("other.db", "text", "absent"):
        with pytest.raises(LedgerError):
            allocate(Path(tmp_path / name), ask("P1", protocol))


def test_a_name_in_an_older_encoding_is_a_name(tmp_path, protocol):
    folder = tmp_path / os.fsdecode(b"St\xe9phane #1")
    folder.mkdir()
    open_ledger(folder / "l?x=1", folder / "k", protocol, BLOCKS, 4, SITES)
    allocate(folder / "l?x=1", ask("P1", protocol))
    assert (
        allocations(folder / "l?x=1", folder / "k")["subject_id"].tolist() == ["P1"] and wrong(folder / "l?x=1") == []
    )
