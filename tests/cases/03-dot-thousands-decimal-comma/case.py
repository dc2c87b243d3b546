"""Where the decimal mark is declared to be a comma, 1.250 is one thousand two hundred and fifty."""

from cases.common import read, values


def case():
    right = "1250, a refusal or a finding"
    found = read("patients.csv", "mapping.yaml")
    if isinstance(found, str) or found[1] or values(found[0], "platelets")[0] == 1250:
        return right, right
    return values(found[0], "platelets")[0], right
