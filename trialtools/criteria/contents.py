"""A protocol file goes in, a frozen and checked `Protocol` comes out; its methods are the contents of this room."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .language import ProtocolError, words
from .patient.items import open_items
from .patient.nearest import nearest_eligible
from .patient.verdict import explain
from .proofs.conditions import judge, same, someone
from .proofs.findings import lint
from .protocol.file import with_source, write_protocol
from .protocol.limits import amend, threshold_table, with_thresholds
from .protocol.model import ProtocolData
from .protocol.yamlfile import read_text, read_yaml
from .stage import Stage, expect

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class Protocol(Stage, ProtocolData):
    """A registered trial as logic. It checks itself when it is built, so that a broken one cannot exist.

    Fields are what the file says; methods are what can be asked of it without a patient table.
    """

    amend = amend
    explain = explain
    judge = judge
    lint = lint
    nearest_eligible = nearest_eligible
    open_items = open_items
    same = same
    someone = someone
    threshold_table = threshold_table
    with_thresholds = with_thresholds
    write = write_protocol
    _offered = (
        *("criterion", "facts_of", "formula", "questions", "reading", "requirements", "sha256", "text", "used_fields"),
        "with_readings",
    )

    def ambiguity_table(self) -> pd.DataFrame:
        """The unclear phrases of the registry text, and what was done about each.

        Columns: id, at (a criterion, the label of an arm, an item of the design), text, problem, treatment (reading,
        assumption or note), choice.
        """
        import pandas as pd

        columns = ["id", "at", "text", "problem", "treatment", "choice"]
        frame = pd.DataFrame([[getattr(a, name) for name in columns] for a in self.ambiguities], columns=columns)
        return frame.replace({"at": {arm.id: arm.label for arm in self.arms}})

    def assumption_table(self) -> pd.DataFrame:
        """What the registry does not state and the file therefore assumes: item, value, why."""
        import pandas as pd

        labels = {each.id: each.label for each in self.arms} | {name: f.label for name, f in self.fields.items()}
        rows = [(name, _value_text(item.value, labels), item.why) for name, item in self.design.items() if item.assumed]
        for arm in self.arms:
            if arm.dosing and arm.dosing.assumed:
                anchor = labels.get(arm.dosing.anchor, arm.dosing.anchor)
                window = f"day {arm.dosing.first_day} to {arm.dosing.last_day} after {anchor}"
                rows.append((f"dosing window, {arm.label}", window, "; ".join(arm.dosing.assumed)))
        return pd.DataFrame(rows, columns=["item", "value", "why"])

    def criteria_table(self) -> pd.DataFrame:
        """The criteria as they are read: criterion, kind, label, reading, words, quote, why."""
        import pandas as pd

        columns = ["criterion", "kind", "label", "reading", "words", "quote", "why"]
        rows = []
        for c in self.criteria:
            text = words(self.formula(c.id), self.fields)
            rows.append((c.id, c.kind, c.label, self.reading(c.id), text, " … ".join(c.quotes), c.why))
        return pd.DataFrame(rows, columns=columns)

    def _lines(self) -> list[str]:
        kinds = [criterion.kind for criterion in self.criteria]
        read = [f"{c.id} {self.reading(c.id)}" for c in self.criteria if c.readings]
        assumed = sum(item.assumed for item in self.design.values())
        return [
            f"{self.id} · {self.title}",
            f"{kinds.count('inclusion')} inclusions, {kinds.count('exclusion')} exclusions, {len(self.fields)} fields"
            + (f" · {len(read)} sentences with readings: {', '.join(read)}" if read else ""),
            f"arms: {', '.join(arm.label for arm in self.arms) or 'none declared'} · "
            f"assumed: {assumed} statements of the design · {len(self.ambiguities)} unclear phrases",
            ".criteria_table() .lint() .explain(patient) .amend({…}) .threshold_table() …",
        ]


def _value_text(value: object, labels: Mapping[str, str]) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{labels.get(key, key)} {item}" for key, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def load_protocol(path: str | os.PathLike[str], readings: Mapping[str, str] | str | None = None) -> Protocol:
    """The protocol that a YAML file holds.

    Args:
        path: the file; its `source` is looked for beside it.
        readings: by criterion id, the reading to choose where a sentence is ambiguous, the first one otherwise; as a
            mapping, or as text such as `"I6=registered, E7=literal"`.

    Raises:
        ProtocolError: the first fault, with file, line, column and the nearest name.

    >>> protocol = load_protocol("data/protocols/NCT05741099.yaml", readings={"I6": "registered"})
    >>> protocol.reading("I6"), protocol.reading("E7")
    ('registered', 'other_viruses')
    """
    expect(path, str | os.PathLike, "tt.load_protocol(path)", "the path of a protocol file")
    file = Path(path)
    written = read_text(path, "the protocol")
    chosen = _pairs(readings) if isinstance(readings, str) else readings
    return read_protocol(written, name=str(path), folder=file.parent, readings=chosen)


def _pairs(text: str) -> dict[str, str]:
    """`"I6=registered, E7=literal"` as a mapping."""
    chosen = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        criterion, sign, reading = (piece.strip() for piece in part.partition("="))
        if not (criterion and sign and reading):
            raise ProtocolError(f"'{part}' is not of the form criterion=reading, such as I6=registered")
        if chosen.setdefault(criterion, reading) != reading:
            raise ProtocolError(f"{criterion} is read in two ways, as {chosen[criterion]} and as {reading}; choose one")
    return chosen


def read_protocol(
    written: str, name: str = "protocol", folder: Path | None = None, readings: Mapping[str, str] | None = None
) -> Protocol:
    """The protocol that a YAML text holds; `name` stands for the file in errors, `source` is sought in `folder`."""

    return read_yaml(written, Protocol, name, partial(with_source, folder, readings))


# --- what comes with the package --------------------------------------------------------------------------------------


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
