"""Speed as ratios measured in one run: `make bench`, or `python tests/benchmarks/run.py --quick`.

Synthetic patients are drawn once into a cache folder outside the repository. Every contestant runs in a process of its
own, in turn with the others, and its best round counts. Seconds depend on the machine and its load; the ratios of one
run do not, or hardly. Contestants that count different patterns end the run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contestants import CONTESTANTS, FRAMES, HERE, PROTOCOL

ROOT = HERE.parents[1]
CONTEST = HERE / "contestants.py"
ROUNDS = {100_000: 5, 1_000_000: 5, 10_000_000: 2}
IMPORTS = 7
LOOK = [
    *("-p", f"protocol={ROOT / 'data/protocols/NCT05741099.yaml'}"),
    *("-p", f"data={ROOT / 'data/trial'}", "-p", "cutoff=2023-08-17"),
]
SEED = 1


@dataclass(frozen=True)
class Row:
    """One line of the table: a figure, and where the design sets one, the limit it must keep."""

    what: str
    figure: float | None
    unit: str
    limit: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.figure is None or self.limit is None:
            return ""
        kept = self.figure >= self.limit if self.at_least else self.figure <= self.limit
        return "ok" if kept else "over" if not self.at_least else "under"

    @property
    def text(self) -> str:
        digits = {"x": 2, "s": 2, "ms": 1, "MB": 0}[self.unit]
        figure = "-" if self.figure is None else f"{self.figure:,.{digits}f} {self.unit}"
        sign = "at least" if self.at_least else "at most"
        limit = "" if self.limit is None else f"{sign} {self.limit:g} {self.unit}"
        return f"  {self.what:<58}{figure:>12}   {limit:<18}{self.verdict:<6}{self.note}".rstrip()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="100,000 patients only")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000_000, 10_000_000], help="numbers of patients")
    parser.add_argument("--rounds", type=int, help="rounds for every size")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a limit is not kept")
    options = parser.parse_args(arguments)
    sizes = [100_000] if options.quick else options.sizes
    print(_machine())
    kept = True
    for n in sizes:
        rows = list(contest(n, options.rounds or ROUNDS.get(n, 3)))
        kept &= _print(f"{n:,} patients, 20 criteria, 40 columns, Parquet; best of rounds taken in turn", rows)
    kept &= _print("In the browser: one patient on the desk, 100,000 in the explorer", [*keys()])
    kept &= _print("Interim looks", [_boundaries(), _report()])
    kept &= _print("Start-up", [*start_up()])
    return 1 if options.strict and not kept else 0


def _machine() -> str:
    import polars

    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{os.cpu_count()} cores{load}, Python {platform.python_version()}, Polars {polars.__version__}"


def _print(title: str, rows: list[Row]) -> bool:
    print(f"\n{title}\n", *(row.text for row in rows), sep="\n", flush=True)
    return all(row.verdict in ("", "ok") for row in rows)


# --- screening --------------------------------------------------------------------------------------------------------


def contest(n: int, rounds: int) -> Iterator[Row]:
    """Reading, screening and counting against the floor, a hand-written query and nullable pandas."""
    file = patients(n)
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTESTANTS}
    for turn in range(rounds):
        for name in CONTESTANTS:
            _say(f"{n:,} patients, round {turn + 1} of {rounds}: {name}")
            results[name].append(_run(name, file))
    counts = _agreed(results)
    best = {name: _best(runs) for name, runs in results.items()}
    ours, by_hand, nullable = best["trialtools"]["screen"], best["polars"]["screen"], best["pandas"]["screen"]
    floor, read, large = best["scan"]["scan"].seconds, best["trialtools"]["read"], n >= 10_000_000
    yield Row("scan and sum of the same columns (Polars): the floor", floor, "s", note=best["scan"]["scan"].text)
    yield Row("hand-written Polars query / floor", by_hand.seconds / floor, "x", note=by_hand.text)
    yield Row("trialtools screen / floor", ours.seconds / floor, "x", 1.8, note=ours.text)
    yield Row("trialtools screen / hand-written Polars query", ours.seconds / by_hand.seconds, "x", 1.15)
    faster = nullable.seconds / ours.seconds
    yield Row("nullable pandas / trialtools screen", faster, "x", 4.0 if large else None, True, nullable.text)
    yield Row("peak memory of trialtools screen", ours.megabytes, "MB", 600.0 if large else None)
    yield Row("trialtools read and check (ids, values) / floor", read.seconds / floor, "x", note=read.text)
    whole, checked = best["trialtools"]["whole"], best["checked_polars"]["screen"]
    yield Row(
        "hand-written query with the same checks / without", checked.seconds / by_hand.seconds, "x", note=checked.text
    )
    yield Row(
        "trialtools from file to patterns / hand-written, checked",
        whole.seconds / checked.seconds,
        "x",
        1.3,
        note=whole.text,
    )
    yield Row("trialtools from file to patterns / hand-written query", whole.seconds / by_hand.seconds, "x", 2.0)
    yield _frames(best["trialtools"]["frames"].seconds, counts["frames"], n)
    swept = best["trialtools"]["sweep"].seconds / ours.seconds
    yield Row("eligible at every upper age / trialtools screen", swept, "x", note=best["trialtools"]["sweep"].text)
    if "changed" in best["trialtools"]:
        changed, limited = best["trialtools"]["changed"].seconds, n == 1_000_000
        yield Row("one threshold changed, all counted again", 1000 * changed, "ms", 15.0 if limited else None)
        again = ours.seconds / changed
        yield Row("screened from the start / one threshold changed", again, "x", 15.0 if limited else None, True)
    same = f"{counts['patterns']:,}, the same from all {len(results) - 1} contestants"
    yield Row("patterns", None, "x", note=same)


@dataclass(frozen=True)
class Best:
    """The shortest time of a phase over all rounds, and the most memory."""

    seconds: float
    megabytes: float

    @property
    def text(self) -> str:
        return f"{self.seconds:.2f} s, {self.megabytes:,.0f} MB"


def _best(runs: list[dict[str, Any]]) -> dict[str, Best]:
    phases = [phase for phase in runs[0] if phase != "found"]
    return {
        phase: Best(min(run[phase]["seconds"] for run in runs), max(run[phase]["megabytes"] for run in runs))
        for phase in phases
    }


def _frames(seconds: float, made: list[str], n: int) -> Row:
    lacking = [name for name in FRAMES if name not in made]
    note = f"without {', '.join(lacking)}: no function for it yet" if lacking else ""
    return Row(f"{' + '.join(made)} from patterns", 1000 * seconds, "ms", 50.0 if n == 1_000_000 else None, note=note)


def _run(name: str, file: Path) -> dict[str, Any]:
    done = subprocess.run([sys.executable, str(CONTEST), name, str(file)], capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def _agreed(results: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """What was found, once it is sure that everybody found the same."""
    counts = {name: runs[0]["found"] for name, runs in results.items() if name != "scan"}
    prints = {name: run["found"]["sha256"] for name, runs in results.items() if name != "scan" for run in runs}
    if len(set(prints.values())) > 1:
        raise SystemExit(f"the contestants do not agree: {json.dumps(counts, indent=1)}")
    return counts["trialtools"]


def patients(n: int) -> Path:
    """A Parquet file of n synthetic patients, drawn once and kept while the simulation stays the same."""
    from trialtools.criteria.contents import load_protocol
    from trialtools.simulate.cohorts import LARGEST_CSV, write_cohort

    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trialtools" / "benchmarks"
    sources = [PROTOCOL, *sorted(file for file in (ROOT / "trialtools" / "simulate").iterdir() if file.is_file())]
    made_by = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    folder = base / f"{n}-{made_by}"
    file = folder / "cohort.parquet"
    if n <= LARGEST_CSV:
        raise SystemExit(f"{n:,} patients are too few to measure; use more than {LARGEST_CSV:,}")
    if not file.exists():
        for stale in base.glob(f"{n}-*"):
            shutil.rmtree(stale)
        start = time.perf_counter()
        _say(f"drawing {n:,} synthetic patients")
        write_cohort(load_protocol(PROTOCOL), n, SEED, folder, path=PROTOCOL)
        _say("")
        seconds, size = time.perf_counter() - start, file.stat().st_size / 1e6
        print(f"drew {n:,} synthetic patients in {seconds:.0f} s ({size:,.0f} MB, kept in {folder})", flush=True)
    return file


def _say(what: str) -> None:
    """Progress on one line of the terminal; nothing where nobody looks."""
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)


# --- in the browser ---------------------------------------------------------------------------------------------------


def keys() -> Iterator[Row]:
    """From a key to the verdict of the desk, and to the redrawn figure of the explorer of 100,000 patients."""
    what = "key press to {} in JupyterLab"
    parameters = {"protocol": str(PROTOCOL), "patients": str(patients(100_000))}
    _say(what.format("verdict"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/ui/speed.py"],
        env=os.environ | {"TRIALTOOLS_UI_PARAMETERS": json.dumps(parameters)},
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    _say("")
    matches = {
        name: numbers for name, *numbers in re.findall(r"SPEED (.+): (\d+), (\d+), (\d+), ([\d.]+)", done.stdout)
    }
    if not matches:
        why = (done.stdout.strip().splitlines() or ["no browser"])[-1]
        yield Row(what.format("verdict"), None, "ms", note=f"not measured: {why}")
    for name, numbers in matches.items():
        median, p90, worst, empty = map(float, numbers)
        yield Row(f"{what.format(name)} / an empty cell", median / empty, "x")
        desk = name == "verdict"
        yield Row(f"{what.format(name)}: median", median, "ms", None if desk else 150.0)
        yield Row(f"{what.format(name)}: p90", p90, "ms", 100.0 if desk else 200.0, note=f"worst {worst:.0f} ms")


# --- interim ---------------------------------------------------------------------------------------------------------


def _boundaries() -> Row:
    """The bounds of five looks, once the libraries below them are there."""
    from trialtools.interim import boundaries

    best = float("inf")
    for _ in range(IMPORTS):
        start = time.perf_counter()
        boundaries([0.18, 0.41, 0.6, 0.83, 1.0])
        best = min(best, time.perf_counter() - start)
    return Row("boundaries of 5 looks", 1000 * best, "ms", 25.0)


def _report() -> Row:
    """The open interim report against papermill on a notebook that only imports pandas and plotly, taken in turn."""
    import nbformat
    from nbformat.v4 import new_code_cell, new_notebook

    best = {"report": float("inf"), "papermill": float("inf")}
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.ipynb"
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(
            new_notebook(cells=[new_code_cell("import pandas\nimport plotly.express")], metadata=kernel), empty
        )
        commands = {
            "report": ["-m", "trialtools", "report", "interim", *LOOK, "--out", f"{folder}/reports"],
            "papermill": ["-m", "papermill", "--no-progress-bar", str(empty), f"{folder}/out.ipynb"],
        }
        for _ in range(3):
            for name, command in commands.items():
                start = time.perf_counter()
                subprocess.run([sys.executable, *command], cwd=ROOT, check=True, capture_output=True)
                best[name] = min(best[name], time.perf_counter() - start)
    note = f"{best['report']:.1f} s against {best['papermill']:.1f} s"
    return Row("interim report / papermill on two imports", best["report"] / best["papermill"], "x", 2.5, note=note)


# --- start-up ---------------------------------------------------------------------------------------------------------


def start_up() -> Iterator[Row]:
    """What a person waits for before anything happens, each in a fresh process."""
    commands = {
        "polars": ["-c", "import polars"],
        "trialtools": ["-c", "import trialtools"],
        "rooms": ["-c", "from trialtools import load_protocol, read_patients, screen"],
        "help": ["-m", "trialtools", "--help"],
    }
    best = dict.fromkeys(commands, float("inf"))
    for _ in range(IMPORTS):
        for name, command in commands.items():
            _say(f"start-up: {name}")
            start = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, capture_output=True, cwd=ROOT)
            best[name] = min(best[name], time.perf_counter() - start)
    _say("")
    yield Row("import trialtools / import polars", best["trialtools"] / best["polars"], "x", 1.5)
    yield Row("import of load, read and screen / import polars", best["rooms"] / best["polars"], "x")
    yield Row("trialtools --help", best["help"], "s", 0.6)
    yield Row("load_protocol, first time", 1000 * _load(), "ms")


def _load() -> float:
    code = (
        "import time; from trialtools import load_protocol; start = time.perf_counter();"
        "load_protocol('data/protocols/NCT05741099.yaml'); print(time.perf_counter() - start)"
    )
    runs = [subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=ROOT) for _ in range(3)]
    return min(float(run.stdout) for run in runs)


if __name__ == "__main__":
    sys.exit(main())
