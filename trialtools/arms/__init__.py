"""An eligible patient goes in, a kit number comes out; nobody can foresee or see the arm, and everybody can check."""

from . import laboratory
from .assessment import assess
from .audit import Fault, verify
from .chain import LedgerError
from .choose import fitting, plan, plan_of
from .foreseen import foreseen
from .ledger import Override, Receipt, Request, allocate, export, head, open_ledger, unblind
from .minimization import Minimization
from .plans import Plan
from .window import deviations, dosing_window, recheck, site_list

__all__ = [
    "Fault",
    "LedgerError",
    "Minimization",
    "Override",
    "Plan",
    "Receipt",
    "Request",
    "allocate",
    "assess",
    "deviations",
    "dosing_window",
    "export",
    "fitting",
    "foreseen",
    "head",
    "laboratory",
    "open_ledger",
    "plan",
    "plan_of",
    "recheck",
    "site_list",
    "unblind",
    "verify",
]
