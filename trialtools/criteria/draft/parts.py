"""JSON goes in; its parts come out by their path, each of the type that is expected, or refused with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..protocol import DataError, squeeze
from .lines import clean


@dataclass(frozen=True)
class Parts:
    """A JSON object whose parts are asked for by their path; what is not there is empty. `place` is where it stands."""

    held: Mapping[str, Any]
    place: str = ""

    def get(self, *path: str) -> Any:
        """Whatever stands there, or None."""
        found: Any = self.held
        for position, key in enumerate(path):
            if found is None:
                return None
            found = _expect(found, Mapping, "a set of keys", self._at(*path[:position])).get(key)
        return found

    def text(self, *path: str) -> str:
        """A text without line breaks, or ""."""
        found = self.get(*path)
        return "" if found is None else squeeze(clean(_expect(found, str, "text", self._at(*path))))

    def texts(self, *path: str) -> list[str]:
        """A list of texts; empty ones are left out."""
        found = _expect(self.get(*path) or [], list, "a list", self._at(*path))
        said = [_expect(each, str, "text", f"{self._at(*path)}[{place}]") for place, each in enumerate(found)]
        return [squeeze(clean(each)) for each in said if each.strip()]

    def parts(self, *path: str) -> list[Parts]:
        """A list of objects."""
        found = _expect(self.get(*path) or [], list, "a list", self._at(*path))
        places = [f"{self._at(*path)}[{place}]" for place in range(len(found))]
        return [
            Parts(_expect(each, Mapping, "a set of keys", place), place)
            for each, place in zip(found, places, strict=True)
        ]

    def _at(self, *path: str) -> str:
        return ".".join(filter(None, (self.place, *path)))


def _expect(found: Any, kind: type, wanted: str, place: str) -> Any:
    if not isinstance(found, kind):
        raise DataError(f"{place or 'this JSON'} is {str(found)[:40]!r}; expected {wanted}")
    return found
