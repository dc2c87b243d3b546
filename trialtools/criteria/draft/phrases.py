"""What the texts of registries say, in their words: `phrases.yaml` goes in, patterns come out."""

import re
from pathlib import Path
from typing import Any

import yaml

PHRASES: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("phrases.yaml").read_text("utf-8"))


def phrases(name: str) -> str:
    """The alternatives of a pattern, as one."""
    return "|".join(PHRASES["patterns"][name])


def pattern(name: str) -> re.Pattern[str]:
    """A pattern by its name, which reads without regard to capitals."""
    return re.compile(phrases(name), re.I)
