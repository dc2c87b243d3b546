"""The ledger under real procedures: opened, allocated from and made again, by code and by command; minimization too."""

import json
from base64 import b64encode
from collections import Counter

import pandas as pd
import pytest
from conftest import POSIX
from ledgers import ARMS, BLOCKS, MINIMIZED, ask, cli, facts, run, wrong
from scipy.stats import chi2

from trialtools.arms import LedgerError, Minimization, allocate, allocations, open_ledger
from trialtools.arms.allocation import kit_list
from trialtools.arms.strata import strata

SITES = ("A", "B")
PROTOCOL = "data/protocols/NCT05741099.yaml"


@pytest.fixture
def minimized(tmp_path, protocol):
    ledger, key = tmp_path / "site" / "trial.ledger", tmp_path / "trial.key"
    ledger.parent.mkdir()
    open_ledger(ledger, key, protocol, MINIMIZED, 20, SITES)
    return ledger, key


def fill(ledger, key, protocol, n=16):
    for i in range(n):
        allocate(ledger, ask(f"P{i}", protocol, site=SITES[i // 2 % 2], age=40 + 30 * (i % 2)), key=key)


def test_blocks_are_made_again_from_the_key_file_alone(tmp_path, protocol):
    ledger, key = tmp_path / "l", tmp_path / "k"
    open_ledger(ledger, key, protocol, BLOCKS, 12, SITES)
    fill(ledger, None, protocol)
    assert wrong(ledger, key=key) == []
    seed = bytes.fromhex(json.loads(key.read_text())["seed"])
    for stratum, rows in allocations(ledger, key).groupby("stratum"):
        assert tuple(rows["arm"]) == BLOCKS.deal(seed, stratum, len(rows))
    content = json.loads(key.read_text())
    for changed in ({"plan": content["plan"] | {"sizes": [4]}}, {"seed": "00" * 32}, {"salt": "00" * 32}):
        key.write_text(json.dumps(content | changed))
        assert [fault.entry for fault in wrong(ledger, key=key)] == [1]  # not what was committed to


def test_the_kits_of_minimization_are_those_of_its_arms(minimized, protocol):
    ledger, key = minimized
    fill(ledger, key, protocol)
    seed, past = bytes.fromhex(json.loads(key.read_text())["seed"]), []
    levels = strata(MINIMIZED.strata, SITES)
    for stratum, arm in allocations(ledger, key)[["stratum", "arm"]].itertuples(index=False):
        assert arm == MINIMIZED.next(seed, past, levels[stratum])
        past.append((levels[stratum], arm))
    assert wrong(ledger) == wrong(ledger, key=key, protocol=protocol) == []
    assert (
        allocate(ledger, ask("P0", protocol, age=40), key=key).entry == allocations(ledger)["entry"][0]
    )  # asked again
    kits_given = allocations(ledger)
    with pytest.raises(LedgerError, match="where the key is"):
        allocate(ledger, ask("P99", protocol))
    assert allocations(ledger).equals(kits_given)


def test_a_list_wants_no_key_and_minimization_wants_its_own(minimized, tmp_path, protocol):
    open_ledger(tmp_path / "l", tmp_path / "k", protocol, BLOCKS, 4, SITES)
    with pytest.raises(LedgerError, match="keep the key away"):
        allocate(tmp_path / "l", ask("P1", protocol), key=tmp_path / "k")
    with pytest.raises(LedgerError, match="another ledger"):
        allocate(minimized[0], ask("P1", protocol), key=tmp_path / "k")
    assert len(allocations(tmp_path / "l")) == len(allocations(minimized[0])) == 0


def test_a_kit_that_was_not_decided_is_found_with_the_key(minimized, protocol, monkeypatch):
    """Whoever allocates hands out another kit that is left; the chain holds, and only the key can tell."""
    ledger, key = minimized
    fill(ledger, key, protocol, 5)

    def favourite(plan, seed, kits, past, levels):
        right = next_kit(plan, seed, kits, past, levels)
        taken = {right, *(kit for _, kit in past)}
        return next(kit for place, _, kit, _ in kits if place == f"site: {levels[1]}" and kit not in taken)

    next_kit = Minimization.next_kit
    monkeypatch.setattr(Minimization, "next_kit", favourite)
    entry = allocate(ledger, ask("chosen", protocol), key=key).entry
    monkeypatch.undo()
    allocate(ledger, ask("after", protocol), key=key)
    assert wrong(ledger) == []
    assert [(fault.entry, fault.note) for fault in wrong(ledger, key=key)] == [(entry, False)]


def test_which_kit_is_given_tells_nothing_of_the_arm():
    """Every kit of the place is as likely as another to be the first, and to be the second after it."""
    firsts, seconds, runs = Counter(), Counter(), 3000
    for i in range(runs):
        seed = b"%d" % i
        kits = kit_list(MINIMIZED, seed, SITES, 3)
        order = {kit: (place, position) for place, position, kit, _ in kits}
        first = MINIMIZED.next_kit(seed, kits, [], ("yes", "A"))
        second = MINIMIZED.next_kit(seed, kits, [(("yes", "A"), first)], ("yes", "A"))
        assert order[first][0] == order[second][0] == "site: A"
        firsts[order[first][1]] += 1
        seconds[order[first][1], order[second][1]] += 1
    for seen, cells in ((firsts, 6), (seconds, 30)):
        assert len(seen) == cells
        assert chi2.sf(sum((c - runs / cells) ** 2 / (runs / cells) for c in seen.values()), cells - 1) > 1e-6


@POSIX
def test_several_desks_minimize_at_once(minimized, protocol):
    ledger, key = minimized
    code = "p = protocol()\nfor me in range(4):\n  if os.fork(): continue\n  for i in range(me, 24, 4):\n"
    code += (
        "    allocate(sys.argv[1], ask(f'P{i}', p, site='AB'[i % 2], age=40 + 30 * (i // 2 % 2)), key=sys.argv[2])\n"
    )
    code += "  os._exit(0)\nsys.exit(any([os.wait()[1] for _ in range(4)]))"
    done = run(code, ledger, key)
    assert done.returncode == 0, done.stderr
    assert allocations(ledger)["kit"].nunique() == 24 and wrong(ledger, key=key) == []


def test_kits_of_an_arm_that_are_used_up_are_told_without_the_arm(tmp_path, protocol):
    ledger, key = tmp_path / "l", tmp_path / "k"
    open_ledger(ledger, key, protocol, MINIMIZED, 2, SITES)
    with pytest.raises(LedgerError, match="used up") as error:
        fill(ledger, key, protocol, 20)
    assert not any(word in str(error.value) for word in ARMS)
    assert 4 <= len(allocations(ledger)) <= 8 and wrong(ledger, key=key) == []


@pytest.mark.parametrize("plan", [BLOCKS, MINIMIZED], ids=["blocks", "minimization"])
def test_no_byte_outside_the_key_shows_arm_plan_seed_or_key(tmp_path, protocol, plan):
    ledger, key = tmp_path / "site" / "l", tmp_path / "k"
    ledger.parent.mkdir()
    open_ledger(ledger, key, protocol, plan, 10, SITES)
    needed = key if plan is MINIMIZED else None
    code = "import logging, traceback\nlogging.basicConfig(level=0)\np, key = protocol(), sys.argv[2] or None\n"
    code += "for i in range(12):\n  print(allocate(sys.argv[1], ask(f'P{i}', p, site='AB'[i % 2]), key=key))\n"
    code += "for act in (lambda: allocate(sys.argv[1], ask('P1', p, age=50), key=key),\n"
    code += "  lambda: allocate(sys.argv[1], ask('P99', p), key=None if key else '/none'),\n"
    code += "  lambda: allocate(sys.argv[1], ask('P99', p, spo2=80), key=key)):\n"
    code += "  try: act()\n  except LedgerError as error:\n"
    code += "    print(error, ''.join(traceback.format_exception(error)), file=sys.stderr)\n"
    code += "print(allocations(sys.argv[1]).to_csv(), verify(sys.argv[1]))"
    done = run(code, ledger, needed or "")
    assert done.returncode == 0 and done.stderr.count("LedgerError") >= 3, done.stderr
    content = json.loads(key.read_text())
    secret = [bytes.fromhex(content[name]) for name in ("seed", "salt", "private")]
    secrets = [*(arm.encode() for arm in ARMS), b"permuted", b"sizes", b"probability", b"placebo"]
    output = (done.stdout + done.stderr).lower().encode()
    for where in (output, *(file.read_bytes().lower() for file in ledger.parent.iterdir())):
        for word in secrets:
            for form in (word, word.hex().encode(), b64encode(word).lower().rstrip(b"=")[:-1]):
                assert form not in where, form
        assert not any(s in where or s.hex().encode() in where for s in secret)


@pytest.mark.parametrize(("n", "sites"), [(0, SITES), (2.5, SITES), (2, ("A", "A")), (2, (" A",))])
def test_a_ledger_that_could_give_nothing_is_not_opened(tmp_path, protocol, n, sites):
    with pytest.raises(LedgerError):
        open_ledger(tmp_path / "l", tmp_path / "k", protocol, BLOCKS, n, sites)
    assert list(tmp_path.iterdir()) == []


# --- the command line -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("procedure", ["permuted_blocks:sizes=2,4", "minimization:probability=3/4"])
def test_from_opening_to_remaking_by_command(tmp_path, procedure):
    ledger, key, table = tmp_path / "l", tmp_path / "k", tmp_path / "patients.csv"
    pd.DataFrame([facts() | {"patient_id": f"P{i}"} for i in range(3)]).to_csv(table, index=False)
    opened = cli("open", ledger, PROTOCOL, "--key", key, "--procedure", procedure, "--n", 6, "--site", "A")
    assert opened.returncode == 0, opened.stderr
    assert not any(arm in opened.stdout + opened.stderr for arm in ARMS)
    with_key = ["--key", key] if "minimization" in procedure else []
    for i in range(3):
        arguments = [ledger, PROTOCOL, table, "--site", "A", "--on", "2023-01-12", "--patient", f"P{i}", *with_key]
        done = cli("allocate", *arguments)
        assert done.returncode == 0, done.stderr
    made = cli(
        "verify", ledger, "--key", key, "--protocol", PROTOCOL, "--head", opened.stdout.split("head")[1].split()[0]
    )
    assert made.returncode == 0 and "made again" in made.stdout, made.stdout
    other = cli("verify", ledger, "--key", key, "--protocol", "data/protocols/NCT04288102.yaml")
    assert other.returncode == 1 and "protocol" in other.stdout
    again = cli("open", ledger, PROTOCOL, "--key", tmp_path / "k2", "--procedure", procedure, "--n", 6)
    assert again.returncode == 2 and "exists" in again.stderr


def test_the_plan_command_compares_procedures(tmp_path):
    out = tmp_path / "plans.csv"
    compared = ["--procedure", "big_stick:limit=2", "--procedure", "permuted_blocks:sizes=4"]
    done = cli("plan", PROTOCOL, *compared, "--n", 40, "--sites", 2, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "big stick 2" in done.stdout and "70.8 %" in done.stdout
    frame = pd.read_csv(out)
    assert set(frame["strata"]) == {1, 4} and frame["procedure"].nunique() == 2
    for misspelt in ("coin", "big_stick:limit", "big_stick:limit=x", "big_stick:sizes=4"):
        refused = cli("plan", PROTOCOL, "--procedure", misspelt)
        assert refused.returncode == 2 and "Traceback" not in refused.stderr, refused.stderr
