"""Files and frames go in, a checked patient table in the protocol's own words comes out, through a mapping."""

# ruff: noqa: F401 (a door: what it imports is what it offers)

from .mapping import ColumnMapping, MappedColumn, PatientId, Rows, load_mapping
from .patients import Patients, read_patients
