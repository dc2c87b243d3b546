"""An eligible patient goes in, a kit number comes out; nobody can foresee or see the arm, and everybody can check."""

from ..criteria.doors import lazy_door

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "assessment": ("assess",),
        "audit": ("Fault", "verify"),
        "chain": ("LedgerError",),
        "allocation": ("fitting", "plan", "plan_of"),
        "selection_bias": ("foreseen",),
        "ledger": ("Override", "Receipt", "Request", "allocate", "export", "head", "open_ledger", "unblind"),
        "minimization": ("Minimization",),
        "plans": ("Plan",),
        "dosing": ("deviations", "dosing_status", "recheck", "site_list"),
    },
    rooms=("laboratory",),
)
