"""HbA1c of 48 mmol/mol (IFCC) is 6.5 % (NGSP), and not 4.8 %: the two dimensions are the same, the meanings are not.

Source: the NGSP master equation, NGSP = 0.09148 * IFCC + 2.152.
"""

from cases.common import read, values


def case():
    right = round(0.09148 * 48 + 2.152, 1)  # or a refusal, or a finding
    found = read("patients.csv", "mapping.yaml")
    return right if isinstance(found, str) or found[1] else values(found[0], "hba1c")[0], right
