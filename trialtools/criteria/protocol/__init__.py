"""A protocol file goes in, a frozen and checked `Protocol` comes out: fields, criteria, readings, arms, design."""

from .check import expressions, quotes, squeeze
from .field import MAX_CRITERIA, STRICT, Field, Question, possible
from .file import write_protocol
from .limits import amend
from .model import Arm, Criterion, DataError, DesignItem, Dosing, Fact, ProtocolData
from .yamlfile import read_yaml

__all__ = [
    "MAX_CRITERIA",
    "STRICT",
    "Arm",
    "Criterion",
    "DataError",
    "DesignItem",
    "Dosing",
    "Fact",
    "Field",
    "ProtocolData",
    "Question",
    "amend",
    "expressions",
    "possible",
    "quotes",
    "read_yaml",
    "squeeze",
    "write_protocol",
]
