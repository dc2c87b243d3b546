"""A protocol and patients go in, the cohort explorer comes out: criteria to change, the cohort that follows, live.

The explorer is one widget with any number of views. A view sends one edit at a time; Python answers with the counts
first and with the figure and its table after. What cannot be read is told beside its place; the last good edits stay.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import traitlets

from ..cohort.frames.attrition import criterion_states
from ..cohort.screening import Screening
from ..cohort.sources import Patients, read_patients
from ..cohort.whatif import (
    CohortCache,
    Edits,
    as_default,
    drop_criteria,
    edit,
    edited_protocol,
    read_edits,
    resolve_unknowns,
    toggle_effects,
    write_edits,
)
from ..criteria.contents import Protocol
from ..criteria.language.parser import MAX_NUMBER
from ..criteria.language.wording import printed_unit
from ..criteria.protocol import DataError, write_protocol
from ..criteria.stage import expect
from ..figures.format import LIMITS, count, plain
from . import card, panels
from .browser import Screen, script, style

_Faults = dict[str, tuple[str, str]]
"""By criterion, threshold or `brush`: what was typed and could not be taken, and why."""


def explorer(protocol: Protocol, patients: Any, mapping: Any = None, edits: Edits | None = None) -> Explorer:
    """The cohort explorer: switch criteria, move thresholds, reword them, and see who could enter.

    Args:
        protocol: what *Back to the protocol* returns to.
        patients: what `read_patients` gave, or anything it reads; kept in memory.
        mapping: brings the columns of `patients` to the protocol's fields.
        edits: what to begin with, such as `whatif.read_edits` gives.

    Every count is an interval, unknown taken as fail and as pass.

    >>> import trialtools as tt
    >>> from trialtools.cohort.whatif import Edits
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> screen = explorer(protocol, "data/cohort/cohort.csv")
    >>> screen.answer["headline"]
    'At least 51 and at most 350 of 2,000 patients are eligible'
    >>> screen.edits = Edits(off=("I2",))
    >>> screen.answer["differs"]
    'I2 off: 14 more at least, 100 more at most.'
    """
    expect(protocol, Protocol, "tt.widgets.explorer(protocol, patients)")
    return Explorer(protocol, read_patients(patients, protocol, mapping), edits or Edits())


class Explorer(Screen):
    """A cohort explorer. Set `edits`, and the rest follows; `screening`, `call`, `errors`, `yaml()` are its answers."""

    _esm = script("figure.js", "explorer.js")
    _css = style("explorer.css")
    elsewhere = "Open this notebook in JupyterLab, or as a page with make app, to change criteria by hand."

    layout_ = traitlets.Dict().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)
    panel = traitlets.Dict().tag(sync=True)

    def __init__(self, protocol: Protocol, patients: Patients, edits: Edits) -> None:
        self.protocol, self.patients = protocol, patients
        self._cohorts: dict[str, tuple[CohortCache, Screening]] = {}
        self._edits, self._faults = Edits(), _Faults()
        self._tab, self._threshold, self._limits = "flow", "", [{}]
        super().__init__(layout_=_layout(protocol, patients))
        self.edits = edits

    # --- what it says -------------------------------------------------------------------------------------------------

    @property
    def edits(self) -> Edits:
        """What differs from the protocol; the last that could be read."""
        return self._edits

    @edits.setter
    def edits(self, edits: Edits) -> None:
        self._show(edits, {})

    @property
    def errors(self) -> dict[str, str]:
        """By criterion, threshold or `brush`, why what was typed could not be taken."""
        return {place: why for place, (_, why) in self._faults.items()}

    @property
    def call(self) -> str:
        """The lines of Python that make what the panel shows, from `protocol` and `patients`."""
        return self.panel["call"]

    def yaml(self) -> str:
        """A protocol file of what is on the screen; to lie beside the protocol's own, for its registry text."""
        with tempfile.TemporaryDirectory() as folder:
            changed = as_default(edited_protocol(self.protocol, self.edits))
            return write_protocol(changed, Path(folder) / "protocol.yaml").read_text("utf-8")

    def _show(self, edits: Edits, faults: Mapping[str, tuple[str, str]]) -> None:
        """Counts first, and the panel after; edits that cannot be read are those of before."""
        edited = edit(self.protocol, edits, self._edits)
        typed = {"brush": edits.brush, **edits.texts}
        self._faults = {**faults, **{place: (typed.get(place, ""), why) for place, why in edited.errors.items()}}
        self._edits = edits = edited.edits
        cache, plain = self._cohort(edits.brush)
        full = cache.screen(edited.protocol, members=panels.PANELS[self._tab].members)
        self.screening = drop_criteria(full, edits.off)
        self._limits = full.protocol.threshold_table().astype(object).to_dict("records")
        movable = [row["threshold"] for row in self._limits if row["criterion"] not in edits.off]
        if self._threshold not in movable:
            self._threshold = movable[0] if movable else ""
        if self._tab == "sweep" and not movable:
            self._tab = "flow"
        step = self.answer.get("step", 0) + 1
        self.answer = {"step": step, **self._answer(full, plain, movable)}
        self.panel = {"step": step, **panels.panel(self.screening, self._tab, edits, self._threshold)}

    def _answer(self, full: Screening, plain: Screening, movable: list[str]) -> dict[str, Any]:
        edits = self._edits
        now, was = (resolve_unknowns(each, edits.unknowns) for each in (self.screening, plain))
        read = self.protocol.with_readings(edits.readings) if edits.readings else self.protocol
        limits = read.threshold_table().to_dict("records") if edits.thresholds else []
        gains = now.certain - was.certain, now.possible - was.possible
        return {
            "edits": {**asdict(edits), "off": list(edits.off)},
            "faults": {place: {"typed": typed, "why": why} for place, (typed, why) in self._faults.items()},
            "headline": headline(now.certain, now.possible, full.n, edits),
            "differs": _differences(edits, limits, gains),
            "n": full.n,
            "certain": now.certain,
            "possible": now.possible,
            "rows": _rows(full, self.protocol, edits, self._limits),
            "tab": self._tab,
            "threshold": self._threshold,
            "movable": [[row["threshold"], _limit_label(row)] for row in self._limits if row["threshold"] in movable],
        }

    def _cohort(self, brush: str) -> tuple[CohortCache, Screening]:
        """Everybody or a subgroup, and what the protocol finds there; the one looked at last is kept."""
        if brush not in self._cohorts:
            chosen = self.patients.filter(self.protocol, brush) if brush else self.patients
            cache = CohortCache(self.protocol, chosen)
            self._cohorts = {brush: (cache, cache.screen(self.protocol))}
        return self._cohorts[brush]

    # --- what a view wishes -------------------------------------------------------------------------------------------

    def hear(self, wish: Mapping[str, Any], buffers: list[bytes]) -> None:
        if self.notice.get("text") and wish["ask"] not in ("ready", "tab", "which"):
            self.tell("")  # what it said of the screen was said before this edit
        match wish["ask"]:
            case "yaml":
                name = f"{self.protocol.id}-changed.yaml"
                self.tell(f"Save it beside the protocol's own file. {self._scope}", name=name, content=self.yaml())
            case "save":
                content = write_edits(self.edits, self.protocol)
                self.tell(
                    "What is changed here, to open again.", name=f"{self.protocol.id}-state.json", content=content
                )
            case "open":
                self.edits = read_edits(str(wish["text"]), self.protocol)
                self.tell("It is as it was saved.")
            case "tab":
                self._tab = str(wish["tab"])
                self._show(self._edits, self._faults)
            case "which":
                self._threshold = str(wish["threshold"])
                self._show(self._edits, self._faults)
            case "reset":
                self.edits = Edits()
            case "ready":
                pass
            case _:
                self._change(wish)

    @property
    def _scope(self) -> str:
        """What a protocol file of what is shown holds, and what it cannot hold."""
        lacks = []
        if self.edits.brush:
            lacks.append(f"the subgroup ({self.edits.brush})")
        if self.edits.unknowns != "both":
            lacks.append("how open patients count")
        if not lacks:
            return "It screens exactly what is shown."
        return f"It holds the criteria, but not {' and '.join(lacks)}: it screens everybody, and both ends."

    def _change(self, wish: Mapping[str, Any]) -> None:
        """One edit."""
        edits, faults = self._edits, dict(self._faults)
        id = str(wish.get("criterion", ""))
        match wish["ask"]:
            case "off":
                off = [other for other in edits.off if other != id]
                edits = replace(edits, off=(*off, *([] if wish["on"] else [id])))
            case "reading":
                edits = _forget(edits, faults, id, readings=False)
                edits = replace(edits, readings={**edits.readings, id: str(wish["reading"])})
            case "text":
                edits, text = _forget(edits, faults, id, readings=False), str(wish["text"]).strip()
                if text and text != _wording(self.protocol, edits, id):
                    edits = replace(edits, texts={**edits.texts, id: text})
            case "threshold":
                edits = self._move(edits, faults, str(wish["threshold"]), str(wish["text"]))
            case "back":
                edits = _forget(replace(edits, off=tuple(o for o in edits.off if o != id)), faults, id, readings=True)
            case "brush":
                faults.pop("brush", None)
                edits = replace(edits, brush=str(wish["text"]).strip())
            case "unknowns" | "order" as name:
                edits = replace(edits, **{name: str(wish["value"])})
        self._show(edits, faults)

    def _move(self, edits: Edits, faults: _Faults, threshold: str, text: str) -> Edits:
        """A limit at another value; what is no number, or not possible, is told, and the last good value stays."""
        faults.pop(threshold, None)
        row = next((row for row in self._limits if row["threshold"] == threshold), None)
        if row is None:
            raise DataError(f"there is no limit {threshold} any more")
        value, problem = card.read_number(text) if text.strip() else (None, "no number is typed")
        low, high = (-MAX_NUMBER, MAX_NUMBER) if math.isnan(row["low"]) else (row["low"], row["high"])
        if value is not None and not low <= value <= high:
            problem = f"{text} is outside {low:g} to {high:g}"
        if value is None or problem:
            faults[threshold] = (text, f"{problem}; {row['value']:g} stays")
            return edits
        return replace(edits, thresholds={**edits.thresholds, threshold: value})

    def __repr__(self) -> str:
        return f"<cohort explorer: {self.protocol.id}, {self.patients.n:,} patients of {self.patients.name}>"


