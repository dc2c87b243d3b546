"""An eligible patient goes in, a kit number comes out; nobody can foresee or see the arm, and everybody can check."""

from .audit import Fault, verify
from .chain import LedgerError
from .ledger import Override, Receipt, Request, allocate, export, head, open_ledger, unblind
from .window import deviations, dosing_window, recheck, site_list

__all__ = [
    "Fault",
    "LedgerError",
    "Override",
    "Receipt",
    "Request",
    "allocate",
    "deviations",
    "dosing_window",
    "export",
    "head",
    "open_ledger",
    "recheck",
    "site_list",
    "unblind",
    "verify",
]
