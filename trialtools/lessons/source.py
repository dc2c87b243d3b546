"""What a question is about goes in, the protocol and its patient table come out; each is read once."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ..criteria.contents import Example, Protocol, example, load_protocol
from ..criteria.language import ProtocolError

BROUGHT: dict[str, Any] = {}
"""What a page brings along where no engine counts or lints: numbers and findings, by `Source.key`."""


class Source(NamedTuple):
    """A protocol by the name of an example or by its file, how it is read, an amendment, and a patient table.

    Paths are seen from `folder`; without a `cohort` it is the table of the example. `saved` is when one's own files
    were written last, so that one who mends them and reads the lesson again is answered by what stands there now.
    """

    folder: str
    protocol: str
    readings: tuple[tuple[str, str], ...] = ()
    amend: tuple[tuple[str, str], ...] = ()
    cohort: str | None = None
    saved: tuple[int, ...] = ()

    @classmethod
    def beside(cls, file: Path, protocol: str, cohort: str | None) -> Source:
        """What a lesson that stands in `file` is about."""
        own = [file.parent / name for name in (protocol, cohort) if name and (file.parent / name).is_file()]
        saved = tuple(each.stat().st_mtime_ns for each in own)
        return cls(str(file.parent), protocol, cohort=cohort, saved=saved)

    def key(self, name: str) -> str:
        """What something that is worked out of it is called, on this machine and in a browser."""
        return f"{self.protocol} {dict(self.readings)} {name}"

    @property
    def file(self) -> Path | None:
        """The protocol's own file; none where it is an example."""
        return Path(self.folder, self.protocol) if self.protocol.endswith((".yaml", ".yml")) else None

    @property
    def rules(self) -> Protocol:
        """The protocol, read as is said."""
        return _rules(self)

    @property
    def amended_rules(self) -> Protocol:
        """The protocol with its amendment."""
        return self.rules.amend(dict(self.amend)) if self.amend else self.rules

    @property
    def patients(self) -> Path:
        """The file of the patient table.

        Raises:
            ProtocolError: the protocol is a file of one's own, and no table is named; or the table is not there.
        """
        if self.cohort is None and self.file:
            raise ProtocolError("a count needs a patient table; write cohort: my_patients.csv at the top")
        table = Path(self.folder, self.cohort) if self.cohort else _example(self.protocol).cohort
        if not table.exists() and not BROUGHT:
            raise ProtocolError(f"there is no patient table {table}; see cohort: at the top")
        return table


@cache
def _example(name: str) -> Example:
    return example(name)


@cache
def _rules(source: Source) -> Protocol:
    if source.readings:
        return source._replace(readings=()).rules.with_readings(dict(source.readings))
    return load_protocol(source.file) if source.file else _example(source.protocol).protocol
