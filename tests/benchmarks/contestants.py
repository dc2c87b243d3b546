"""One contestant runs in a process of its own: `python contestants.py NAME FILE` prints its figures as JSON.

Every contestant but the scan turns the same Parquet file into the same table of patterns: how many patients fail and
lack exactly the same criteria. They are what a careful person would write by hand for these twenty criteria, with
impossible values and NaN unknown, and flags that do not apply false.
"""

from __future__ import annotations

import gc
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PROTOCOL = HERE / "protocol.yaml"
FAILED = (1 << 31) - 1

RANGES = {"age": (0, 120), "respiratory_rate": (4, 80), "spo2": (50, 100), "bmi": (10, 80), "high_fever_days": (0, 60)}
FLAGS = [
    "cough",
    "tachypnoea",
    "dyspnoea",
    "pcr_positive",
    "antigen_positive",
    "culture_positive",
    "radiology_characteristic",
    "active_tuberculosis",
    "influenza",
    "adenovirus",
    "other_acute_respiratory_virus",
    "cardiovascular_disease",
    "cerebrovascular_disease",
    "hypertension",
    "chronic_lung_disease",
    "diabetes",
    "chronic_liver_disease",
    "chronic_kidney_disease",
    "immune_deficiency",
    "tumour_history",
    "precancerous_lesion",
    "acute_myocardial_infarction",
    "acute_cerebral_infarction",
    "heavy_smoker",
    "pregnant",
    "lactating",
    "other_trial",
    "addicted",
    "consent",
    "poor_compliance",
    "unsuitable",
]
CODES = {"sex": ["female", "male"], "clinical_type": ["mild", "moderate", "severe", "critical"]}
CATEGORIES = [*CODES]
DATES = ["screened_on", "other_trial_on"]
DISEASES = "cardiovascular cerebrovascular chronic_lung chronic_kidney chronic_liver"
SEVERAL = [f"{name}_disease" for name in DISEASES.split()]
RISKS = [*SEVERAL, "hypertension", "diabetes", "immune_deficiency", "heavy_smoker"]


def scan(file: str, measure: Callable[..., Any]) -> dict[str, Any]:
    """The floor: every value of the same columns is read and summed, nothing is decided."""
    import polars as pl

    with measure("scan"):
        row = (
            pl.scan_parquet(file)
            .select(
                *(pl.col(name).sum() for name in [*RANGES, *FLAGS]),
                *(pl.col(name).str.len_bytes().sum() for name in CATEGORIES),
                *(pl.col(name).to_physical().sum() for name in DATES),
            )
            .collect(engine="streaming")
        )
    return {"n": len(row)}


def requirements(c: dict[str, Any], any_of: Callable[..., Any], count: Callable[..., Any], recent: Any) -> list[Any]:
    """The twenty criteria, each as what must hold, over columns that know `&`, `|`, `~` and comparisons."""
    return [
        (c["age"] >= 18) & (c["age"] <= 85),
        c["clinical_type"] == "moderate",
        any_of(c["high_fever_days"] > 3, c["cough"], c["tachypnoea"], c["dyspnoea"]),
        any_of(c["pcr_positive"], c["antigen_positive"], c["culture_positive"]),
        c["respiratory_rate"] < 30,
        c["spo2"] > 93,
        c["radiology_characteristic"],
        any_of(c["age"] > 65, c["bmi"] >= 30, *(c[name] for name in RISKS)),
        (c["bmi"] >= 15) & (c["bmi"] <= 45),
        c["consent"],
        ~any_of(c["tumour_history"], c["precancerous_lesion"]),
        ~any_of(c["acute_myocardial_infarction"], c["acute_cerebral_infarction"]),
        ~any_of(c["pregnant"], c["lactating"]),
        ~c["addicted"],
        ~c["poor_compliance"],
        ~c["active_tuberculosis"],
        ~any_of(c["influenza"], c["adenovirus"], c["other_acute_respiratory_virus"]),
        ~c["unsuitable"],
        ~(c["other_trial"] & recent),
        ~count(3, [c[name] for name in SEVERAL]),
    ]


def or_all(*items: Any) -> Any:
    result = items[0]
    for item in items[1:]:
        result = result | item
    return result


