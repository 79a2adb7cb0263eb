"""What the page and the printed sheet of a town and of a company open with: key_numbers.toml."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from msgspec import Struct

from warehouse.core import toml

FILE = Path(__file__).with_suffix(".toml")


class KeyNumbers(Struct, frozen=True, forbid_unknown_fields=True):
    """Ids of metrics in the order of the cards, by the grain of a place."""

    town: tuple[str, ...]
    company: tuple[str, ...]

    def of(self, grain: str) -> tuple[str, ...]:
        """Those of a town or a company; none for any other grain."""
        return {"town": self.town, "company": self.company}.get(grain, ())


@cache
def key_numbers() -> KeyNumbers:
    """The file as it stands. Raises ConfigError for one that cannot be read."""
    return toml.read(FILE, KeyNumbers)
