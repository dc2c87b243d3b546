"""A partial date is often precise enough to decide a rule."""

from cases.common import decisions


def case():
    # a: any day of March 2020, and b: any day of 2020, is before 2022-11-01, so the exclusion surely does not apply;
    # c: any day of April 2023 is within the 6 months; d: November 2022 begins on the first day of them;
    # e: of October to November 2022 nobody can say.
    right = {"a": "eligible", "b": "eligible", "c": "ineligible", "d": "ineligible", "e": "undetermined"}
    return decisions("patients.csv", "mapping.yaml"), right
