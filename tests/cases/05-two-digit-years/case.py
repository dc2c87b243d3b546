"""A year of two digits: an infarction of 12/03/69 is none of the year 2069, and no century is guessed in silence."""

from cases.common import decisions, read


def case():
    right = {"a": "eligible", "b": "eligible", "c": "eligible"}  # of 1969, 1930 and 1970; or refused, or told
    values = read("patients.csv", "mapping.yaml")
    is_told = isinstance(values, str) or values[1] > 0
    return right if is_told else decisions("patients.csv", "mapping.yaml"), right
