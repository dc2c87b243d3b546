"""Hy's law speaks of ALT or AST: an AST above three times the limit counts where there is no ALT.

Source: FDA, Guidance for Industry: Drug-Induced Liver Injury (2009).
"""

from cases.common import cut, liver, trial_protocol


def case():
    participants = liver(cut(of=trial_protocol()))
    return 0 if participants is None else int(participants["hy"].sum()), 1
