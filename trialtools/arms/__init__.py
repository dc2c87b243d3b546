"""An eligible patient goes in, a kit number comes out; nobody can foresee or see the arm, and everybody can check."""

from ..criteria.doors import lazy_door

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "plans": ("RandomizationPlan",),
        "minimization": ("Minimization",),
        "allocation": ("applicable_plans", "plan", "plan_of"),
        "assessment": ("assess",),
        "chain": ("LedgerError",),
        "commitment": ("mix", "open_ledger", "opening"),
        "request": ("Override", "Request"),
        "ledger": (
            *("Receipt", "allocate", "allocations", "check_ledger", "correct", "last_entry", "return_kit", "unblind"),
            "reverse_propensity",
        ),
        "audit": ("Fault", "verify"),
        "copies": ("backup",),
        "dosing": ("dosing_deviations", "dosing_status", "dosing_worklist"),
        "predose": ("predose_checks", "recheck"),
    },
    rooms=("laboratory",),
)
