"""A look goes in; the endpoints come out: how much is known of the primary one, its curves and rate, the others."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import scipy

from ...criteria.contents import Protocol
from ...criteria.protocol import DataError
from ...figures.curves import at_risk, marked_days
from ...figures.format import count, percent
from ..data.outcomes import of_each
from ..data.tables import Frame
from ..lookdata import NOT_COLLECTED, POOLED, UNKNOWN, LookData, with_reason
from ..plan import MonitoringPlan, pair_of
from ..sequential.estimates import risk_difference, survival
from .effect import OPEN_REPORT, why_no_comparison
from .endpoint import endpoint_rows, window_passed

_ENDS = ("withdrew", "lost", "died")


def outcome_status(look: LookData) -> Frame:
    """The primary endpoint by site: of how many it is known, still to come, or missing.

    Columns: site, randomized, known, to_come (the window is still open), missing (it has passed): they add up.
    Of a time to an event known are those who are followed, and to_come is empty: nobody waits for a window.
    """
    columns = ["known", "to_come", "missing"]
    if look.trial.endpoint is None:
        return with_reason(pd.DataFrame(columns=["site", "randomized", *columns]), NOT_COLLECTED)
    rows = endpoint_rows(look)
    counted = rows.groupby(rows["site"].fillna(UNKNOWN))["state"].value_counts().unstack(fill_value=0)
    counted = counted.rename(columns={"to come": "to_come"}).reindex(columns=columns, fill_value=0)
    counted.insert(0, "randomized", counted.sum(axis=1))
    if look.plan.kind == "time_to_event":
        counted["to_come"] = math.nan
    return counted.rename_axis("site").reset_index()


def outcome_by_arm(look: LookData) -> Frame:
    """The primary endpoint by arm: arm, randomized, known, then what is known, then to_come, missing.

    Of a time to an event as in `outcome_status`. What is known: events and share (of the known) of yes or no, and of a
    time to an event; mean and sd of a measurement; of ordered levels how many have each.
    """
    if look.trial.endpoint is None or look.arms == (POOLED,):
        why = NOT_COLLECTED if look.closed else OPEN_REPORT
        columns = ["arm", "randomized", "known", "events", "share", "to_come", "missing"]
        return with_reason(pd.DataFrame(columns=columns), why)
    rows, lines = endpoint_rows(look), []
    for arm in look.arms:
        own = rows[rows["arm"] == arm]
        n = {name: int(own["state"].eq(name).sum()) for name in ("known", "to come", "missing")}
        values = _known_values(look, own.loc[own["state"] == "known", "value"])
        line = {"arm": arm, "randomized": len(own), "known": n["known"], **values}
        to_come = math.nan if look.plan.kind == "time_to_event" else n["to come"]
        lines.append(line | {"to_come": to_come, "missing": n["missing"]})
    return pd.DataFrame(lines)


def _known_values(look: LookData, value: Frame) -> dict[str, float]:
    if look.plan.kind == "continuous":
        return {"mean": value.mean(), "sd": value.std()}
    if look.plan.kind == "ordinal" and look.plan.endpoint:
        return {level: int(value.eq(at).sum()) for at, level in enumerate(look.plan.endpoint.levels, start=1)}
    return {"events": int(value.sum()), "share": value.sum() / len(value) if len(value) else math.nan}


def _event_times(look: LookData) -> Frame:
    """For everybody randomized, days to the event or to the last day known without: subject_id, arm, days, event.

    Censored at the end of the window, at withdrawal, loss or death, or at the cut, whichever comes first. The days are
    unknown where that of the event is, or that of the end: no curve has such a participant, and each says how many.
    """
    rows, window, cutoff = endpoint_rows(look), look.trial.window, look.cutoff
    arm = rows["subject_id"].map(look.arm_of)
    if look.trial.kind == "time_to_event":
        event = (rows["value"] == 1).where(rows["value"].notna())
        return pd.DataFrame({"subject_id": rows["subject_id"], "arm": arm, "days": rows["days"], "event": event})
    ends = look.trial.disposition[look.trial.disposition["milestone"].isin(_ENDS)]
    gone = of_each(rows, ends.groupby("subject_id")["happened_on"].min())
    happened, left = rows["value"] == 1, rows["subject_id"].isin(ends["subject_id"])
    last: Frame = gone.where(left, pd.Timestamp(cutoff) if cutoff else rows["observed_on"])
    days = (rows["observed_on"].where(happened, last) - rows["randomized_on"]).dt.days.clip(lower=0).astype(float)
    over = days > (math.inf if window is None else window)
    rows = {"subject_id": rows["subject_id"], "arm": arm, "days": days.mask(over, window), "event": happened & ~over}
    return pd.DataFrame(rows)


def survival_curves(look: LookData) -> Frame:
    """Kaplan-Meier curves of the primary endpoint, arm by arm: `interim.survival`, its group called arm."""
    if why := why_no_comparison(look):
        return with_reason(None, why)
    if look.plan.kind in ("continuous", "ordinal"):
        return with_reason(None, "No curve: the endpoint is no event.")
    times = _event_times(look)
    if times["days"].isna().all():
        return with_reason(None, "No days are known.")
    return survival(times["days"], times["event"], times["arm"]).rename(columns={"group": "arm"})


def survival_by_day(look: LookData) -> Frame:
    """What the curves tell on a few days: day, arm, at_risk, events (so far), share (with the event, or without it
    where the event is wanted), low, high."""
    curves = survival_curves(look)
    if curves.empty:
        return curves
    rows = []
    for arm in look.arms:
        own = curves[curves["arm"] == arm].sort_values("day")
        for day in marked_days(curves):
            seen = own[own["day"] <= day]
            if own.empty or day > own["day"].iloc[-1]:
                continue
            ends = seen.iloc[-1][["survival", "low", "high"]].to_numpy(float)
            share, low, high = (1 - ends)[[0, 2, 1]] if look.plan.better == "lower" else ends
            row = {"day": day, "arm": arm, "at_risk": at_risk(own, day), "events": int(seen["events"].sum())}
            rows.append(row | {"share": share, "low": low, "high": high})
    return pd.DataFrame(rows)


def secondary_outcomes(look: LookData) -> Frame:
    """The other endpoints: differences of shares (of 0 and 1) or of means (Welch), experimental less control.

    Columns: endpoint, measure (percent, with the difference in percentage points; or mean), better (lower, higher, or
    "not declared"), experimental, control, difference, low, high, points_to (the arm for which the difference speaks),
    n, missing. Those whose window has passed count, also where the primary endpoint is a time to an event: what happens
    is known sooner than that it did not. The last value of a participant counts. Where an arm has fewer than two
    values, there is no difference.

    Which way is better, `design.secondary` declares: {recovery: higher}.
    """
    columns = ["endpoint", "measure", "better", "experimental", "control", "difference", "low", "high", "points_to"]
    columns += ["n", "missing"]
    if why := why_no_comparison(look):
        return with_reason(pd.DataFrame(columns=columns), why)
    trial, plan, arm, rows = look.trial, look.plan, look.plan.arm, []
    everybody, better = endpoint_rows(look).set_index("subject_id"), _secondary(look.protocol)
    entered = everybody.loc[window_passed(look, everybody), "arm"]
    for name, own in trial.outcomes[trial.outcomes["endpoint"] != trial.endpoint].groupby("endpoint"):
        last = own[own["value"].notna()].sort_values("observed_on").groupby("subject_id")["value"].last()
        value = last.reindex(entered.index)
        first, second = (value[entered == each].dropna() for each in (arm, plan.control))
        row: dict[str, Any] = {"endpoint": str(name).replace("_", " "), "better": better.get(str(name), "not declared")}
        row |= {"n": len(first) + len(second), "missing": int(value[entered.isin([arm, plan.control])].isna().sum())}
        if len(first) > 1 and len(second) > 1:
            row |= _apart(first, second, set(last.unique()) <= {0.0, 1.0})
            arms = [look.labels[each] for each in (arm, plan.control)]
            ahead = {"higher": row["difference"], "lower": -row["difference"]}.get(row["better"], 0)
            row["points_to"] = arms[ahead < 0] if ahead else "neither" if row["better"] in ("lower", "higher") else None
        rows.append(row)
    return with_reason(pd.DataFrame(rows, columns=columns), NOT_COLLECTED)


def _secondary(protocol: Protocol) -> dict[str, str]:
    """Which way is better, by the name of an endpoint."""
    declared = protocol.design_values.get("secondary", {})
    if not isinstance(declared, Mapping) or any(better not in ("lower", "higher") for better in declared.values()):
        wanted = "lower or higher by the name of each endpoint, such as {recovery: higher}"
        raise DataError(f"{protocol.id}: design.secondary is {declared!r}; expected {wanted}")
    return dict(declared)


def _apart(first: Frame, second: Frame, shares: bool) -> dict[str, Any]:
    """Two groups of values and how far they are apart: shares of 0 and 1 in percent, or means."""
    if not shares:
        apart, half = float(first.mean() - second.mean()), _welch(first, second)
        contrast = {"measure": "mean", "difference": apart, "low": apart - half, "high": apart + half}
        return contrast | {"experimental": first.mean(), "control": second.mean()}
    contrast = risk_difference((int(first.sum()), len(first), int(second.sum()), len(second)))
    contrast = {name: 100 * contrast[name] for name in ("difference", "low", "high")}
    return {"measure": "percent", **contrast, "experimental": 100 * first.mean(), "control": 100 * second.mean()}


def _welch(first: Frame, second: Frame) -> float:
    """Half the 95 % interval of a difference of means (Welch 1947); unknown where nothing varies."""
    parts = [(float(each.var()) / len(each), len(each) - 1) for each in (first, second)]
    spread = sum(part for part, _ in parts)
    if not spread:
        return math.nan
    freedom = spread**2 / sum(part**2 / less for part, less in parts)
    return float(scipy.special.stdtrit(freedom, 0.975)) * math.sqrt(spread)


def blinded_event_rate(look: LookData) -> Frame:
    """The rate of the primary endpoint in all arms together, against what was assumed; or events: what, value.

    The interval is that of Clopper and Pearson. The last row is how many participants would find the planned difference
    with the power of the design at this overall rate, by the fixed design; of several experimental arms, in all arms
    together, so that each comparison has that power at its own alpha.
    """
    rate, plan = overall_rate(look), look.plan
    if plan.kind == "time_to_event" and look.trial.endpoint and not look.site:
        hits = int(endpoint_rows(look)["value"].sum())
        rows = [("Events so far", count(hits)), ("Events planned", count(plan.planned))]
        return pd.DataFrame(rows, columns=["what", "value"])
    if plan.kind != "binary":
        return with_reason(None, "Not worked out: the endpoint is no event.")
    if rate is None:
        return with_reason(None, "Worked out for all sites together." if look.site else NOT_COLLECTED)
    power, each = percent(1 - plan.beta, 0), " of each comparison" * (len(plan.experimental) > 1)
    spread = f"{percent(rate['low'])} to {percent(rate['high'])}"
    so_far = f"{percent(rate['rate'])} ({spread}), n = {count(rate['n'])}"
    rows = [
        ("Overall rate so far (95 % interval by Clopper and Pearson)", so_far),
        ("Overall rate that the design assumes", percent(rate["assumed"])),
        ("Participants planned", count(plan.sample_size)),
        (
            f"Participants for {power} power{each} at the planned difference and this rate, fixed design",
            count(rate["needed"]),
        ),
    ]
    return pd.DataFrame(rows, columns=["what", "value"])


def overall_rate(look: LookData) -> dict[str, float] | None:
    """Rate, low, high, n, assumed and needed of `blinded_event_rate`; None where nothing is known or was assumed."""
    plan = look.plan
    if look.site or look.trial.endpoint is None or plan.kind != "binary":
        return None
    if plan.control_rate is None or plan.experimental_rate is None:
        return None
    rows = endpoint_rows(look)
    value = rows.loc[rows["mature"] & rows["value"].notna(), "value"]
    if value.empty:
        return None
    hits, n = float(value.sum()), len(value)
    low = scipy.special.betaincinv(hits, n - hits + 1, 0.025) if hits else 0.0
    high = scipy.special.betaincinv(hits + 1, n - hits, 0.975) if hits < n else 1.0
    rate, share = float(value.mean()), plan.share
    assumed = share * plan.experimental_rate + (1 - share) * plan.control_rate
    needed = math.nan
    if 0 < rate < 1 and (plan.multiplicity or len(plan.experimental) == 1):
        needed = max(_participants(plan, arm, rate) for arm in plan.experimental)
    estimate = {"rate": rate, "low": float(low), "high": float(high), "n": n}
    return estimate | {"assumed": assumed, "needed": needed}


def _participants(plan: MonitoringPlan, arm: str, rate: float) -> float:
    """In all arms together, so that this arm's comparison with the control has the power of the design at this rate."""
    pair = pair_of(plan, arm)
    apart = (plan.experimental_rate or 0.0) - (plan.control_rate or 0.0) - plan.null
    reach = scipy.special.ndtri(1 - pair.alpha / pair.sides) + scipy.special.ndtri(1 - pair.beta)
    of_two = reach**2 * rate * (1 - rate) / (pair.share * (1 - pair.share) * apart**2) if apart else math.nan
    return math.ceil(of_two * sum(plan.parts.values()) / sum(pair.parts.values())) if apart else math.nan
