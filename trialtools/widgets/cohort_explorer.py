"""A protocol and patients go in, the cohort explorer comes out: criteria to change, the cohort that follows, live.

The explorer is one widget. The browser sends what it wishes (a state, a tab); Python answers with the counts first and
with the figure and its table after. What cannot be read is told beside its place, and the last good state stays.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import traitlets

from ..cohort.frames.attrition import criterion_states
from ..cohort.screening import Screening
from ..cohort.sources import Patients, read_patients
from ..cohort.whatif import Held, State, amended, as_default, asked, read_state, turned, without, write_state
from ..criteria.contents import Protocol
from ..criteria.language import ProtocolError, parse
from ..criteria.protocol import write_protocol
from . import panels
from .browser import Screen, drawing_script, style


def explorer(protocol: Protocol, patients: Any, mapping: Any = None, state: State | None = None) -> Explorer:
    """The cohort explorer: switch criteria, move thresholds, reword them, and see who could enter.

    Args:
        protocol: what *Reset* returns to.
        patients: what `read_patients` gave, or anything it reads; kept in memory.
        mapping: brings the columns of `patients` to the protocol's fields.
        state: what to begin with, such as `whatif.read_state` gives.

    Every count is an interval, unknown taken as fail and as pass.

    >>> import trialtools as tt
    >>> from trialtools.cohort.whatif import State
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> screen = explorer(protocol, "data/cohort/cohort.csv")
    >>> before = screen.screening.possible
    >>> screen.state = State(off=("I8",))
    >>> screen.screening.possible > before
    True
    """
    if not isinstance(patients, Patients):
        patients = read_patients(patients, protocol, mapping)
    return Explorer(protocol, patients, state or State())


class Explorer(Screen):
    """A cohort explorer. Set `state`, and the rest follows; `screening`, `call`, `errors`, `yaml()` are its answers."""

    _css = style("explorer.css")
    elsewhere = "Open this notebook in JupyterLab, or as a page with make app, to change criteria by hand."

    layout_ = traitlets.Dict().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)
    panel = traitlets.Dict().tag(sync=True)

    def __init__(self, protocol: Protocol, patients: Patients, state: State) -> None:
        self.protocol, self.patients = protocol, patients
        self._held: tuple[str, Held] = ("", Held(protocol, patients))
        self._state = state
        self._tab, self._threshold = "flow", ""
        super().__init__(layout_=_layout(protocol, patients))
        self.state = state

    @cached_property
    def _esm(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return drawing_script("figure.js", "explorer.js")

    # --- what it says -------------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """What differs from the protocol; the last one that could be read."""
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        self._show(state)

    @property
    def call(self) -> str:
        """The lines of Python that make what the panel shows, from `protocol` and `patients`."""
        return self.panel["call"]

    def yaml(self) -> str:
        """A protocol file of what is on the screen; to lie beside the protocol's own, for its registry text."""
        with tempfile.TemporaryDirectory() as folder:
            changed = as_default(asked(self.protocol, self.state))
            return write_protocol(changed, Path(folder) / "protocol.yaml").read_text("utf-8")

    # --- what changes -------------------------------------------------------------------------------------------------

    def _wished(self, wish: Mapping[str, Any]) -> None:
        self._tab = wish.get("tab", self._tab)
        self._threshold = wish.get("threshold", self._threshold)
        good, errors = self._readable(State(**wish["state"]))
        self._show(good, errors)

    def _readable(self, state: State) -> tuple[State, dict[str, str]]:
        """The state with whatever cannot be read as it last could be, and why, by criterion."""
        errors: dict[str, str] = {}
        texts = dict(state.texts)
        for id, text in state.texts.items():
            try:
                amended(self.protocol, State(readings=state.readings, texts={id: text}))
            except ProtocolError as error:
                errors[id] = str(error)
                texts.pop(id)
                texts |= {id: self.state.texts[id]} if id in self.state.texts else {}
        state = replace(state, texts=texts)
        try:
            parse(state.brush or "True", self.protocol.fields)
        except ProtocolError as error:
            errors["brush"] = str(error)
            state = replace(state, brush=self.state.brush)
        for id, value in state.thresholds.items():
            try:
                amended(self.protocol, State(readings=state.readings, texts=texts, thresholds={id: value}))
            except ProtocolError as error:
                errors[id.split(".")[0]] = str(error)
                kept = {other: number for other, number in state.thresholds.items() if other != id}
                state = replace(state, thresholds=kept)
        return state, errors

    def _show(self, state: State, errors: Mapping[str, str] | None = None) -> None:
        """Counts first, and the panel after."""
        changed = amended(self.protocol, state)
        if len(state.off) == len(changed.criteria):
            errors = {**(errors or {}), state.off[-1]: "one criterion at least must stay on"}
            state = replace(state, off=tuple(id for id in state.off if id in self.state.off))
        full = self._cohort(state.brush).screen(changed)
        self._state, self.errors, self.screening = state, dict(errors or {}), without(full, state.off)
        known = self.screening.protocol.threshold_table()["threshold"].tolist()
        if self._threshold not in known:
            self._threshold = known[0] if known else ""
        self.answer = {
            "state": {**asdict(state), "off": list(state.off)},
            "errors": self.errors,
            "n": full.n,
            "certain": self.screening.certain,
            "possible": self.screening.possible,
            "of": self.patients.n,
            "rows": _rows(full, self.protocol, state),
            "thresholds": known,
            "threshold": self._threshold,
        }
        if self._tab == "sweep" and not known:
            self._tab = "flow"
        self.panel = panels.panel(self.screening, self._tab, state, self._threshold)

    def _cohort(self, brush: str) -> Held:
        """Everybody or a subgroup; the one looked at last is kept."""
        if self._held[0] != brush:
            chosen = self.patients.filter(self.protocol, brush) if brush else self.patients
            self._held = brush, Held(self.protocol, chosen)
        return self._held[1]

    # --- what the browser asks ----------------------------------------------------------------------------------------

    def hear(self, wish: Mapping[str, Any], buffers: list[bytes]) -> None:
        if wish["ask"] == "state":
            self._wished(wish)
        elif wish["ask"] == "yaml":
            name = f"{self.protocol.id}-changed.yaml"
            text = f"Save it beside the protocol's own file as {name}: it screens exactly what is shown."
            self.tell(text, name=name, content=self.yaml())
        elif wish["ask"] == "save":
            content = write_state(self.state, self.protocol)
            self.tell("The state, to restore here later.", name=f"{self.protocol.id}-state.json", content=content)
        elif wish["ask"] == "restore":
            self.state = read_state(str(wish["text"]), self.protocol)
            self.tell("The state was restored.")

    def __repr__(self) -> str:
        return f"<cohort explorer: {self.protocol.id}, {self.patients.n:,} patients of {self.patients.name}>"