def _forget(edits: Edits, faults: _Faults, id: str, readings: bool) -> Edits:
    """The edits without what was changed inside one criterion; with `readings` also without how it is read."""
    for place in [place for place in faults if place.split(".")[0] == id]:
        del faults[place]
    without = {name: text for name, text in edits.texts.items() if name != id}
    thresholds = {name: number for name, number in edits.thresholds.items() if name.split(".")[0] != id}
    readings_left = {name: reading for name, reading in edits.readings.items() if not (readings and name == id)}
    return replace(edits, texts=without, thresholds=thresholds, readings=readings_left)


def _wording(protocol: Protocol, edits: Edits, id: str) -> str:
    """The expression of a criterion as it is read, before anything is reworded."""
    read = protocol.with_readings(edits.readings) if edits.readings else protocol
    return read.criterion[id].texts[read.reading(id)]


def _layout(protocol: Protocol, patients: Patients) -> dict[str, Any]:
    """What stays: the criteria of the protocol with their readings, the questions, conditions to choose from."""
    criteria = [
        {
            "id": c.id,
            "kind": c.kind,
            "label": c.label,
            "quote": " … ".join(c.quotes),
            "readings": [[name, plain(name)] for name in c.readings],
        }
        for c in protocol.criteria
    ]
    about = {"protocol": protocol.id, "patients": patients.name, "synthetic": patients.synthetic}
    questions = [[title, [[tab, panels.PANELS[tab].label] for tab in tabs]] for title, tabs in panels.QUESTIONS.items()]
    return {**about, "criteria": criteria, "questions": questions, "choices": panels.choices(protocol)}


