"""`trialtools qualify`: the requirements are tried on this machine, and what came of each is printed."""

from __future__ import annotations

from ...criteria.doors import DONE, FOUND
from .record import qualify, write_qualification


def _qualify(*, out: str | None = None, name: str = "") -> int:
    """Try what is required of ledger, randomization and boundaries on this machine; exit 1 on a deviation.

    Args:
        out (DIR): write the record there, as a page and as data
        name (WHO): who runs it
    """
    record = qualify(name=name)
    for trial in record.trials:
        print(f"{'ok        ' if trial.passed else 'DEVIATION '} {trial.number}  {trial.requirement}")
        if not trial.passed:
            print(f"            expected {trial.expected}, seen {trial.seen}")
    print(f"{len(record.trials) - len(record.deviations)} of {len(record.trials)} requirements as expected")
    for path in write_qualification(record, out) if out else ():
        print(f"wrote {path}")
    return FOUND if record.deviations else DONE


__commands__ = {"qualify": _qualify}
