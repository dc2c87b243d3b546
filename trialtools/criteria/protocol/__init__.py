"""A protocol file goes in, a frozen and checked `Protocol` comes out: fields, criteria, readings, arms, design."""

from .amendment import amend
from .check import expressions, quotes, squeeze
from .field import STRICT, Field, Question, possible
from .file import write_protocol
from .limits import threshold_table, with_thresholds
from .listing import ambiguity_table, assumption_table, criteria_table
from .model import Ambiguity, Arm, Criterion, DataError, DesignItem, Dosing, Fact, ProtocolData
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
    "ProtocolData",
    "Question",
    "ambiguity_table",
    "amend",
    "assumption_table",
    "criteria_table",
    "expressions",
    "possible",
    "quotes",
    "read_yaml",
    "squeeze",
    "threshold_table",
    "with_thresholds",
    "write_protocol",
]
