"""The manifest of the previous report goes in, held against this look; the looks that it tells of come out."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...criteria.contents import Protocol
from ...criteria.protocol import DataError

_WRITTEN = ("look", "z", "z_harm", "bound", "harm", "alpha_spent")


def read_previous(
    file: str | os.PathLike[str], protocol: Protocol, cutoff: str = "", look: int = 0, site: str = ""
) -> dict[str, Any]:
    """The manifest of the previous report; an empty one where no file is named.

    Args:
        file: the manifest.
        protocol, cutoff, look, site: of this report; without a look, that of the manifest is not asked.

    Raises:
        DataError: not a manifest, of another protocol or site, of a cut that is not earlier, or of a later look; or the
            looks it tells of are not numbers, or reach this one already.
    """
    if not file:
        return {}
    try:
        previous = json.loads(Path(file).read_text("utf-8"))
        then, run = previous["protocol"]["id"], previous["parameters"]["run"]
        cut, then_at, then_look = str(run.get("cutoff", "")), str(run.get("site", "")), int(run.get("look", 0))
        arms = {each.get("arm") for each in looks_before(previous)}
        n = max((len(looks_before(previous, arm)) for arm in arms), default=0)
        for each in looks_before(previous):
            _check_numbers(each)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{file} is not the manifest of an interim report: {error}") from None
    if then != protocol.id:
        raise DataError(f"{Path(file).name} is of the protocol {then}, not of {protocol.id}")
    if cutoff and cut and cut >= cutoff:
        raise DataError(f"{Path(file).name} has the cutoff {cut}, which is not before {cutoff}: not an earlier report")
    if then_at != site:
        raise DataError(f"{Path(file).name} is of {then_at or 'all sites'}, not of {site or 'all sites'}")
    if look and (then_look > look or n >= look):
        raise DataError(f"{Path(file).name} is of look {max(then_look, n)}, which is not before look {look}")
    return previous


def _check_numbers(record: Mapping[str, Any]) -> None:
    """Nothing, where an earlier look is told in numbers; without information it is none.

    Raises:
        ValueError, KeyError, TypeError: something else stands there.
    """
    numbers = [float(record["information"]), *(float(record[name]) for name in _WRITTEN if name in record)]
    if any(math.isnan(each) for each in numbers):
        raise ValueError(f"look {record.get('look', '')} has no numbers")


def looks_before(previous: Mapping[str, Any], arm: str | None = None) -> list[dict[str, Any]]:
    """The earlier looks, as the closed report of the last one wrote them; none where it is not known.

    Args:
        previous: the manifest.
        arm: of several experimental ones, whose looks; by default those of all.

    Each has its look and its information and, where it is known, z, what alpha was spent up to there, and the bound
    that it was held against: inf where it could not stop.
    """
    looks = [dict(each) for each in previous.get("facts", {}).get("looks", [])]
    looks = [each for each in looks if arm is None or each.get("arm", arm) == arm]
    return [each | {"bound": math.inf} if each.get("bound", 0) is None else each for each in looks]
