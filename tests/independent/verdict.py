"""All that is compared of one KPI in one world, and what of it had no value on either side."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.independent import causes, cuts
from tests.independent.compare import Comparison, periods
from tests.independent.oracle import Oracle
from tests.independent.tally import DISTRICT, KPIS
from warehouse.catalog.schema import Metric
from warehouse.query.one_person import POOLED
from warehouse.query.snapshot import Snapshot

Place = tuple[str, str, str]
EACH = ("value", "previous")
"""What every window has to have compared at every grain."""


@dataclass
class Verdict:
    """(window, grain, what) → how often both sides had a value and agreed; what differs, in words."""

    compared: Counter[Place] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """How much was compared, by window and grain."""
        found: Counter[str] = Counter()
        for (window, grain, _), number in self.compared.items():
            found[f"{window} {grain}"] += number
        return dict(found)

    def unsaid(self, metric: Metric) -> set[str]:
        """What was compared nowhere with a value: windows by grain, side values, cuts, splits."""
        grains = ["district", *(grain for grain in ("town", "company") if grain in metric.drill)]
        grains = ["district"] if metric.person else grains  # what is listed of persons below it is judged by itself
        wanted = {(window, grain, what) for window in metric.windows for grain in grains for what in EACH}
        if metric.kind == "now":
            wanted = {place for place in wanted if place[2] == "value"}
        lacking = {" ".join(place) for place in wanted if not self.compared[place]}
        known = {what for _, _, what in self.compared}
        lacking |= {f"side {label}" for label in metric.parts} - known
        lacking |= {f"cut {name}" for name in metric.slices} - known
        return lacking | ({"split"} - known if metric.slices or metric.drill else set())


def check(oracle: Oracle, book: Snapshot, metric: Metric) -> Verdict:
    """Compares everything that the product says of a KPI."""
    found = Verdict()
    for window, at in periods(oracle, metric):
        comparison = Comparison(oracle, book, metric, window, at).run()
        found.compared += comparison.compared
        found.differences += list(map(str, comparison.differences))
        _cuts(found, oracle, book, metric, comparison)
        for cause in causes.compare(oracle, book, metric, window, at):
            found.differences += [
                f"{metric.id} {comparison.name} {at} by {cause.by} against {cause.against}: {words}"
                for words in cause.differences
            ]
            found.compared[comparison.name, "district", "split"] += cause.pieces
    return found


def _cuts(found: Verdict, oracle: Oracle, book: Snapshot, metric: Metric, comparison: Comparison) -> None:
    """Each member of each cut of the district and of every town."""
    own = KPIS[metric.id]
    # of persons a cut below the district is listed whole or not at all, and judged with the places
    is_listed = "town" in metric.drill and not metric.person
    places = [DISTRICT] + (
        [place.code for place in book.places("town") if not book.is_withheld(metric, place)] if is_listed else []
    )
    for name in metric.slices:
        for place in places:
            said = book.slices(metric.id, name, comparison.name, comparison.at or None, place)
            ours = cuts.members(oracle, metric.id, name, comparison.span, place)
            if not oracle.is_known(own, comparison.span):
                ours = {}
            products = {member: (num, den) for member, _, num, den, _ in said}
            spot = book.place(place)
            if place != DISTRICT and book.is_registered(metric, name):
                ours = {}  # nor is it told there: see tests/warehouse/query/test_attributes.py
            one_sum = book.withheld_members(metric, name, spot) if ours else frozenset()
            if one_sum & products.keys():
                found.differences.append(f"{metric.id} {place} {name}: shown and part of the sum")
            for member in sorted({*products, *ours} - one_sum - {POOLED}):
                product, mine = products.get(member, (None, None)), ours.get(member, (None, None))
                if _same(product, mine):
                    found.compared[comparison.name, "district" if place == DISTRICT else "town", f"cut {name}"] += bool(
                        mine[0]
                    )
                else:
                    found.differences.append(
                        f"{metric.id} {place} {comparison.name} {comparison.at} {name} {member}: "
                        f"product {product}, independent {mine}"
                    )


def _same(product: tuple[float | None, float | None], ours: tuple[float | None, float | None]) -> bool:
    """Equal; none of a thing may be 0 or not be there."""
    return all(
        abs((said or 0.0) - (mine or 0.0)) <= 1e-9 * max(1.0, abs(said or 0.0))
        for said, mine in zip(product, ours, strict=True)
    )