def _rows(full: Screening, protocol: Protocol, edits: Edits, limits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By criterion: what it says now, whether that is changed, its limits, and what switching it would do."""
    now = full.protocol
    switched = toggle_effects(full, edits.off).to_dict("records")
    counted = criterion_states(full).to_dict("records")
    return [
        {
            "id": criterion.id,
            "on": bool(switch["on"]),
            "changed": not switch["on"] or now.requirements[criterion.id] != protocol.requirements[criterion.id],
            "text": criterion.texts[now.reading(criterion.id)],
            "reading": edits.readings.get(criterion.id, protocol.reading(criterion.id)),
            "gain": [int(switch["gain_certain"]), int(switch["gain_possible"])],
            "states": [int(states[name]) for name in ("pass", "fail", "unknown")],
            "limits": [_limit(row, limits) for row in limits if row["criterion"] == criterion.id],
        }
        for criterion, switch, states in zip(now.criteria, switched, counted, strict=True)
    ]


def _limit(row: dict[str, Any], limits: list[dict[str, Any]]) -> dict[str, Any]:
    """A limit as a control: the word before it, its value and range; the field's label only where it is not plain."""
    alone = len({other["field"] for other in limits if other["criterion"] == row["criterion"]}) == 1
    word = LIMITS[row["operator"]]
    ranged = not math.isnan(row["low"])
    return {
        "threshold": row["threshold"],
        "name": _limit_label(row),
        "word": word if alone else f"{row['label']} {word}",
        "value": row["value"],
        "unit": printed_unit(row["unit"]),
        "step": row["step"],
        "low": row["low"] if ranged else None,
        "high": row["high"] if ranged else None,
    }


def headline(certain: int, possible: int, n: int, edits: Edits) -> str:
    """The headline of the explorer: how many are eligible, of whom."""
    who = f"of {count(n)} patients with {edits.brush}" if edits.brush else f"of {count(n)} patients"
    counted = {"fail": "; open patients count as not eligible", "pass": "; open patients count as eligible"}
    ends = count(certain) if certain == possible else f"at least {count(certain)} and at most {count(possible)}"
    return f"{ends[0].upper()}{ends[1:]} {who} are eligible{counted.get(edits.unknowns, '')}"


def _differences(edits: Edits, limits: Sequence[Mapping[str, Any]], gains: tuple[int, int]) -> str:
    """What is not as the protocol says, and what that changes; `limits` are rows of the protocol's own thresholds."""
    was = {row["threshold"]: row for row in limits}
    parts = [f"{', '.join(edits.off)} off"] if edits.off else []
    parts += [f"{id} read as “{plain(name)}”" for id, name in edits.readings.items()]
    parts += [f"{id} reworded" for id in edits.texts]
    for id, value in edits.thresholds.items():
        row = was.get(id)
        now = f"{id.split('.')[0]} {LIMITS[row['operator']]} {value:g}" if row else f"{id} at {value:g}"
        parts.append(f"{now} ({row['value']:g} in the protocol)" if row else now)
    if not parts:
        return "As the protocol says; nothing is changed."
    least, most = (f"{count(abs(gain))} {'fewer' if gain < 0 else 'more'}" for gain in gains)
    effect = "that changes no count" if gains == (0, 0) else f"{least} at least, {most} at most"
    return f"{'; '.join(parts)}: {effect}."


def _limit_label(row: dict[str, Any]) -> str:
    return f"{row['criterion']}, {row['label']} {LIMITS[row['operator']]}"
