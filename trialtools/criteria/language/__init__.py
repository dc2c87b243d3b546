"""What a criterion may say: text goes in, a checked and frozen formula comes out.

The one idea of the package: a criterion is a function from a patient to pass, fail or unknown. This room holds the
formula itself, its parser and type checker, its words, and the reference evaluator that says what it means for one
patient. Every other reading of a formula (tables, proofs) must agree with `evaluate`.
"""

# ruff: noqa: F401 (a door: what it imports is what it offers)

from .errors import ProtocolError, nearest
from .evaluator import Interval, definite, ends, evaluate
from .formula import NUMERIC, And, Compare, Formula, Name, Not, Or, Value, names, type_of
from .parser import MAX_NUMBER, parse, parse_number
from .wording import in_sentence, words
