"""What is said to a learner: HTML in a notebook, text elsewhere; true where the answer is right."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

_SIGNS = {True: "✓", False: "✗", None: "…"}
_LOOK = {True: ("#0072B2", "Right."), False: ("#D55E00", "Not yet."), None: ("#767676", "")}
_BOX = "border-left:4px solid {colour};padding:4px 12px;margin:6px 0;max-width:46em;line-height:1.5"


@dataclass(frozen=True)
class Reply:
    """What an answer, a hint or a question gets back.

    `right` is None where nothing was answered. `lines` say why; `question` repeats the question, `foot` how far one is.
    """

    right: bool | None
    lines: tuple[str, ...] = ()
    question: str = ""
    foot: str = ""

    def __bool__(self) -> bool:
        return self.right is True

    def __repr__(self) -> str:
        lines = filter(None, [_LOOK[self.right][1], *self.lines])
        question = [self.question] if self.question else []
        return "\n  ".join([*question, f"{_SIGNS[self.right]} {' '.join(lines)}".rstrip(), *filter(None, [self.foot])])

    def _repr_html_(self) -> str:
        colour, word = _LOOK[self.right]
        question = f'<div style="color:#595959;margin-bottom:6px">{_code(self.question)}</div>' if self.question else ""
        lines = "".join(f"<div>{_code(line)}</div>" for line in self.lines)
        foot = f'<div style="color:#595959">{escape(self.foot)}</div>' if self.foot else ""
        verdict = f"<b>{_SIGNS[self.right]} {word}</b>" if word else ""
        return f'<div role="status" style="{_BOX.format(colour=colour)}">{question}{verdict}{lines}{foot}</div>'


def _code(text: str) -> str:
    """A text with what stands between `` ` `` as code, and line breaks kept."""
    parts = [escape(part).replace("\n", "<br>") for part in text.split("`")]
    return "".join(f"<code>{part}</code>" if n % 2 else part for n, part in enumerate(parts))