def _layout(protocol: Protocol, patients: Patients) -> dict[str, Any]:
    """What stays: the criteria of the protocol with their readings, the tabs, conditions to choose from."""
    criteria = [
        {
            "id": c.id,
            "kind": c.kind,
            "label": c.label,
            "quote": " … ".join(c.quotes),
            "readings": list(c.readings),
            "reading": protocol.reading(c.id),
        }
        for c in protocol.criteria
    ]
    about = {"protocol": protocol.id, "patients": patients.name, "synthetic": patients.synthetic}
    tabs = [[name, words] for name, (words, _, _) in panels.PANELS.items()]
    return {**about, "criteria": criteria, "tabs": tabs, "choices": panels.choices(protocol)}


def _rows(full: Screening, protocol: Protocol, state: State) -> list[dict[str, Any]]:
    """By criterion: what it says now, whether that is changed, its thresholds, and what switching it would do."""
    now = full.protocol
    numbers = now.threshold_table().astype(object).to_dict("records")
    read = protocol.with_readings(state.readings)
    switched = turned(full, state.off).to_dict("records")
    counted = criterion_states(full).to_dict("records")
    rows = []
    for criterion, switch, count in zip(now.criteria, switched, counted, strict=True):
        id = criterion.id
        own = [number for number in numbers if number["criterion"] == id]
        rows.append(
            {
                "id": id,
                "on": bool(switch["on"]),
                "changed": not switch["on"] or now.requirements[id] != protocol.requirements[id],
                "text": criterion.texts[now.reading(id)],
                "was": read.criterion[id].texts[read.reading(id)],
                "reading": read.reading(id),
                "gain": [int(switch["gain_certain"]), int(switch["gain_possible"])],
                "states": [int(count[name]) for name in ("pass", "fail", "unknown")],
                "thresholds": [{k: None if v != v else v for k, v in number.items()} for number in own],
            }
        )
    return rows