def pattern_query(file: str) -> Any:
    """Hand-written Polars: one lazy query for the patterns, and the file it reads."""
    import polars as pl

    def count(n: int, items: list[pl.Expr]) -> pl.Expr:
        true = pl.sum_horizontal(pl.when(item).then(1).otherwise(0) for item in items)
        false = pl.sum_horizontal(pl.when(~item).then(1).otherwise(0) for item in items)
        return pl.when(true >= n).then(True).when(false > len(items) - n).then(False)

    def code(bit: int, holds: pl.Expr) -> pl.Expr:
        values = [pl.lit(value, pl.Int64) for value in (0, 1 << bit, 1 << (bit + 31))]
        return pl.when(holds).then(values[0]).when(~holds).then(values[1]).otherwise(values[2])

    known = [
        pl.when((pl.col(name) >= low) & (pl.col(name) <= high)).then(pl.col(name)).alias(name)
        for name, (low, high) in RANGES.items()
    ]
    female = pl.col("sex") == "female"
    known += [pl.when(~female).then(False).otherwise(pl.col(name)).alias(name) for name in ("pregnant", "lactating")]
    c = {name: pl.col(name) for name in [*RANGES, *FLAGS, *CATEGORIES, *DATES]}
    recent = c["other_trial_on"] >= c["screened_on"].dt.offset_by("-3mo")
    codes = [code(bit, holds) for bit, holds in enumerate(requirements(c, or_all, count, recent))]
    key = codes[0]
    for other in codes[1:]:
        key = key + other
    scanned = pl.scan_parquet(file)
    return scanned, scanned.with_columns(known).group_by(key.alias("key")).agg(n=pl.len())


def polars(file: str, measure: Callable[..., Any]) -> dict[str, Any]:
    """The hand-written query, streamed; whatever the file holds is taken as it is."""
    with measure("screen"):
        grouped = pattern_query(file)[1].collect(engine="streaming")
        keys, n = grouped["key"].to_numpy(), grouped["n"].to_numpy().astype("int64")
        patterns = table(keys & FAILED, keys >> 31, n)
    return digest(patterns)


def checked_polars(file: str, measure: Callable[..., Any]) -> dict[str, Any]:
    """The hand-written query and the checks that a table of patients needs, streamed in one pass.

    Ids are present, trimmed and unique; numbers finite and possible; codes declared. What is wrong is counted.
    """
    import polars as pl

    with measure("screen"):
        id = pl.col("patient_id")
        checks = [pl.len().alias("n"), id.null_count().alias("missing"), id.n_unique().alias("ids")]
        checks += [((id != id.str.strip_chars()) | (id == "")).sum().alias("untrimmed")]
        for name, (low, high) in RANGES.items():
            value = pl.col(name)
            checks += [(~value.is_finite()).sum().alias(f"{name} not finite")]
            checks += [((value < low) | (value > high)).sum().alias(f"{name} impossible")]
        for name in CATEGORIES:
            checks += [(~pl.col(name).is_in(CODES[name])).sum().alias(f"{name} undeclared")]
        scanned, grouped = pattern_query(file)
        counts, grouped = pl.collect_all([scanned.select(checks), grouped], engine="streaming")
        counts = counts.row(0, named=True)
        undeclared = sum(counts[f"{name} undeclared"] for name in CATEGORIES)
        if counts["missing"] or counts["untrimmed"] or undeclared or counts["ids"] != counts["n"]:
            raise ValueError(counts)
        keys, n = grouped["key"].to_numpy(), grouped["n"].to_numpy().astype("int64")
        patterns = table(keys & FAILED, keys >> 31, n)
    return digest(patterns)


