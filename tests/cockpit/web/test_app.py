"""What a web worker carries."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

LOADED = """
import sys
from cockpit.web import app
from warehouse.query.scope import Scope
server = app.from_env()
book = server.config["ZHENGBEI_LIBRARY"].current(Scope.ALL)
assert book.read("fleet_online_rate", "day", "2026-11-22").value is not None
print(*sorted({name.split(".")[0] for name, module in sys.modules.items() if module is not None}))
"""


def test_a_worker_does_not_carry_what_only_the_loader_works_with(data_with_picture: Path) -> None:
    """Two workers and the process that begins them would each be a half heavier, and slower to start."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ZHENGBEI_DATA": str(data_with_picture)},
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert "duckdb" in loaded
    assert not {"pandas", "pyarrow", "openpyxl", "docx", "sqlglot", "sqlalchemy", "apscheduler"} & loaded
