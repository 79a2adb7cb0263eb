"""Which workbook is due when: 党建 and 暖心 each month, 群团 each quarter, 荣誉 in May and October.

A workbook comes in on a morning after its month; one that is there is never touched again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from etl.demo.ledgers import honours, party_book, unions, warmth
from etl.demo.world import clock
from etl.demo.world.clock import DAY
from etl.demo.world.world import World

EVERY = tuple(range(1, 13))


@dataclass(frozen=True)
class Paper:
    """A kind of workbook: months of the year it is kept for, local second of the following month at which it
    arrives."""

    name: Callable[[int], str]
    write: Callable[[World, Path, int], None]
    months: tuple[int, ...]
    arrives_s: int
    begins_before: bool  # the newest one before the history is there too

    def due(self, world: World, now: int) -> list[int]:
        """Months (since 1970-01) whose workbook is there at local second `now`: those of the history, one at least."""
        last = clock.month_of(now // DAY)
        all_months = [
            m
            for m in range(clock.month_of(world.first_day) - 14, last + 1)
            if m % 12 + 1 in self.months and clock.month_first_day(m + 1) * DAY + self.arrives_s <= now
        ]
        older = [m for m in all_months if m < clock.month_of(world.first_day)]
        newer = [m for m in all_months if m >= clock.month_of(world.first_day)]
        return older[-1:] + newer if self.begins_before or not newer else newer


PAPERS = (
    Paper(party_book.file_name, party_book.write, EVERY, 9 * 3600, False),
    Paper(unions.file_name, unions.write, (3, 6, 9, 12), 9 * DAY + 9 * 3600, True),
    Paper(warmth.file_name, warmth.write, EVERY, 10 * 3600, False),
    Paper(honours.file_name, honours.write, (5, 10), 11 * 3600, True),
)


def due(world: World, now: int) -> list[tuple[int, int]]:
    """(position in PAPERS, month) of every workbook due at local second `now`."""
    return [(k, month) for k, paper in enumerate(PAPERS) for month in paper.due(world, now)]


def write_missing(world: World, drop: Path, wanted: list[tuple[int, int]]) -> int:
    """Writes those of `wanted` that are not there; returns how many."""
    missing = [(PAPERS[k], month) for k, month in wanted if not (drop / PAPERS[k].name(month)).exists()]
    for paper, month in missing:
        paper.write(world, drop, month)
    return len(missing)