def pandas(file: str, measure: Callable[..., Any]) -> dict[str, Any]:
    """Nullable pandas, whose booleans follow Kleene's logic as well."""
    import pandas as pd

    def count(n: int, items: list[Any]) -> Any:
        true = sum(item.fillna(False).astype("int8") for item in items)
        false = sum((~item).fillna(False).astype("int8") for item in items)
        return (true >= n).astype("boolean").mask((true < n) & (false <= len(items) - n))

    with measure("screen"):
        frame = pd.read_parquet(file, columns=[*RANGES, *FLAGS, *CATEGORIES, *DATES], dtype_backend="numpy_nullable")
        c: dict[str, Any] = {name: frame[name] for name in frame.columns}
        for name, (low, high) in RANGES.items():
            c[name] = c[name].where(((c[name] >= low) & (c[name] <= high)).fillna(False))
        male = (c["sex"] != "female").fillna(False)
        for name in ("pregnant", "lactating"):
            c[name] = c[name].mask(male, False)
        days = {name: pd.to_datetime(c[name]) for name in DATES}
        recent = (days["other_trial_on"] >= days["screened_on"] - pd.DateOffset(months=3)).astype("boolean")
        recent = recent.mask(days["other_trial_on"].isna() | days["screened_on"].isna())
        key: Any = pd.Series(0, index=frame.index, dtype="int64")
        for bit, holds in enumerate(requirements(c, or_all, count, recent)):
            key += (~holds).fillna(False).astype("int64") * (1 << bit)
            key += holds.isna().astype("int64") * (1 << (bit + 31))
        counted = key.value_counts(sort=False)
        keys = counted.index.to_numpy()
        patterns = table(keys & FAILED, keys >> 31, counted.to_numpy().astype("int64"))
    return digest(patterns)


def trialtools(file: str, measure: Callable[..., Any]) -> dict[str, Any]:
    """Ours: the table is checked first, then screened; each is timed apart, and both in one as a user calls it."""
    import trialtools as tt
    from trialtools import cohort
    from trialtools.cohort.whatif import CohortCache

    protocol = tt.load_protocol(PROTOCOL)
    with measure("whole"):
        tt.screen(protocol, file)
    with measure("read"):
        patients = tt.read_patients(file, protocol)
    with measure("screen"):
        screening = tt.screen(protocol, patients)
    with measure("frames"):
        made = {name: getattr(cohort, name)(screening) for name in FRAMES if hasattr(cohort, name)}
    with measure("sweep"):
        screening.sweep("I1.upper")
    if screening.n <= HELD:  # what a screen is played with is held in memory, and so comes last
        age = [protocol.with_thresholds({"I1.upper": year}) for year in (84, 83)]
        cache = CohortCache(protocol, patients)
        cache.screen(age[0])
        with measure("changed"):
            cache.screen(age[1]).counts  # noqa: B018
    return {**digest(screening.patterns), "frames": [*made]}


HELD = 1_000_000
FRAMES = ("attrition", "overlap", "impact")
CONTESTANTS = {
    "scan": scan,
    "polars": polars,
    "checked_polars": checked_polars,
    "pandas": pandas,
    "trialtools": trialtools,
}


def table(failed: Any, unknown: Any, n: Any) -> Any:
    import pandas as pd

    return pd.DataFrame({"failed": failed, "unknown": unknown, "n": n})


def digest(patterns: Any) -> dict[str, Any]:
    """A fingerprint of a table of patterns, whatever the order of its rows."""
    ordered = patterns.sort_values(["failed", "unknown"])[["failed", "unknown", "n"]].to_numpy(dtype="int64")
    return {
        "patterns": len(ordered),
        "n": int(ordered[:, 2].sum()),
        "sha256": hashlib.sha256(ordered.tobytes()).hexdigest(),
    }


def peak_memory() -> float:
    """The most memory this process has held since the last reset, in megabytes."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)


def reset_peak() -> None:
    """Forget the peak so far; where the system cannot, later phases also count what earlier ones held."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def main(name: str, file: str) -> None:
    """Run one contestant; what all of them import is loaded before any clock starts."""
    import narwhals
    import pandas  # noqa: F401
    import polars

    narwhals.from_native(polars.DataFrame())  # which loads its part for Polars with the first frame

    figures: dict[str, Any] = {}

    @contextmanager
    def measure(phase: str) -> Iterator[None]:
        gc.collect()
        reset_peak()
        start = time.perf_counter()
        yield
        figures[phase] = {"seconds": time.perf_counter() - start, "megabytes": peak_memory()}

    result = CONTESTANTS[name](file, measure)
    print(json.dumps({**figures, "found": result}))


if __name__ == "__main__":
    main(*sys.argv[1:])
