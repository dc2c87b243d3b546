"""Parts of a patient table: those for whom a condition holds, and one patient."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import narwhals as nw

from ...criteria.engine import expression, facts
from ...criteria.language import names, parse
from ...criteria.protocol import DataError, Protocol
from .ids import ID
from .patients import Patients


def where(patients: Patients, protocol: Protocol, condition: str) -> Patients:
    """The patients for whom a condition surely holds, in the language of criteria.

    Args:
        patients: from `read_patients`; its quality findings stay those of the whole table.
        protocol: declares the fields.
        condition: such as `pcr_positive and known(spo2)`; those for whom it is unknown are left out.

    Raises:
        ProtocolError: not in the language, or no such field.

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> patients = tt.read_patients("data/cohort/cohort.csv", protocol)
    >>> tt.where(patients, protocol, "age > 65").n < patients.n
    True
    """
    formula = parse(condition, protocol.fields)
    wanted = facts(patients.frame, protocol, names(formula)).filter(expression(formula)).select(ID)
    frame = patients.frame.join(wanted, on=ID, how="semi")
    counted = frame.select(nw.len().alias("n"))
    counted = counted.collect("polars") if isinstance(counted, nw.LazyFrame) else counted
    return replace(patients, name=f"{patients.name}, where {condition}", frame=frame, n=int(counted["n"].to_list()[0]))


def one_patient(patients: Patients, id: str) -> dict[str, Any]:
    """What a table says of one patient, by field name; unknown fields are None.

    Raises:
        DataError: nobody has that id.
    """
    rows = patients.frame.filter(nw.col(ID).cast(nw.String()) == str(id)).head(1)
    rows = rows.collect("polars") if isinstance(rows, nw.LazyFrame) else rows
    found = rows.to_dict(as_series=False)
    if not found[ID]:
        raise DataError(f"no patient '{id}' in {patients.name}; an id is written exactly as in the table")
    return {name: values[0] for name, values in found.items() if name != ID}
