"""The first line `sep=;`, which Excel writes and reads, is no header; a message must not blame something else."""

from cases.common import decisions


def case():
    right = {"a": "eligible"}
    found = decisions("patients.csv", "mapping.yaml")
    return right if isinstance(found, str) and "sep=" in found else found, right
