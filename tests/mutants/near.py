"""Which tests lie near a file: the ones that are tried on its mutants, the cheapest first."""

from __future__ import annotations

from typing import Any

import pytest

from warehouse.build.graph import above
from warehouse.catalog.metrics import metrics

MODELS = "tests/warehouse/build/test_models.py"
BOUNDARIES = "tests/warehouse/test_boundaries.py"
OF_MODELS = {
    "gps_": ["tests/warehouse/build/test_positions.py"],
    "stg_gps": ["tests/warehouse/build/test_positions.py"],
    "stop_reach": ["tests/warehouse/build/test_positions.py"],
    "company_": ["tests/warehouse/build/test_register50.py"],
    "stg_pb_register": ["tests/warehouse/build/test_register50.py"],
}
OF_READINGS = [
    "tests/warehouse/query/test_readings.py",
    "tests/warehouse/query/test_comparisons.py",
    BOUNDARIES,
    "tests/warehouse/query/test_snapshot_store.py",
]
OF_SELECTS = [
    BOUNDARIES,
    "tests/warehouse/query/test_readings.py",
    "tests/warehouse/build/test_revisions.py",
]
OF_MODULES = {
    "warehouse/build/": ["tests/warehouse/build/test_disclosure.py", "tests/warehouse/build/test_person_hold.py"],
    "warehouse/core/timetable.py": ["tests/warehouse/core/test_timetable.py"],
    "warehouse/core/units.py": ["tests/warehouse/core/test_units.py", *OF_READINGS],
    "warehouse/query/places.py": ["tests/warehouse/query/test_scope.py", *OF_READINGS],
    "warehouse/query/contribution.py": [
        "tests/warehouse/query/test_contribution.py",
        "tests/warehouse/query/test_readings.py",
    ],
    "warehouse/insight/findings/": ["tests/warehouse/insight/test_findings_edges.py"],
    "warehouse/": OF_READINGS,
}
EXPENSIVE = {"published", "audited"}
"""Fixtures that the whole real line makes: what stands on them is for the full run."""


def tests(kind: str, file: str) -> list[str]:
    """Files and folders of tests for a mutant of that kind in that file."""
    if kind == "toml":
        return [BOUNDARIES, "tests/warehouse/query/test_readings.py"]
    if kind == "python":
        return next(listed for start, listed in OF_MODULES.items() if file.startswith(start))
    if file.startswith(("warehouse/staging/", "warehouse/marts/")):
        name = file.rsplit("/", 1)[1].removesuffix(".sql")
        return [MODELS, BOUNDARIES, *next((more for start, more in OF_MODELS.items() if name.startswith(start)), [])]
    return OF_SELECTS if "revis" in file else OF_SELECTS[:2]


class Near:
    """Leaves out the cases that look at nothing made of a model or an indicator, and puts first those that look at it
    itself."""

    def __init__(self, kind: str, file: str) -> None:
        self.name = file.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        self.kind = kind if kind != "sql" or file.startswith(("warehouse/staging/", "warehouse/marts/")) else "select"

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        ranked = [(self._rank(item), item) for item in items]
        config.hook.pytest_deselected(items=[item for rank, item in ranked if rank is None])
        items[:] = [item for rank, item in sorted(ranked, key=lambda one: one[0] or 0) if rank is not None]

    def _rank(self, item: pytest.Item) -> int | None:
        """0 for a case about the thing itself, 1 for one about something made of it or for any other test."""
        if EXPENSIVE & set(getattr(item, "fixturenames", ())) or item.get_closest_marker("slow"):
            return None
        parameters: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
        case = parameters.get("case")
        if not isinstance(case, dict):
            return 1
        if self.kind == "toml":
            return 0 if case.get("metric") == self.name else None if "metric" not in case else 1
        if self.kind == "select":
            return 0 if case.get("sql", "").endswith("/" + self.name) else None
        if self.kind == "sql":
            looked_at = models_of(case)
            return 0 if self.name in looked_at else 1 if any(self.name in above(name) for name in looked_at) else None
        return 1


def models_of(case: dict[str, Any]) -> set[str]:
    """The models that a case looks at; those of its indicator included."""
    from tests.warehouse.build.test_models import models_in

    if "metric" in case:
        return {metrics()[case["metric"]].mart}
    return set() if "sql" in case else set(models_in(case.get("expect", case)))
