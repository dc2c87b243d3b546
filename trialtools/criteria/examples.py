"""A name goes in, a registered trial that comes with the package comes out: its protocol and a cohort to try it on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from .contents import Protocol, load_protocol
from .language import ProtocolError

_PACKAGE = Path(__file__).resolve().parents[1]
# A wheel holds `data` inside the package (pyproject.toml); a checkout has it beside the package.
_DATA = next((folder for folder in (_PACKAGE / "data", _PACKAGE.parent / "data") if folder.is_dir()), _PACKAGE / "data")


class Example(NamedTuple):
    """A protocol and the file of a synthetic cohort: the two arguments of `tt.screen`."""

    protocol: Protocol
    cohort: Path


def example(name: str, readings: Mapping[str, str] | str | None = None) -> Example:
    """A registered trial that comes with the package, and synthetic patients to screen for it.

    NCT02210780 has 200 of its own. The 2,000 of the other trials were drawn for NCT05741099, with one fact in six not
    known (an empty cell); facts that only its two neighbours ask for have no column and are unknown of everybody.

    Args:
        name: the number of the trial in the registry, such as "NCT05741099".
        readings: as in `load_protocol`.

    Raises:
        ProtocolError: no such example; the names that there are.

    >>> import trialtools as tt
    >>> protocol, cohort = tt.example("NCT05741099")
    >>> tt.screen(protocol, cohort).certain
    51
    """
    there = sorted(path.stem for path in (_DATA / "protocols").glob("*.yaml"))
    if name not in there:
        raise ProtocolError(f"there is no example {name!r}; there are {', '.join(there)}")
    protocol = load_protocol(_DATA / "protocols" / f"{name}.yaml", readings)
    own = _DATA / f"cohort_{name}" / "cohort.csv"
    return Example(protocol, own if own.exists() else _DATA / "cohort" / "cohort.csv")
