"""The first line `sep=;`, which Excel writes and reads, is no header; a message must not blame something else."""

from cases.common import decisions


def case():
    right = {"a": "eligible"}
    rows = decisions("patients.csv", "mapping.yaml")
    return right if isinstance(rows, str) and "sep=" in rows else rows, right
