"""A frame goes in, its arms come out: colour, line and marker of each, or one grey and no word.

Open reports are pooled: their frames have `arm == ""` throughout, and what is drawn of them names no arm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from .drawing import Spec
from .page import QUIET
from .template import ARMS, note, one_line


@dataclass(frozen=True)
class Arm:
    """How an arm is drawn: colour, line and marker, so that none of them is told by colour alone."""

    id: str
    label: str = ""
    colour: str = QUIET
    dash: str = "solid"
    symbol: str = "circle"
    sign: str = "●"

    @property
    def key(self) -> str:
        """The label behind its marker; nothing where all arms are pooled."""
        return self.mark(one_line(self.label))

    def mark(self, text: str) -> str:
        """A number behind the marker of its arm; bare where all are pooled."""
        return f'<span style="color:{self.colour}">{self.sign}</span> {text}' if self.label else text

    @property
    def hover_head(self) -> str:
        """The label in bold for the first line of a hover, with its line break; nothing where all are pooled."""
        return f"<b>{one_line(self.label)}</b><br>" if self.label else ""

    def rows(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Its rows of a frame by arm."""
        return frame.loc[frame["arm"].astype(str) == self.id]

    def tint(self, share: float) -> str:
        """The colour, so much of it."""
        red, green, blue = (int(self.colour[i : i + 2], 16) for i in (1, 3, 5))
        return f"rgba({red},{green},{blue},{share})"


_UNKNOWN = "unknown"
LOOKS = tuple(
    zip(
        ARMS,
        ("solid", "dash", "dot", "dashdot"),
        ("circle", "diamond", "square", "triangle-up"),
        ("●", "◆", "■", "▲"),
        strict=True,
    )
)


def arms(frame: pd.DataFrame, labels: Mapping[str, str] | None = None) -> list[Arm]:
    """The arms of a frame, in the order of the labels, else of the frame; a pooled frame has one without a name.

    Args:
        frame: with a column `arm`, which is "" throughout where all arms are pooled.
        labels: of all arms by id, in the order of the protocol: an arm keeps its colour in every figure. People whose
            arm is `unknown` need no label: they are the last, in grey.

    Raises:
        ValueError: a row without an arm, pooled rows beside rows by arm, an arm without a label, more than four arms.

    >>> import pandas as pd
    >>> labels = {"mscs": "MSCs", "placebo": "Placebo"}
    >>> [each.label for each in arms(pd.DataFrame({"arm": ["placebo", "mscs"]}), labels)]
    ['MSCs', 'Placebo']
    >>> arms(pd.DataFrame({"arm": ["", ""]}), labels)[0].label
    ''
    """
    if any(arm != arm or arm is None for arm in frame["arm"].astype(object)):
        raise ValueError('a row has no arm; rows of all arms together say ""')
    ids = list(dict.fromkeys(map(str, frame["arm"])))
    if ids == [""]:
        return [Arm("")]
    if "" in ids:
        raise ValueError(f"rows of all arms together stand beside rows of {', '.join(filter(None, ids))}")
    order = [each for each in labels or ids if each not in ("", _UNKNOWN)]
    if missing := [each for each in ids if each not in (*order, _UNKNOWN)]:
        raise ValueError(f"no label for arm {', '.join(missing)}; there are {', '.join(order)}")
    if len(order) > len(LOOKS):
        raise ValueError(f"{len(order)} arms, but no more than {len(LOOKS)} can be told apart")
    drawn = [Arm(id, (labels or {}).get(id, id), *look) for id, look in zip(order, LOOKS, strict=False)]
    return [arm for arm in (*drawn, Arm(_UNKNOWN, "Arm unknown", symbol="x", sign="×")) if arm.id in ids]


def arm_legend(groups: Sequence[Arm], left: float = 0, up: float = 14) -> list[Spec]:
    """What each marker stands for, in a line between the heading and the drawing; nothing where all are pooled."""
    text = " \u2003 ".join(arm.key for arm in groups if arm.label)
    return [note(text, x=0, y=1, xshift=-left, yshift=up, size=12)] if text else []
