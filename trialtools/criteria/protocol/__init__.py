"""A protocol file goes in, a frozen and checked `Protocol` comes out: fields, criteria, readings, arms, design."""

from .amendment import amend
from .check import expressions, quotes, squeeze
from .file import load_protocol, read_protocol, write_protocol
from .limits import thresholds, with_thresholds
from .listing import ambiguities, assumptions, rules
from .model import STRICT, Ambiguity, Arm, Criterion, DataError, DesignItem, Dosing, Fact, Field, Protocol, possible
from .names import MAX_CRITERIA
from .yamlfile import read_yaml

__all__ = [
    "MAX_CRITERIA",
    "STRICT",
    "Ambiguity",
    "Arm",
    "Criterion",
    "DataError",
    "DesignItem",
    "Dosing",
    "Fact",
    "Field",
    "Protocol",
    "ambiguities",
    "amend",
    "assumptions",
    "expressions",
    "load_protocol",
    "possible",
    "quotes",
    "read_protocol",
    "read_yaml",
    "rules",
    "squeeze",
    "thresholds",
    "with_thresholds",
    "write_protocol",
]
