"""A formula and a protocol's fields go in, Z3 comes out: one patient of whom some things are known and some are not.

A patient is a *world*, in which every field has a value, seen through a *record*, in which each field is known or
not. A formula becomes two Booleans over the record, surely true and surely false; where neither holds it is unknown.
That is what `expr.evaluate` says of `Protocol.facts_of(patient)`, with one difference: numbers are exact decimals
here and doubles there, so that sums and products may differ in the last digit (0.1 + 0.2 <= 0.3 holds here only).
Comparing a field with a number never differs. Whoever shows a patient found here has `evaluate` judge it first.
"""

from .encode import Logic, encode, given, on_step, pair, requirements, solver, value_of, witness
from .kleene import EPOCH, Pair, Term, View, read

__all__ = [
    "EPOCH",
    "Logic",
    "Pair",
    "Term",
    "View",
    "encode",
    "given",
    "on_step",
    "pair",
    "read",
    "requirements",
    "solver",
    "value_of",
    "witness",
]
