"""What a web worker loads before its first reader."""

from __future__ import annotations

import subprocess
import sys


def test_a_worker_does_not_carry_what_only_the_loader_works_with() -> None:
    """Two workers and the process that begins them would each be a third heavier, and slower to start."""
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, cockpit.web.app; print(*sorted({m.split('.')[0] for m in sys.modules}))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "duckdb" in loaded
    assert not {"pandas", "pyarrow", "openpyxl", "docx", "sqlglot", "apscheduler"} & set(loaded)
