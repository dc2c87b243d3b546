"""A protocol and a patient table go in, the screening desk comes out: a patient card, its verdict, and the decisions.

The desk is one widget. The browser draws native controls (desk.js) and sends what was typed; Python reads it, asks
`explain`, `open_items`, `nearest_eligible` and `screen`, and sends back what they say. The verdict goes first; what
takes longer is sent when the browser asks for it, after a pause in typing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import traitlets

from ..cohort.output import summary_text
from ..cohort.screening import Screening, screen
from ..cohort.sources import Patients, read_patients
from ..criteria.contents import Protocol
from ..criteria.language import ProtocolError, definite
from ..criteria.patient import Explanation, explain
from ..criteria.protocol import DataError
from . import answers, card, roster
from .browser import Screen

HERE = Path(__file__).parent
IDS = 500
SAVED_BY_BROWSER = 20_000_000


def desk(protocol: Protocol, patients: Any = None, mapping: Any = None) -> Desk:
    """The screening desk: one patient at a time, live; and the decisions about a whole table.

    Args:
        protocol: with the readings to begin with.
        patients: what `read_patients` gave, or anything it reads; without it, patients are entered by hand or uploaded.
        mapping: brings the columns of `patients`, and of files that are uploaded, to the protocol's fields.

    What is left empty is unknown, and so is what cannot be read; the desk says which.

    >>> import trialtools as tt
    >>> screen = desk(tt.load_protocol("data/protocols/NCT05741099.yaml"))
    >>> screen.patient = {"age": 71, "respiratory_rate": 22}
    >>> screen.verdict
    '? UNDETERMINED   3 pass · 0 fail · 15 unknown'
    >>> screen.entries = {"age": "71", "respiratory_rate": "35"}
    >>> screen.explanation.decision
    'ineligible'
    """
    if patients is not None and not isinstance(patients, Patients):
        patients = read_patients(patients, protocol, mapping)
    return Desk(protocol, patients, mapping)


class Desk(Screen):
    """A screening desk. `entries` is what was typed, `patient` what it means; set either one, and the rest follows.

    `readings` are the chosen ones by criterion, `filters` those of the table of decisions. `explanation`, `verdict`
    and `decisions` are what the desk answers; `choose`, `blank`, `reset`, `upload` and `export` what its buttons do.
    """

    _esm = HERE / "desk.js"
    _css = HERE / "desk.css"
    elsewhere = "Open this notebook in JupyterLab to screen a patient by hand."

    card = traitlets.Dict().tag(sync=True)
    source = traitlets.Dict().tag(sync=True)
    entries = traitlets.Dict().tag(sync=True, echo_update=False)
    filled = traitlets.Int(0).tag(sync=True)
    readings = traitlets.Dict().tag(sync=True, echo_update=False)
    read_as = traitlets.Dict().tag(sync=True)
    filters = traitlets.Dict().tag(sync=True, echo_update=False)
    answer = traitlets.Dict().tag(sync=True)
    advice = traitlets.Dict().tag(sync=True)
    table = traitlets.Dict().tag(sync=True)
    notice = traitlets.Dict().tag(sync=True)
    patient = traitlets.Dict()

    def __init__(self, protocol: Protocol, patients: Patients | None = None, mapping: Any = None) -> None:
        self._first = self.protocol = protocol
        self.patients, self._mapping = patients, mapping
        self.explanation: Explanation
        self._uploads = tempfile.TemporaryDirectory(prefix="uploaded-")
        self._parts: list[bytes] = []
        self._record: dict[str, Any] = {}
        self._roster: tuple[Screening, pl.DataFrame] | None = None
        self._reading_card = self._asked_for_table = False
        super().__init__(card=card.layout(protocol), readings=_chosen(protocol), source=_about(patients))
        self._judge()
        self.on_msg(self._heard)

    # --- what the desk says -------------------------------------------------------------------------------------------

    @property
    def verdict(self) -> str:
        """The decision in one line, as the desk shows it."""
        return f"{self.answer['symbol']} {self.answer['said']}   {self.answer['counts']}"

    @property
    def remarks(self) -> dict[str, str]:
        """By field, why what was typed could not be taken as it stands."""
        return self.answer["remarks"]

    @property
    def decisions(self) -> pd.DataFrame:
        """The decisions that the filters let through."""
        return roster.kept(self._decided(), self.filters).to_pandas()

    def _judge(self) -> None:
        """The verdict; it goes to the browser at once."""
        remarks = card.read(self.protocol, self.entries)[1]
        self.explanation = explain(self.protocol, self.patient)
        said = answers.verdict(self.protocol, self.patient, self.explanation)
        who, changed = self.patient.get("patient_id"), self._record != self.patient
        self.answer = {
            "n": self.answer.get("n", 0) + 1,
            "remarks": remarks,
            "id": str(who or ""),
            "who": str(who) + (", changed" if changed else "") if who else "",
            **said,
        }

    def advise(self) -> dict[str, Any]:
        """What would settle the decision and the nearest change, for the patient as it stands now."""
        self.advice = {"n": self.answer["n"], **answers.advice(self.protocol, self.patient)}
        return self.advice

    def list_decisions(self) -> None:
        """The table of decisions, filtered."""
        self._asked_for_table = True
        if self.patients is not None:
            everybody = self._decided()
            self.table = roster.shown(roster.kept(everybody, self.filters), everybody)

    def _decided(self) -> pl.DataFrame:
        """Everybody's decision, worked out once for these readings and this table."""
        if self.patients is None:
            raise DataError("no table of patients is loaded; upload one")
        known = self._roster
        if known is None or known[0].protocol is not self.protocol or known[0].patients is not self.patients:
            screening = screen(self.protocol, self.patients)
            self._roster = known = screening, roster.roster(screening)
        return known[1]

    # --- what changes -------------------------------------------------------------------------------------------------

    @traitlets.observe("entries")
    def _typed(self, _: Any) -> None:
        if not self._reading_card:
            self._set(card.read(self.protocol, self.entries)[0] | _named(self.patient.get("patient_id")))

    @traitlets.validate("patient")
    def _possible(self, proposal: Any) -> Any:
        self.protocol.facts_of(proposal["value"])  # refuses what is no field, or of the wrong type
        return proposal["value"]

    @traitlets.observe("patient")
    def _given(self, _: Any) -> None:
        if not self._reading_card:
            self._fill(self.patient)

    @traitlets.observe("readings")
    def _read_otherwise(self, change: Any) -> None:
        if change["old"] is traitlets.Undefined or not hasattr(self, "explanation"):
            return
        self.protocol = self._first.with_readings(self.readings)
        self.read_as = answers.readings(self.protocol)
        self._judge()
        if self._asked_for_table:
            self.list_decisions()

    @traitlets.observe("filters")
    def _filtered(self, _: Any) -> None:
        if self._asked_for_table:
            self.list_decisions()

    def _set(self, patient: Mapping[str, Any]) -> None:
        """The patient as the card has it; what is written on the card stays untouched."""
        self._reading_card = True
        try:
            self.patient = dict(patient)
        finally:
            self._reading_card = False
        self._judge()

    def _fill(self, patient: Mapping[str, Any]) -> None:
        """A patient comes onto the card."""
        self._reading_card = True
        try:
            with self.hold_sync():
                self.entries = card.written(self.protocol, patient)
                self.filled += 1
        finally:
            self._reading_card = False
        self._set(patient)

    # --- what the buttons do ------------------------------------------------------------------------------------------

    def choose(self, id: str) -> None:
        """Bring a patient of the loaded table onto the card.

        Raises:
            DataError: no table is loaded, or nobody in it has that id.
        """
        if self.patients is None:
            raise DataError("no table of patients is loaded; upload one, or enter the patient by hand")
        found = self.patients.patient(id.strip())
        self._record = {name: value for name, value in found.items() if definite(value) is not None} | _named(
            id.strip()
        )
        self._fill(self._record)

    def blank(self) -> None:
        """An empty card: everything unknown."""
        self._record = {}
        self._fill({})

    def reset(self) -> None:
        """The card as the record has it, or empty; and the readings as the desk began with them."""
        self.readings = _chosen(self._first)
        self._fill(self._record)

    def upload(self, name: str, content: bytes) -> None:
        """Read a patient table from the bytes of a file; what was loaded stays until the new one has been read.

        Raises:
            DataError: it is no patient table, or does not fit the protocol.
        """
        folder = Path(tempfile.mkdtemp(dir=self._uploads.name))
        path = folder / (Path(name.replace("\\", "/")).name.lstrip(".") or "table")
        path.write_bytes(content)
        self.patients = read_patients(path, self._first, self._mapping)
        self._roster = None
        self.source = _about(self.patients) | _ids(self.patients)
        self.blank()
        self.list_decisions()

    def export(self, path: str = "decisions.csv") -> Path:
        """Write the decisions that the filters let through as CSV; the path that was written.

        Raises:
            DataError: no table is loaded, the file is something else, or cannot be written.
        """
        return roster.write(roster.kept(self._decided(), self.filters), path.strip() or "decisions.csv")

    # --- what the browser asks ----------------------------------------------------------------------------------------

    def _heard(self, _: Any, content: Any, buffers: list[Any]) -> None:
        """A wish from the browser; what cannot be done is told in the words of the error, never lost."""
        wishes = {
            "ready": self._begin,
            "advice": self.advise,
            "choose": lambda: self.choose(str(content["id"])),
            "blank": self.blank,
            "reset": self.reset,
            "export": lambda: self._exported(str(content["path"])),
            "upload": lambda: self._uploaded(content, bytes(buffers[0])),
        }
        if content["ask"] not in ("ready", "advice"):
            self._tell("")
        try:
            wishes[content["ask"]]()
        except (DataError, ProtocolError, OSError) as error:
            self._tell(str(error), "export" if content["ask"] == "export" else "top", wrong=True)

    def _begin(self) -> None:
        self.read_as = answers.readings(self.protocol)
        if self.patients is not None and "ids" not in self.source:
            self.source = _about(self.patients) | _ids(self.patients)
        self.list_decisions()
        self.advise()

    def _exported(self, path: str) -> None:
        written = self.export(path)
        small = written.stat().st_size <= SAVED_BY_BROWSER
        self._tell(f"Written: {written}", "export", name=written.name, csv=written.read_text("utf-8") if small else "")

    def _uploaded(self, content: Mapping[str, Any], part: bytes) -> None:
        """Files come in parts, for a message to the kernel has a limit."""
        self._parts = [*self._parts, part] if content["part"] else [part]
        if content["part"] + 1 < content["parts"]:
            return
        name, whole = str(content["name"]), b"".join(self._parts)
        self._parts = []
        self.upload(name, whole)
        assert self._roster is not None and self.patients is not None
        found = bool(len(self.patients.quality))
        self._tell(summary_text(self._roster[0]) if found else f"{name} was read: {self.patients.n:,} patients.")

    def _tell(self, text: str, place: str = "top", wrong: bool = False, **more: Any) -> None:
        self.notice = {"n": self.notice.get("n", 0) + 1, "place": place, "text": text, "wrong": wrong, **more}

    # --- without a browser --------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        whom = f"{self.patients.n:,} patients of {self.patients.name}" if self.patients else "no table of patients"
        return f"<screening desk: {self.protocol.id}, {whom}>"


def _chosen(protocol: Protocol) -> dict[str, str]:
    return {c.id: protocol.reading(c.id) for c in protocol.criteria if c.readings}


def _named(id: Any) -> dict[str, Any]:
    return {"patient_id": id} if id else {}


def _about(patients: Patients | None) -> dict[str, Any]:
    return {"name": patients.name, "n": patients.n, "synthetic": patients.synthetic} if patients else {}


def _ids(patients: Patients) -> dict[str, list[str]]:
    """The first ids to choose from; any other can be typed."""
    first = patients.frame.select("patient_id").head(IDS)
    first = first.collect("polars") if isinstance(first, nw.LazyFrame) else first
    return {"ids": [str(id) for id in first["patient_id"].to_list()]}
