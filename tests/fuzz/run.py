"""Tries at each door for so many seconds: `make fuzz SECONDS=600`, or `python -m fuzz.run 60 csvfiles` in `tests/`.

A try that ends in anything but a result or a refusal, or takes longer than ten seconds, is printed with its seed.
"""

from __future__ import annotations

import signal
import sys
import time
import traceback
from importlib import import_module
from pathlib import Path
from random import Random
from types import FrameType

DOORS = tuple(sorted(file.stem for file in Path(__file__).parent.glob("*.py") if file.stem not in ("run", "tables")))
BATCH = 50
"""Tries between two looks at the clock."""
HANGS = 10
"""Seconds after which a try counts as hanging."""


def run(door: str, n: int, first: int = 0) -> list[str]:
    """The faults found in n tries at a door, each with the seed that shows it again."""
    attempt, faults = import_module(f"fuzz.{door}").attempt, []
    before = signal.signal(signal.SIGALRM, _hangs)
    try:
        for seed in range(first, first + n):
            signal.alarm(HANGS)
            try:
                attempt(Random(seed))
            except KeyboardInterrupt:
                raise
            except BaseException:  # a panic of Polars and a hang are no ordinary errors
                faults.append(f"{door}, seed {seed}\n{traceback.format_exc(limit=-3)}")
            finally:
                signal.alarm(0)
    finally:
        signal.signal(signal.SIGALRM, before)
    return faults


class Hang(BaseException):
    """Not an error that anybody could take for one of the file."""


def _hangs(number: int, frame: FrameType | None) -> None:
    raise Hang(f"more than {HANGS} seconds")


def main(arguments: list[str]) -> int:
    seconds, doors = float(arguments[0]), arguments[1:] or DOORS
    tried, bad = dict.fromkeys(doors, 0), 0
    for door in doors:
        seed, end = time.time_ns() % 2**40, time.monotonic() + seconds / len(doors)
        while time.monotonic() < end:
            faults = run(door, BATCH, first=seed + tried[door])
            tried[door] += BATCH
            bad += len(faults)
            print(*faults, sep="\n", end="\n" if faults else "", flush=True)
        print(f"{door}: {tried[door]:,} tries", flush=True)
    print(f"{sum(tried.values()):,} tries, {bad} faults")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
