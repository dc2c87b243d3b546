"""A frame of counts goes in; the same frame comes out without what a few patients could be known by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...criteria.stage import expect

_NOT_COUNTS = ("step", "size", "rank", "cost")
_PAIRS = (("certain", "possible"), ("n", "of"), ("failed", "n"), ("unknown", "n"))
_WHOLE = ("pass", "fail", "unknown")


def suppress(frame: pd.DataFrame, minimum: int = 5) -> pd.DataFrame:
    """The same frame with every count of 1 to `minimum` - 1 left empty, and what it could be worked out from.

    Args:
        frame: any frame of this room.
        minimum: the smallest count that may leave, or 0 for all of them. A count of 0 stays, for it is nobody.

    These are left empty: small counts; a count whose distance to its whole is small (97 of 100 tells of 3); shares,
    ratios, means and intervals in a row that lost a count. If one part of a known total is hidden (pass, fail and
    unknown, or groups that make up a whole), a second part is hidden too. Steps of an attrition lose their neighbours,
    until no difference between two counts that stay is small. Small sets of `overlap` and `missingness` are added to
    `other`; of a `sweep` only values remain between which `minimum` patients move.

    Two frames of nearly the same patients can still be subtracted from each other: what leaves should be one set of
    frames, of one cohort.

    >>> import pandas as pd
    >>> suppress(pd.DataFrame({"fail": [3, 60], "share": [0.03, 0.6], "n": [100, 100]})).values.tolist()
    [[<NA>, nan, 100], [60, 0.6, 100]]
    """
    expect(frame, pd.DataFrame, "tt.cohort.suppress(frame)", "a frame, such as screening.attrition() gives")
    if not minimum:
        return frame
    if "other" in next((frame[name].tolist() for name in ("criteria", "fields") if name in frame), ()):
        frame = _merge_small(frame, minimum)
    if {"value", "certain", "possible"} <= set(frame):
        frame = _thin(frame, minimum)
    counts = [name for name in frame.columns if frame[name].dtype.kind in "iu" and name not in _NOT_COUNTS]
    shown = frame.astype(dict.fromkeys(counts, "Int64"))
    hide = {name: _small(frame[name], minimum) for name in counts}
    for part, of in _pairs(frame):
        if part in hide:
            hide[part] |= _small(frame[of] - frame[part], minimum)
    if set(_WHOLE) <= set(hide):
        _next_smallest(frame, hide)
    for keys in (("variable", "group"), ("step", "field"), ("criterion", "field")):
        if "n" in hide and ({*keys, "of"} <= set(frame) or {*keys, "ratio"} <= set(frame)):
            _one_more(frame, list(keys), hide["n"])
    if "failed_here" in hide:
        _steps(frame, hide, minimum)
    lost = np.logical_or.reduce([*hide.values(), np.zeros(len(frame), dtype=bool)])
    for name in counts:
        shown[name] = shown[name].mask(hide[name])
    for name in shown.columns:
        if shown[name].dtype.kind == "f" and name != "value":
            shown[name] = shown[name].mask(lost)
    return shown


def _small(counts: Any, minimum: int) -> np.ndarray:
    return ((counts > 0) & (counts < minimum)).fillna(False).to_numpy(dtype=bool, copy=True)


def _pairs(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Pairs of columns: the first counts a part of the second."""
    pairs = [pair for pair in _PAIRS if set(pair) <= set(frame)]
    ends = [name.removesuffix("_certain") for name in frame.columns if str(name).endswith("_certain")]
    return pairs + [(f"{stem}_certain", f"{stem}_possible") for stem in ends if stem in ("alone", "unique")]


def _next_smallest(frame: pd.DataFrame, hide: dict[str, np.ndarray]) -> None:
    """Where one of three that add up to a known whole is hidden, one more is."""
    hidden = np.array([hide[name] for name in _WHOLE])
    size = np.where(hidden, np.inf, frame[list(_WHOLE)].to_numpy(dtype=float, na_value=np.inf).T)
    size = np.where(size == 0, np.inf, size)
    for row in np.flatnonzero((hidden.sum(axis=0) == 1) & np.isfinite(size.min(axis=0))):
        hide[_WHOLE[int(size[:, row].argmin())]][row] = True


def _one_more(frame: pd.DataFrame, keys: list[str], hidden: np.ndarray) -> None:
    """Where one of several groups that make up a whole is hidden, the next smallest is too."""
    for rows in frame.groupby(keys, sort=False).indices.values():
        n = frame["n"].to_numpy(dtype=float, na_value=0)[rows]
        left = rows[~hidden[rows] & (n > 0)]
        if hidden[rows].sum() == 1 and len(left):
            hidden[left[frame["n"].to_numpy(dtype=float)[left].argmin()]] = True


_LEFT = ("possible", "certain", "undetermined")


def _steps(frame: pd.DataFrame, hide: dict[str, np.ndarray], minimum: int) -> None:
    """Between two counts that are told, no step leaves or enough patients do: small steps go with those after them."""
    hide["undetermined"] |= hide["certain"]  # what is left of the possible would tell it
    lost = -frame[["possible", "certain"]].diff().fillna(0).to_numpy(dtype=int)
    if not np.array_equal(lost[1:, 0], frame["failed_here"].to_numpy()[1:]):  # alone: each step is one from everybody
        for name in ("possible", "undetermined"):
            hide[name] |= hide["failed_here"]
        return
    for steps in _runs(lost, minimum):
        hide["failed_here"][steps] |= len(steps) > 1
        for name in _LEFT:
            hide[name][steps if _is_few(lost[steps], minimum) else steps[:-1]] = True


def _runs(lost: np.ndarray, minimum: int) -> list[list[int]]:
    """The steps after the first row in runs, each of which loses no patient or at least `minimum`, where possible."""
    runs: list[list[int]] = []
    run: list[int] = []
    for step in range(1, len(lost)):
        run = [*run, step]
        if not _is_few(lost[run], minimum):
            runs, run = [*runs, run], []
    while run and runs and _is_few(lost[run], minimum):
        run = [*runs.pop(), *run]
    return [*runs, run] if run else runs


def _is_few(lost: np.ndarray, minimum: int) -> bool:
    total = lost.sum(axis=0)
    return bool(((total > 0) & (total < minimum)).any())


def _merge_small(frame: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """Sets that few patients share go into `other`; where those are few as well, the next smallest too."""

    counts = [name for name in ("failed", "not_passed") if name in frame] or ["n"]
    sets, other = frame.iloc[:-1], frame.iloc[-1:].copy()
    few = np.logical_or.reduce([_small(sets[name], minimum) for name in counts])
    while len(large := sets[~few]) and any(
        0 < total < minimum for total in (other[counts].iloc[0] + sets[few][counts].sum())
    ):
        few[np.flatnonzero(~few)[-1]] = True
    for name in counts:
        other[name] = other[name] + sets[few][name].sum()
    return pd.concat([large, other], ignore_index=True)


def _thin(frame: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """The rows that differ from the row before by at least `minimum` patients, or by none."""
    counts = list(zip(frame["certain"], frame["possible"], strict=True))
    return frame.iloc[far_apart(counts, minimum)].reset_index(drop=True)


def far_apart(counts: Sequence[Sequence[float]], minimum: int) -> list[int]:
    """Which counts, certain and possible, differ by at least `minimum` patients, or by none, from the last such."""
    places: list[int] = []
    for place, ends in enumerate(counts):
        before = counts[places[-1]] if places else ends
        if not any(0 < abs(a - b) < minimum for a, b in zip(ends, before, strict=True)):
            places.append(place)
    return places
