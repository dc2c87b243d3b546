"""A year of two digits: an infarction of 12/03/69 is none of the year 2069, and no century is guessed in silence."""

from cases.common import decisions, read


def case():
    right = {"a": "eligible", "b": "eligible", "c": "eligible"}  # of 1969, 1930 and 1970; or refused, or told
    found = read("patients.csv", "mapping.yaml")
    told = isinstance(found, str) or found[1] > 0
    return right if told else decisions("patients.csv", "mapping.yaml"), right
