"""What fails while a page is asked for stands in the web service's own log, each request as a run of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

BROKEN = """
from cockpit.web import app

server = app.from_env()
name = next(rule.endpoint for rule in server.url_map.iter_rules() if rule.rule == "/healthz")


def fails():
    raise RuntimeError("13800001111")


server.view_functions[name] = fails
for _ in range(2):
    assert server.test_client().get("/healthz").status_code == 500
"""


def test_a_request_that_fails_is_a_run_with_its_trace_and_no_person(tmp_path: Path) -> None:
    (tmp_path / "zhengbei.toml").write_text("log_days = 7\n")
    done = subprocess.run(
        [sys.executable, "-c", BROKEN],
        env={**os.environ, "ZHENGBEI_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("request /healthz failed") == 2, "the system's own journal has it as before"
    found = [json.loads(line) for line in (tmp_path / "logs" / "web.jsonl").read_text("utf-8").splitlines()]
    failed = [line for line in found if line["level"] == "error" and "/healthz" in line["text"]]
    assert len(failed) == 2 and {line["process"] for line in failed} == {"web"}
    assert len({line["run"] for line in failed}) == 2 and all(line["run"].startswith("request-") for line in failed)
    assert all("RuntimeError" in line["error"] and "138" not in line["error"] for line in failed)
