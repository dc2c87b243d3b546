"""COMPLETED of the screening epoch ends no follow-up, and who stops the treatment may go on in the study."""

from cases.common import cut, exposure


def case():
    return exposure(cut("sdtm", "2023-07-01")), [151.0] * 4  # 2 January to 1 June, both included
