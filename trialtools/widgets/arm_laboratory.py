"""A protocol goes in, the randomization laboratory comes out: choose a procedure, watch it, try to guess the next arm.

The browser sends a setup and the guesses so far; Python deals as many patients as there are guesses. An arm is sent
only once it is dealt. No allocation of a trial is shown: the laboratory has seeds of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd
import traitlets

from .. import arms, figures
from ..arms import laboratory
from ..arms.allocation import applicable_plans
from ..arms.plans import option_text, read_option
from ..criteria.contents import Protocol
from ..criteria.language import ProtocolError
from ..criteria.protocol import DataError
from ..criteria.stage import expect
from ..figures.arms import LOOKS
from ..figures.format import SPACE
from ..figures.laboratory import guessing_score
from . import panels
from .browser import Screen, script, style

_TABS = {"balance": "Balance", "guesses": "Your guesses", "compare": "Procedures compared"}
_OWN = "A laboratory: it has seeds of its own, and shows no allocation of any trial."


@dataclass(frozen=True)
class Setup:
    """What is played: a procedure with its options (the usual ones where empty), strata or one list, patients, seed."""

    procedure: str = "permuted_blocks"
    options: Mapping[str, Any] = field(default_factory=dict)
    stratified: bool = False
    n: int = 24
    seed: int = 1


def randomization(
    protocol: Protocol,
    people: pd.DataFrame | None = None,
    setup: Setup | None = None,
    compared: pd.DataFrame | None = None,
) -> Laboratory:
    """The randomization laboratory: watch a procedure at work, and try to guess the next arm.

    Args:
        protocol: its arms, ratio and strata.
        people: who may come, for the strata; without it every level is equally likely. Who has an unknown level does
            not come.
        setup: what to begin with.
        compared: procedures compared, from `arms.assess`; otherwise all that fit the protocol, worked out when asked.

    >>> import trialtools as tt
    >>> screen = randomization(tt.load_protocol("data/protocols/NCT05741099.yaml"))
    >>> screen.play(["mscs", "mscs"])
    >>> screen.answer["score"]
    '1 of 2 guesses right (50 %); the best guesser expects 57 %, a coin 50 %.'
    """
    expect(protocol, Protocol, "tt.widgets.randomization(protocol)")
    return Laboratory(protocol, people, setup or Setup(), compared)


class Laboratory(Screen):
    """A laboratory. `setup` is what is played, `play` gives guesses; `dealt`, `scored`, `call` are its answers."""

    _esm = script("figure.js", "laboratory.js")
    _css = style("explorer.css", "laboratory.css")
    elsewhere = "Open this notebook in JupyterLab, or as a page with make app, to guess the next arm yourself."

    layout_ = traitlets.Dict().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)
    panel = traitlets.Dict().tag(sync=True)

    def __init__(self, protocol: Protocol, people: Any, setup: Setup, compared: Any) -> None:
        self.protocol, self.people, self.setup = protocol, people, setup
        self._given, self._tab = compared, "balance"
        self._dealt: tuple[Any, ...] = ()
        self._worked_out: tuple[Any, ...] = ()
        super().__init__(layout_=_layout(protocol))
        self.play()

    @property
    def call(self) -> str:
        """The lines of Python that make what the panel shows, from `protocol`, `people` and `compared`."""
        return self.panel["call"]

    def play(self, guesses: Sequence[str] = (), tab: str = "") -> None:
        """Deal as many patients as there are guesses; an empty one deals without a guess.

        Raises:
            DataError: a guess that is no arm, a setup that cannot be played.
        """
        self._show(self.setup, {"guesses": list(guesses), "tab": tab or self._tab})

    def hear(self, wish: Mapping[str, Any], buffers: list[bytes]) -> None:
        wished = wish["setup"]
        try:
            options = {name: _option(name, text) for name, text in wished["options"].items() if text.strip()}
            numbers = (_option("patients", str(wished["n"])), _option("seed", str(wished["seed"])))
            self._show(Setup(wished["procedure"], options, wished["stratified"], *numbers), wish)
        except (DataError, ProtocolError) as error:
            self._show(self.setup, {**wish, "guesses": []}, str(error), wished)

    def _show(self, setup: Setup, wish: Mapping[str, Any], error: str = "", typed: Any = None) -> None:
        """What was dealt and what can be known of the next patient; the panel after it."""
        if not self._dealt or setup != self._dealt[0]:
            plan = self._plan(setup)
            levels = laboratory.sample_strata(self.protocol, plan.strata, setup.n, setup.seed, self.people)
            self._dealt = setup, plan, laboratory.simulate_allocation(plan, levels, setup.seed)
        _, plan, dealt = self._dealt
        self.setup, self._tab = setup, wish.get("tab") or self._tab
        self.scored = laboratory.score_guesses(plan, dealt, wish["guesses"][: len(dealt)])
        done = len(self.scored)
        self.dealt = dealt.head(done)
        following = dealt.iloc[done] if done < len(dealt) else None
        usual = {name: option_text(option) for name, option in plan.options.items()}
        self.answer = {
            "setup": typed or {**asdict(setup), "options": usual},
            "guesses": self.scored["guess"].tolist(),
            "error": error,
            "strata": list(plan.strata),
            "of": len(dealt),
            "stratum": "" if following is None or not plan.strata else following["stratum"],
            "dealt": self.dealt[["stratum", "arm"]].to_dict("records"),
            "chances": {} if following is None else {arm: float(following[f"chance_{arm}"]) for arm in plan.arms},
            "result": self._result(),
            "score": f"{guessing_score(self.scored.iloc[-1])}.".replace(SPACE, " ") if any(self.scored["of"]) else "",
        }
        self.panel = self._panel(plan, dealt, done)

    def _plan(self, setup: Setup) -> Any:
        one_list = {} if setup.stratified or setup.procedure == "minimization" else {"strata": ()}
        return arms.plan(self.protocol, setup.procedure, **one_list, **setup.options)

    def _result(self) -> str:
        if not len(self.scored):
            return "Nobody is allocated yet. Which arm does the first patient get?"
        last, named = self.scored.iloc[-1], {each["id"]: each["name"] for each in self.layout_["arms"]}
        result = f"Patient {last['patient']} got {named[last['arm']]}."
        if not last["guess"]:
            return result
        return f"{result} You guessed {named[last['guess']]}: {'right' if last['right'] else 'wrong'}."

    # --- the figure ---------------------------------------------------------------------------------------------------

    def _panel(self, plan: Any, dealt: pd.DataFrame, done: int) -> dict[str, Any]:
        labels = {arm.id: arm.label for arm in self.protocol.arms}
        setup, lines = self.setup, self._lines(plan)
        if self._tab == "balance":
            frame = laboratory.imbalance_path(plan, dealt, done)
            drawn, table = figures.imbalance_path(frame, labels=labels), frame.replace({"arm": labels})
            lines += [f"path = lab.imbalance_path(plan, dealt, {done})"]
            lines += ["labels = {arm.id: arm.label for arm in protocol.arms}", 'frame = path.replace({"arm": labels})']
            lines += ["tt.figures.imbalance_path(path, labels=labels)"]
        elif self._tab == "guesses":
            drawn, table = figures.guesses(self.scored), self.scored
            lines += [
                f"frame = lab.score_guesses(plan, dealt, {self.scored['guess'].tolist()!r})",
                "tt.figures.guesses(frame)",
            ]
        else:
            lines = ["frame = tt.arms.laboratory.comparison(compared)"]
            if self._given is None:
                if self._worked_out[:1] != (setup.n,):
                    self._worked_out = (setup.n, arms.assess(applicable_plans(self.protocol), setup.n, runs=300))
                lines.insert(0, f"compared = tt.arms.assess(tt.arms.applicable_plans(protocol), {setup.n}, runs=300)")
            compared = self._worked_out[1] if self._given is None else self._given
            drawn, table = figures.assessment(compared, y="worst imbalance"), laboratory.comparison(compared)
            lines += ['tt.figures.assessment(compared, y="worst imbalance")']
        return {
            "tab": self._tab,
            **panels.figure_parts(drawn),
            "caption": f"{plan.label}; {done} of {len(dealt)} patients, seed {setup.seed}. {_OWN}",
            "table": panels.cells(table),
            "call": "\n".join(lines),
        }

    def _lines(self, plan: Any) -> list[str]:
        setup = self.setup
        options_text = "".join(f", {name}={value!r}" for name, value in {"strata": plan.strata, **plan.options}.items())
        people = ", people" if self.people is not None else ""
        return [
            "lab = tt.arms.laboratory",
            f"plan = tt.arms.plan(protocol, {setup.procedure!r}{options_text})",
            f"levels = lab.sample_strata(protocol, plan.strata, {setup.n}, {setup.seed}{people})",
            f"dealt = lab.simulate_allocation(plan, levels, {setup.seed})",
        ]

    def __repr__(self) -> str:
        return f"<randomization laboratory: {self.protocol.id}, {self.setup.procedure.replace('_', ' ')}>"


def _layout(protocol: Protocol) -> dict[str, Any]:
    """What stays: the arms as they are drawn, the procedures that fit, their options, the tabs."""
    rows = [
        {"id": arm.id, "letter": letter, "sign": sign, "colour": colour, "label": arm.label}
        for arm, letter, (colour, _, _, sign) in zip(protocol.arms, "ABCD", LOOKS, strict=False)
    ]
    for each in rows:
        each["name"] = f"{each['letter']} {each['sign']} {each['label']}"
    return {
        "protocol": protocol.id,
        "own": _OWN,
        "arms": rows,
        "procedures": {plan.procedure: list(plan.options) for plan in applicable_plans(protocol)},
        "tabs": [*map(list, _TABS.items())],
        "most": laboratory.LONGEST_GAME,
    }


def _option(name: str, text: str) -> Any:
    """An option as it was typed.

    Raises:
        DataError: no number where one is needed.
    """
    try:
        return read_option(name, text)
    except ValueError:
        wanted = "whole numbers with commas" if name in ("sizes", "weights") else "a whole number"
        raise DataError(f"{name} cannot be '{text}'; expected {wanted}") from None
