"""A protocol and a patient table go in, the screening desk comes out: a patient card, its verdict, and the decisions.

The desk is one widget. A view (desk.js) sends one typed field at a time, with the name of the card it was typed on;
Python judges the card and answers with the entries that it judged, so that a view can tell whether an answer is about
what it shows. What takes longer is sent when a view asks for it, after a pause in typing.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import traitlets

from ..cohort.output import write_csv
from ..cohort.screening import Screening, screen
from ..cohort.sources import Patients, load_mapping, read_patients
from ..criteria.contents import Protocol
from ..criteria.language import definite, nearest
from ..criteria.patient.verdict import Explanation
from ..criteria.protocol import DataError
from ..criteria.stage import expect
from . import answers, card, roster, uploads
from .browser import Screen, script, style

_IDS = 500
_EXPORT = "decisions.csv"
_BUTTONS = ("choose", "blank", "reset", "back", "export", "upload")
"""Wishes after which an earlier notice says nothing any more."""


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
    'Not decided yet: 3 passed, 0 failed, 15 open'
    >>> screen.entries = {"age": "71", "respiratory_rate": "35"}
    >>> screen.explanation.decision
    'ineligible'
    """
    expect(protocol, Protocol, "tt.widgets.desk(protocol, patients)")
    if patients is not None and not isinstance(patients, Patients):  # the mapping is for uploads too
        patients = read_patients(patients, protocol, mapping)
    return Desk(protocol, patients, mapping)


