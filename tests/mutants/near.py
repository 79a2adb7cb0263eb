"""Which tests lie near a file: the ones that are tried on its mutants, the cheapest first.

What a fork inherits it does not read again: the process that forks imports this, so it imports nothing of the product
before it is asked in a fork."""

from __future__ import annotations

from typing import Any

import pytest

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
WRITTEN = ["tests/warehouse/ingest/test_column_rules.py", "tests/etl/sources/test_values.py"]
SHAPES = [
    "tests/warehouse/ingest/test_tables.py",
    "tests/etl/sources/test_ledger_shapes.py",
    "tests/etl/sources/test_files_hostile.py",
    *WRITTEN,
]
LANDED = [
    "tests/warehouse/ingest/test_load.py",
    *WRITTEN,
    "tests/warehouse/ingest/test_clocks.py",
    "tests/warehouse/ingest/test_landing.py",
    "tests/warehouse/ingest/test_source_deletes.py",
]
EDGES = "tests/cockpit/identity/test_edges.py"
OF_MODULES = {
    "warehouse/build/checks.py": ["tests/warehouse/build/test_engine.py", "tests/warehouse/build/test_positions.py"],
    "warehouse/build/fingerprints.py": ["tests/warehouse/build/test_definitions.py"],
    "warehouse/build/graph.py": ["tests/warehouse/build/test_engine.py", "tests/warehouse/build/test_definitions.py"],
    "warehouse/build/revisions.py": ["tests/warehouse/build/test_revisions.py"],
    "warehouse/build/": ["tests/warehouse/build/test_disclosure.py", "tests/warehouse/build/test_person_hold.py"],
    "warehouse/catalog/": ["tests/warehouse/catalog", "tests/test_descriptions.py"],
    "warehouse/compile/person_windows.py": ["tests/warehouse/compile/test_person_windows.py"],
    "warehouse/core/timetable.py": ["tests/warehouse/core/test_timetable.py"],
    "warehouse/core/units.py": ["tests/warehouse/core/test_units.py", *OF_READINGS],
    "warehouse/core/festivals.py": ["tests/warehouse/core/test_festivals.py", *OF_READINGS],
    "warehouse/core/keys.py": ["tests/warehouse/core/test_keys.py"],
    "warehouse/core/redaction.py": ["tests/warehouse/core/test_redaction.py"],
    "warehouse/ingest/archives.py": SHAPES,
    "warehouse/ingest/csv_chunks.py": ["tests/warehouse/ingest/test_pieces.py", *WRITTEN],
    "warehouse/ingest/hook.py": ["tests/etl/sources/test_strangers.py"],
    "warehouse/ingest/ledgers.py": SHAPES,
    "warehouse/ingest/list_review.py": ["tests/etl/worker/test_filing.py"],
    "warehouse/ingest/pseudonymize.py": ["tests/warehouse/core/test_redaction.py", *LANDED],
    "warehouse/ingest/table": SHAPES,
    "warehouse/ingest/parse.py": [
        "tests/warehouse/ingest/test_parse.py",
        "tests/warehouse/ingest/test_tables.py",
        *LANDED,
    ],
    "warehouse/ingest/column_rules.py": WRITTEN,
    "warehouse/ingest/json_paths.py": WRITTEN,
    "warehouse/ingest/target_rows.py": [
        "tests/warehouse/ingest/test_target_rows.py",
        "tests/etl/worker/test_filing.py",
    ],
    "warehouse/ingest/times.py": ["tests/warehouse/ingest/test_times.py", *WRITTEN],
    "warehouse/ingest/workbooks.py": SHAPES,
    "warehouse/ingest/": LANDED,
    "warehouse/insight/findings/": ["tests/warehouse/insight/test_findings_edges.py"],
    "warehouse/insight/forecast.py": ["tests/warehouse/insight/test_forecast.py"],
    "warehouse/insight/operations.py": [
        "tests/warehouse/insight/test_operations_edges.py",
        "tests/warehouse/insight/test_operations.py",
    ],
    "warehouse/insight/trend_annotations.py": [
        "tests/warehouse/query/test_words_edges.py",
        "tests/warehouse/insight/test_trend_annotations.py",
    ],
    "warehouse/insight/questions/": ["tests/warehouse/insight/test_questions.py"],
    "warehouse/insight/": ["tests/warehouse/insight", BOUNDARIES],
    "warehouse/publish/": ["tests/warehouse/publish", "tests/warehouse/ingest/test_load.py", BOUNDARIES],
    "warehouse/query/alarms.py": ["tests/warehouse/query/test_words_edges.py", BOUNDARIES],
    "warehouse/query/programmes.py": [
        "tests/warehouse/query/test_words_edges.py",
        "tests/warehouse/query/test_programmes.py",
        BOUNDARIES,
    ],
    "warehouse/query/places.py": ["tests/warehouse/query/test_scope.py", *OF_READINGS],
    "warehouse/query/contribution.py": [
        "tests/warehouse/query/test_contribution.py",
        "tests/warehouse/query/test_readings.py",
    ],
    "warehouse/query/": [*OF_READINGS, "tests/warehouse/query"],
    "warehouse/": OF_READINGS,
    "etl/config/": ["tests/test_descriptions.py"],
    "etl/jobs/": ["tests/etl/worker/test_reports.py"],
    "etl/sources/cursors.py": ["tests/etl/sources/test_values.py", "tests/etl/sources/test_connecting.py"],
    "etl/sources/http_client.py": [
        "tests/etl/sources/test_http_answers.py",
        "tests/etl/sources/test_connecting.py",
        "tests/etl/sources/test_faults.py",
    ],
    "etl/sources/": [
        "tests/etl/sources/test_connecting.py",
        "tests/etl/sources/test_faults.py",
        "tests/etl/sources/test_files_hostile.py",
    ],
    "cockpit/alerts/rules.py": ["tests/cockpit/alerts/test_rules_edges.py"],
    "cockpit/alerts/store.py": ["tests/cockpit/alerts/test_rules_edges.py"],
    "cockpit/alerts/": ["tests/cockpit/alerts"],
    "cockpit/casework/favourites.py": ["tests/cockpit/casework/test_favourites.py"],
    "cockpit/casework/loader_requests.py": ["tests/cockpit/casework/test_loader_requests.py"],
    "cockpit/casework/notes.py": ["tests/cockpit/casework/test_notes.py"],
    "cockpit/casework/shares.py": ["tests/cockpit/casework/test_shares.py", "tests/cockpit/web/test_share_pages.py"],
    "cockpit/casework/task": ["tests/cockpit/casework/test_task_store.py"],
    "cockpit/casework/": ["tests/cockpit/web/test_export.py", "tests/cockpit/casework"],
    "cockpit/identity/accounts.py": [EDGES, "tests/cockpit/identity/test_accounts.py"],
    "cockpit/identity/driver_access.py": ["tests/cockpit/identity/test_driver_access.py"],
    "cockpit/identity/login": ["tests/cockpit/identity/test_login_code.py", "tests/cockpit/identity/test_gate.py"],
    "cockpit/identity/passwords.py": [EDGES, "tests/cockpit/identity/test_passwords.py"],
    "cockpit/identity/rights.py": ["tests/cockpit/identity/test_rights.py"],
    "cockpit/identity/second_factor.py": ["tests/cockpit/identity/test_second_factor.py"],
    "cockpit/identity/sign_on/": ["tests/cockpit/identity/test_sign_on.py"],
    "cockpit/identity/sessions.py": [
        EDGES,
        "tests/cockpit/identity/test_accounts.py",
        "tests/cockpit/identity/test_gate.py",
    ],
    "cockpit/identity/throttle.py": [EDGES, "tests/cockpit/identity/test_accounts.py"],
    "cockpit/identity/tokens.py": [
        EDGES,
        "tests/cockpit/web/test_token_commands.py",
        "tests/cockpit/web/test_api_v1.py",
    ],
    "cockpit/identity/": ["tests/cockpit/identity/test_gate.py", "tests/cockpit/identity"],
    "cockpit/presentation/address.py": ["tests/cockpit/presentation/test_address.py"],
    "cockpit/presentation/data_notes.py": ["tests/cockpit/presentation/test_data_notes.py"],
    "cockpit/presentation/day_range.py": ["tests/cockpit/presentation/test_day_range.py"],
    "cockpit/presentation/format.py": ["tests/cockpit/presentation/test_format.py"],
    "cockpit/presentation/reading_view.py": ["tests/cockpit/presentation/test_reading_view.py"],
    "cockpit/presentation/": ["tests/cockpit/presentation", "tests/warehouse/ingest/test_clocks.py"],
    "cockpit/report/day_span.py": ["tests/cockpit/report/test_day_span.py"],
    "cockpit/report/proofreading.py": ["tests/cockpit/report/test_proofreading.py"],
    "cockpit/report/": [
        "tests/cockpit/report/test_weekly.py",
        "tests/cockpit/report/test_sheet.py",
        "tests/cockpit/report/test_monthly.py",
    ],
    "cockpit/store/": ["tests/cockpit/store", "tests/cockpit/web/test_audit_commands.py"],
    "cockpit/wall/direction.py": ["tests/cockpit/wall/test_direction.py"],
    "cockpit/wall/legibility.py": ["tests/cockpit/wall/test_legibility.py"],
    "cockpit/wall/": ["tests/cockpit/wall"],
}
EXPENSIVE = {"published", "audited"}
"""Fixtures that the whole real line makes: what stands on them is for the full run, but where a module only reads what has
been published."""


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
        is_read = kind == "python" and file.startswith(("cockpit/", "warehouse/insight/", "warehouse/query/"))
        self.expensive = EXPENSIVE - {"published"} if is_read else EXPENSIVE
        self.kind = kind if kind != "sql" or file.startswith(("warehouse/staging/", "warehouse/marts/")) else "select"

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        chosen = self.chosen(items)
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen

    def chosen(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """Those that are run, in their order. Where slow tests alone look at a module, they are."""
        for slow in (False, True):
            ranked = [(rank, item) for item in items if (rank := self._rank(item, slow=slow)) is not None]
            if ranked:
                break
        return [item for _, item in sorted(ranked, key=lambda one: one[0])]

    def _rank(self, item: pytest.Item, *, slow: bool = False) -> int | None:
        """0 for a case about the thing itself, 1 for one about something made of it or for any other test; None for
        one that is left out, as a slow one is unless `slow`."""
        if self.expensive & set(getattr(item, "fixturenames", ())) or (item.get_closest_marker("slow") and not slow):
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
            from warehouse.build.graph import above

            looked_at = models_of(case)
            return 0 if self.name in looked_at else 1 if any(self.name in above(name) for name in looked_at) else None
        return 1


def models_of(case: dict[str, Any]) -> set[str]:
    """The models that a case looks at; those of its indicator included."""
    from tests.warehouse.build.test_models import models_in
    from warehouse.catalog.metrics import metrics

    if "metric" in case:
        return {metrics()[case["metric"]].mart}
    return set() if "sql" in case else set(models_in(case.get("expect", case)))
