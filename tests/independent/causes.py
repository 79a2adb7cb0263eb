"""Why a number changed, a second time: the change of a KPI between two windows and the parts that its places and cuts
have in it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from tests.independent import cuts
from tests.independent.oracle import Oracle
from tests.independent.tally import DISTRICT, KPIS, Kpi
from tests.independent.windows import Window
from warehouse.catalog.schema import Metric
from warehouse.query.contribution import Change, NoSplit, explain
from warehouse.query.snapshot import Snapshot

Pair = tuple[float, float]
BY_PLACES = {"town", "company"}


@dataclass
class Cause:
    """One split of one change: what the product says, and what differs; `reason`: why there is no split."""

    by: str
    against: str
    pieces: int = 0
    reason: str = ""
    differences: tuple[str, ...] = ()


def compare(oracle: Oracle, book: Snapshot, metric: Metric, window: Window, at: str) -> list[Cause]:
    """Every split that a metric declares, against the window before and the year before."""
    if metric.kind == "now":
        return []
    found = []
    for against in ("previous", "year"):
        for by in [grain for grain in metric.drill if grain in BY_PLACES] + list(metric.slices):
            said = explain(book, metric.id, window.name, at or None, by=by, against=against)  # type: ignore[arg-type]
            found.append(_cause(oracle, metric, window, at, by, against, said))
    return found


def _cause(
    oracle: Oracle, metric: Metric, window: Window, at: str, by: str, against: str, said: Change | NoSplit
) -> Cause:
    other = window.before() if against == "previous" else window.year_before()
    span = oracle.span(KPIS[metric.id], window, at)
    now = oracle.expect(metric, span, DISTRICT, "district").value
    then = oracle.earlier(metric, window, other, DISTRICT, "district", at)
    if isinstance(said, NoSplit):
        return Cause(by, against, reason=said.reason, differences=_silence(said.reason, now, then))
    own, wrong = KPIS[metric.id], []
    if then is None or now is None:
        return Cause(
            by, against, differences=(f"product explains {said.before} → {said.after}, oracle {then} → {now}",)
        )
    if not (_close(said.before, then) and _close(said.after, now)):
        wrong.append(f"product {said.before} → {said.after}, oracle {then} → {now}")
    total = sum(piece.amount for piece in said.pieces)
    if not math.isclose(said.before + total, said.after, rel_tol=1e-9, abs_tol=1e-7):
        wrong.append(f"the pieces add up to {total}, the change is {said.after - said.before}")
    earlier = oracle.beside(own, window, other, at)
    sides = (
        _scaled(_parts(oracle, own, by, earlier), oracle.evening(own, span, earlier)),
        _parts(oracle, own, by, span),
    )
    wholes = (_whole(oracle, own, earlier), _whole(oracle, own, span))
    for piece in said.pieces:
        if piece.kind == "part":
            wrong += _piece(own, by, piece, sides, wholes)
    if metric.person and by in BY_PLACES:
        return Cause(by, against, pieces=len(said.pieces), differences=tuple(wrong))
    missing = {key for side in sides for key, pair in side.items() if pair != (0.0, 0.0)}
    missing -= {piece.code for piece in said.pieces} | {"", "未知", "330110000"}
    missing -= {key for key in missing if by == "town" and not oracle.data.rows.towns.inside(key)}
    if missing and not any(piece.kind == "hidden" for piece in said.pieces):
        wrong.append(f"no piece for {sorted(missing)[:5]}")
    return Cause(by, against, pieces=len(said.pieces), differences=tuple(wrong))


def _silence(reason: str, now: float | None, then: float | None) -> tuple[str, ...]:
    """No split although both numbers are known needs a reason of its own."""
    if (
        now is None
        or then is None
        or any(word in reason for word in ("重复", "不能相加", "几个部分", "人数", "不单列", "没有按此维度"))
    ):
        return ()
    return (f"no split ({reason}), oracle {then} → {now}",)


def _parts(oracle: Oracle, own: Kpi, by: str, span: object) -> dict[str, Pair]:
    """Member → numerator and denominator, of those that are shown."""
    if by in BY_PLACES:
        found = oracle.places(own, span)  # type: ignore[arg-type]
        grain = (found["parent"] != "") if by == "company" else (found["parent"] == "") & (found.index != DISTRICT)
        shown = found[grain]
        return {
            str(key): (float(num), 0.0 if pd.isna(den) else float(den))
            for key, num, den in zip(shown.index, shown["num"], shown["den"], strict=True)
        }
    said = cuts.members(oracle, own.id, by, span)  # type: ignore[arg-type]
    return {key: (float(num or 0), float(den or 0)) for key, (num, den) in said.items() if num is not None}


def _scaled(parts: dict[str, Pair], factor: float) -> dict[str, Pair]:
    return {key: (num * factor, den) for key, (num, den) in parts.items()}


def _piece(own: Kpi, by: str, piece: object, sides: tuple[dict[str, Pair], ...], whole: tuple[Pair, ...]) -> list[str]:
    code, said = piece.code, (piece.then, piece.now)  # type: ignore[attr-defined]
    wrong = []
    for name, side, pair in zip(("then", "now"), sides, said, strict=True):
        ours = side.get(code, (0.0, 0.0))
        if not all(_close(a, b) for a, b in zip(pair, ours, strict=True)):
            wrong.append(f"{by} {code} {name}: product {pair}, oracle {ours}")
    change = own.scale * effect(own, [side.get(code, (0.0, 0.0)) for side in sides], whole)
    if not _close(piece.amount, change):  # type: ignore[attr-defined]
        wrong.append(f"{by} {code}: product moves it by {piece.amount}, oracle by {change}")  # type: ignore[attr-defined]
    return wrong


def _whole(oracle: Oracle, own: Kpi, span: object) -> Pair:
    found = oracle.places(own, span)  # type: ignore[arg-type]
    if DISTRICT not in found.index:
        return 0.0, 0.0
    row = found.loc[DISTRICT]
    return float(row["num"]), float(row["den"])


def effect(own: Kpi, part: list[Pair], whole: tuple[Pair, ...]) -> float:
    """What a member has in the change: of a sum its own difference; of a rate R what it adds to the numerator of the
    whole, less the mean R times what its weight has grown by."""
    (n0, d0), (n1, d1) = part
    if not own.ratio:
        return n1 - n0
    (all_n0, all_d0), (all_n1, all_d1) = whole
    mean = (all_n0 / all_d0 + all_n1 / all_d1) / 2
    return n1 / all_d1 - n0 / all_d0 - mean * (d1 / all_d1 - d0 / all_d0)


def _close(said: float, ours: float) -> bool:
    return math.isclose(said, ours, rel_tol=1e-9, abs_tol=1e-7)
