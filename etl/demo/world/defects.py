"""How often each defect of the source catalogue (D01 …) is planted, and the list of those that were.

Rates are per row of the thing named; a count is an absolute number of rows, the same at any scale. A clean world has
every rate at zero. Modules plant their own defects and write what they planted into a `Planted`, which becomes
`<demo>/planted.json` for tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

MANIFEST_KEYS = 40  # keys written per defect and thing; the count stays exact


@dataclass(frozen=True)
class Rates:
    """Shares (0–1) and counts of planted defects."""

    d01_two_colours: int = 3
    d01_two_companies: int = 2
    d01_cloned_plates: int = 2
    d02_plate_text: float = 0.012
    d03_platform_colours: bool = True
    d04_zero_position: float = 0.0004
    d04_swapped_vehicles: int = 1
    d04_scaled_vehicles: int = 1
    d04_gcj_companies: float = 0.05
    d05_future: float = 0.0002
    d05_epoch: float = 0.0002
    d05_utc_vehicles: int = 2
    d05_rollover_vehicles: int = 1
    d05_handled_early: float = 0.004
    d06_not_fixed: float = 0.0015
    d06_stuck_vehicle_day: float = 0.002
    d07_blind_vehicle_day: float = 0.03
    d07_duplicate: float = 0.002
    d08_platform_speed: bool = True
    d08_odometer_resets: int = 1
    d09_drift_vehicle_month: float = 0.014
    d10_id_number: float = 0.006
    d11_uscc: float = 0.012
    d12_town: float = 0.03
    d13_text: float = 0.012
    d15_filler: float = 0.015
    d16_moved: int = 4
    d14_workbook: bool = True
    d17_stages: int = 4
    d17_two_ledgers: int = 1
    d18_thin_company: bool = True
    d19_double_credit: int = 3
    d19_missing_row: int = 2
    d19_no_cancel_row: int = 2
    d20_overlap: int = 3
    d20_long: int = 2
    d20_backwards: int = 2
    d20_cancelled: int = 1
    d21_repeated_file: bool = True
    d21_silent_day: bool = True
    d22_hard_delete: bool = True
    d23_register: int = 3
    d24_coverage: int = 2
    d25_two_phones: int = 4
    d25_phone_only: float = 0.05


def clean_rates() -> Rates:
    """Rates of a world without planted defects."""
    return Rates(**{f.name: type(getattr(Rates, f.name))(0) for f in fields(Rates)})


@dataclass
class Planted:
    """What was planted: rule id → thing → keys."""

    found: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)

    def note(self, rule: str, thing: str, keys: list[str]) -> None:
        """Add keys of one thing (table, entity or file) to a rule."""
        if keys:
            stored = self.found.setdefault(rule, {}).setdefault(thing, [])
            stored += [str(k) for k in keys[: max(0, MANIFEST_KEYS - len(stored))]]
            counts = self.counts.setdefault(rule, {})
            counts[thing] = counts.get(thing, 0) + len(keys)

    def manifest(self) -> dict[str, dict[str, dict[str, object]]]:
        """{rule id: {thing: {"count": n, "keys": [first of them]}}}, rules in order."""
        return {
            r: {t: {"count": self.counts[r][t], "keys": k} for t, k in sorted(self.found[r].items())}
            for r in sorted(self.found)
        }
