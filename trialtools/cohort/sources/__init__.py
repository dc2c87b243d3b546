"""Files and frames go in, a checked patient table in the protocol's own words comes out, through a mapping."""

from .mapping import ColumnMapping, MappedColumn, PatientId, Rows, load_mapping
from .patients import Patients, read_patients

__all__ = ["ColumnMapping", "MappedColumn", "PatientId", "Patients", "Rows", "load_mapping", "read_patients"]
