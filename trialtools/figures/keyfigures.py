"""The key numbers of a report: a notebook shows them, and the manifest of the report keeps them."""

from typing import Any

FACTS = "application/vnd.trialtools.facts+json"
"""What a notebook shows under this type goes into the manifest: the numbers that the next report is held against."""


class KeyFigures(dict[str, Any]):
    """The key numbers of a report, which a notebook tells its manifest by showing them."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {FACTS: dict(self), "text/plain": ""}
