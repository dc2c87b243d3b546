"""A protocol file goes in, a frozen and checked `Protocol` comes out: fields, criteria, readings, arms, design."""

# ruff: noqa: F401 (a door: what it imports is what it offers)

from .check import expressions, quotes, squeeze
from .field import MAX_CRITERIA, STRICT, Field, Question
from .file import write_protocol
from .limits import amend
from .model import Arm, Criterion, DataError, DesignItem, Dosing, Fact, ProtocolData
from .yamlfile import read_yaml
