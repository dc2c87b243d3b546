"""The same instants must not lead to another decision where the database has another time zone, unless it is told."""

import duckdb
from cases.common import decisions, read

ROW = """select 'a' as patient_id, timestamptz '2023-05-01 23:30:00-04' as screened_on,
    timestamptz '2022-11-01 12:00:00-04' as mi_on, 40 as age, 200 as platelets, 5 as crp, 'male' as sex"""


def case():
    found, told = {}, []
    for zone in ("America/New_York", "UTC"):
        database = duckdb.connect()
        database.sql(f"set timezone='{zone}'")
        patients = read(database.sql(ROW))
        told.append(isinstance(patients, str) or patients[1] > 0)
        found[zone] = decisions(database.sql(ROW))
    right = "one decision, a refusal or a finding"
    return right if all(told) or found["UTC"] == found["America/New_York"] else found, right
