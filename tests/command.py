"""A command as an operator gives it, within the process of the test: what a start of Python costs is saved."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path

from warehouse.cli.main import main


def zhengbei(*words: str, data: Path) -> tuple[int, str]:
    """Exit code and what is written, of both streams, by `./zhengbei <words> --data <data>`."""
    before, written = sys.argv, io.StringIO()
    sys.argv = ["zhengbei", *words, "--data", str(data)]
    try:
        with contextlib.redirect_stdout(written), contextlib.redirect_stderr(written):
            main()
        return 0, written.getvalue()
    except SystemExit as end:
        return int(end.code or 0), written.getvalue()
    finally:
        sys.argv = before
