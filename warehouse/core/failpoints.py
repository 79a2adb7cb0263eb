"""Named points at which a test may kill the process, to prove that nothing is lost there. Silent in normal use."""

from __future__ import annotations

import os

POINTS = (
    "after_fetch",
    "after_landing",
    "after_lake",
    "mid_merge",
    "before_commit",
    "after_commit_before_ledger",
    "after_ledger",
    "mid_build",
    "before_swap",
    "between_files",
    "after_swap",
)


def point(name: str) -> None:
    """Ends the process at once, without cleaning up, when ZHENGBEI_CRASH_AT names this point."""
    if os.environ.get("ZHENGBEI_CRASH_AT") == name:
        os._exit(9)