class Desk(Screen):
    """A screening desk. `entries` is what was typed, `patient` what it means; set either one, and the rest follows.

    `readings` are the chosen ones by criterion, `filters` those of the table of decisions. `explanation`, `verdict`
    and `decisions` are what the desk answers; `choose`, `blank`, `reset`, `bring_back`, `upload`
    and `export` what its buttons do.
    """

    _esm = script("card.js", "verdict.js", "upload.js", "table.js", "desk.js")
    _css = style("desk.css")
    elsewhere = "Open this notebook in JupyterLab, or as a page with make app, to screen a patient by hand."

    layout_ = traitlets.Dict().tag(sync=True)
    source = traitlets.Dict().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)
    advice = traitlets.Dict().tag(sync=True)
    table = traitlets.Dict().tag(sync=True)
    draft = traitlets.Dict().tag(sync=True)

    def __init__(self, protocol: Protocol, patients: Patients | None = None, mapping: Any = None) -> None:
        self._first = self.protocol = protocol
        self.patients = patients
        self.explanation: Explanation
        self._mapping = load_mapping(mapping, protocol) if isinstance(mapping, str | Path) else mapping
        self._folder = tempfile.TemporaryDirectory(prefix="uploaded-")
        self._parts: list[bytes] = []
        self._upload: uploads.Upload | None = None
        self._entries: dict[str, str] = {}
        self._record: dict[str, Any] = {}
        self._aside: tuple[dict[str, str], dict[str, Any]] | None = None
        self._card, self._cards, self._tables = "", 0, 0
        self._filters: dict[str, str] = {}
        self._roster: tuple[Screening, pl.DataFrame] | None = None
        super().__init__(layout_=card.layout(protocol), source=_about(patients))
        self._open({}, {})

    # --- what the desk says -------------------------------------------------------------------------------------------

    @property
    def verdict(self) -> str:
        """The decision in one line, as the desk shows it."""
        return f"{self.answer['headline']}: {self.answer['counts']}"

    @property
    def remarks(self) -> dict[str, str]:
        """By field, why what was typed could not be taken as it stands."""
        return self.answer["remarks"]

    @property
    def decisions(self) -> pd.DataFrame:
        """The decisions that the filters let through."""
        return roster.filter_rows(self._decisions(), self._filters).to_pandas()

    def advise(self) -> dict[str, Any]:
        """What would settle the decision and the nearest change, for the patient as it stands now."""
        self.advice = {"n": self.answer["n"], **answers.advice(self.protocol, self.patient)}
        return self.advice

    def list_decisions(self) -> None:
        """The table of decisions, filtered."""
        if self.patients is not None:
            everybody = self._decisions()
            page = roster.first_rows(roster.filter_rows(everybody, self._filters), everybody)
            self.table = {"of": self.answer["of"], "filters": self._filters, **page}

    def _judge(self) -> None:
        """The verdict on the entries of the card; it goes to the browser together with them."""
        patient, remarks = card.read(self.protocol, self._entries)
        id = str(self._record.get("patient_id", ""))
        self.explanation = self.protocol.explain(patient | _id_fact(id))
        self.answer = {
            "n": self.answer.get("n", 0) + 1,
            "card": self._card,
            "entries": dict(self._entries),
            "readings": self.readings,
            "of": [*self.readings.values(), self._tables],
            "remarks": remarks,
            "id": id,
            "who": id + (", changed" if self._is_edited else "") if id else "new patient, as typed",
            **answers.verdict(self.protocol, patient, self.explanation),
        }

    def _decisions(self) -> pl.DataFrame:
        """Everybody's decision, worked out once for these readings and this table."""
        if self.patients is None:
            raise DataError("no table of patients is open; open one")
        known = self._roster
        if known is None or known[0].protocol is not self.protocol or known[0].patients is not self.patients:
            screening = screen(self.protocol, self.patients)
            self._roster = known = screening, roster.roster(screening)
        return known[1]

    # --- the card -----------------------------------------------------------------------------------------------------

    @property
    def entries(self) -> dict[str, str]:
        """What is typed on the card, by field."""
        return dict(self._entries)

    @entries.setter
    def entries(self, entries: Mapping[str, str]) -> None:
        for name in entries:
            if name not in self.protocol.fields:
                raise DataError(f"no field '{name}'{nearest(name, self.protocol.fields)}")
        self._entries = {name: text for name, text in entries.items() if text}
        self._judge()

    @property
    def patient(self) -> dict[str, Any]:
        """What the card means: values by field, and the id of the patient."""
        return card.read(self.protocol, self._entries)[0] | _id_fact(self._record.get("patient_id"))

    @patient.setter
    def patient(self, patient: Mapping[str, Any]) -> None:
        self.protocol.facts_of(patient)  # refuses what is no field, or of the wrong type
        self._open(card.write(self.protocol, patient), _known_facts(patient))

    @property
    def readings(self) -> dict[str, str]:
        """The reading of each ambiguous criterion."""
        return {c.id: self.protocol.reading(c.id) for c in self._first.criteria if c.readings}

    @readings.setter
    def readings(self, readings: Mapping[str, str]) -> None:
        self.protocol = self._first.with_readings({**self.readings, **readings})
        self._judge()

    @property
    def filters(self) -> dict[str, str]:
        """What the table of decisions is filtered by."""
        return self._filters

    @filters.setter
    def filters(self, filters: Mapping[str, str]) -> None:
        self._filters = dict(filters)
        if self.table:
            self.list_decisions()

    @property
    def _is_edited(self) -> bool:
        """Whether the card says something else than the record."""
        return self._entries != card.write(self.protocol, self._record)

    def _open(self, entries: Mapping[str, str], record: Mapping[str, Any], name: str = "") -> None:
        """A card of its own name takes the place of the one before, which is put aside if something was typed on it."""
        if self._is_edited:
            self._aside = self._entries, self._record
            self.tell("What was typed on the card before is put aside.", aside=True)
        self._cards += 1
        self._card = name or f"card-{self._cards}"
        self._entries, self._record = dict(entries), dict(record)
        self._judge()

    def choose(self, id: str, name: str = "") -> None:
        """Bring a patient of the table onto the card.

        Raises:
            DataError: no table is open, or nobody in it has that id.
        """
        if self.patients is None:
            raise DataError("no table of patients is open; open one, or enter the patient by hand")
        record = _known_facts(self.patients.patient(id.strip())) | _id_fact(id.strip())
        self._open(card.write(self.protocol, record), record, name)

    def blank(self, name: str = "") -> None:
        """An empty card: everything unknown."""
        self._open({}, {}, name)

    def reset(self, name: str = "") -> None:
        """The card as the record has it, or empty; and the readings as the desk began with them."""
        self.readings = {c.id: self._first.reading(c.id) for c in self._first.criteria if c.readings}
        self._open(card.write(self.protocol, self._record), self._record, name)

    def bring_back(self, name: str = "") -> None:
        """The card that was put aside, as it was."""
        if self._aside is not None:
            (entries, record), self._aside = self._aside, None
            self._open(entries, record, name)

    # --- the table ----------------------------------------------------------------------------------------------------

    def upload(self, name: str, content: bytes) -> None:
        """Read a patient table, or a mapping for the tables to come, from the bytes of a file.

        The table before stays until the new one has been read; `draft` says what is in its way. A card on which
        something was typed stays as well.

        Raises:
            DataError: it is a mapping that does not fit the protocol.
        """
        path = uploads.save(self._folder.name, name, content)
        if path.suffix.lower() not in (".yaml", ".yml"):
            uploads.remove(self._upload)
            return self._try(uploads.Upload(path, self._mapping))
        self._mapping = uploads.read_mapping(path, self._first)
        if self._upload is None:
            return self.tell(f"{path.name} says how the tables are read that are opened from now on.")
        self._try(uploads.Upload(self._upload.path, self._mapping))

    def _try(self, upload: uploads.Upload) -> None:
        """The table is taken, or it is told what is in the way."""
        patients = uploads.read_upload(upload, self._first)
        if isinstance(patients, uploads.Upload):
            self._upload = patients
            self.draft = uploads.choices(patients, self._first, self._fields_in_use)
            return
        uploads.remove(upload)
        self._upload, typed = None, self._is_edited
        self.draft = {"name": upload.name, "n": patients.n, "findings": uploads.findings(patients, self._first)}
        self._take(patients)
        if typed:
            self.tell("The card stays as it was typed; it is of no patient of the new table.")

    def _take(self, patients: Patients) -> None:
        """Another table of patients. A card on which something was typed stays; another one is emptied."""
        self.patients, self._roster = patients, None
        self._tables += 1
        self.source = _about(patients) | _ids(patients)
        if self._is_edited:
            self._record = {}
            self._judge()
        else:
            self.blank()

    @property
    def _fields_in_use(self) -> list[str]:
        return [field["name"] for group in self.layout_["groups"] for field in group["fields"]]

    def export(self) -> bytes:
        """The decisions that the filters let through, as a CSV file.

        Raises:
            DataError: no table is open.
        """
        written = io.BytesIO()
        write_csv(roster.filter_rows(self._decisions(), self._filters), written)
        return written.getvalue()

    # --- what a view wishes -------------------------------------------------------------------------------------------

    def hear(self, wish: Mapping[str, Any], buffers: list[bytes]) -> None:
        name = str(wish.get("card", ""))
        if wish["ask"] in _BUTTONS:
            self.tell("")
        match wish["ask"]:
            case "edit":
                self._edit(name, str(wish["field"]), str(wish["text"]))
            case "read":
                self.readings = {str(wish["criterion"]): str(wish["reading"])}
            case "choose":
                self.choose(str(wish["id"]), name)
            case "blank":
                self.blank(name)
            case "reset":
                self.reset(name)
            case "back":
                self.bring_back(name)
            case "ready":
                if self.patients is not None and "ids" not in self.source:
                    self.source = {**self.source, **_ids(self.patients)}
            case "advice":
                self.advise()
            case "list":
                self._filters = {key: str(text) for key, text in wish["filters"].items()}
                self.list_decisions()
            case "upload":
                self._receive_part(wish, buffers[0])
            case "map" if self._upload is not None:
                how = {name: bool(wish[name]) for name in ("comma", "leave", "number")}
                self._try(replace(self._upload, chosen=dict(wish["columns"]), id=str(wish["id"]), **how))
            case "drop":
                uploads.remove(self._upload)
                self._upload, self.draft = None, {}
            case "export":
                self.hand_over(str(wish["view"]), _EXPORT, self.export())

    def _edit(self, name: str, field: str, text: str) -> None:
        """One field of the card on which it was typed."""
        if name != self._card:
            label = self.protocol.fields[field].label
            what = f"{label}: {text or 'not known'}"
            before = f"{self.notice['text']}\n" if self.notice.get("wrong") else ""
            raise DataError(f"{before}“{what}” was meant for a card that is no longer here. It was not taken.")
        self.entries = {**self._entries, field: text.strip()}

    def _receive_part(self, wish: Mapping[str, Any], part: bytes) -> None:
        """Files come in parts, for a message to the kernel has a limit."""
        self._parts = [*self._parts, part] if wish["part"] else [part]
        if wish["part"] + 1 == wish["parts"]:
            content, self._parts = b"".join(self._parts), []
            self.upload(str(wish["name"]), content)

    # --- without a browser --------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        whom = f"{self.patients.n:,} patients of {self.patients.name}" if self.patients else "no table of patients"
        return f"<screening desk: {self.protocol.id}, {whom}>"


def _known_facts(patient: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in patient.items() if definite(value) is not None}


def _id_fact(id: Any) -> dict[str, Any]:
    return {"patient_id": id} if id else {}


def _about(patients: Patients | None) -> dict[str, Any]:
    return {"name": patients.name, "n": patients.n, "synthetic": patients.synthetic} if patients else {}


def _ids(patients: Patients) -> dict[str, list[str]]:
    """The first ids to choose from; any other can be typed."""
    first = patients.frame.select("patient_id").head(_IDS)
    first = first.collect("polars") if isinstance(first, nw.LazyFrame) else first
    return {"ids": [str(id) for id in first["patient_id"].to_list()]}
