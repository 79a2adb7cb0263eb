"""JSON Schema of alerts.toml.

Made by `python -m cockpit.alerts.schemas`; a test holds them to the structures."""

from __future__ import annotations

from pathlib import Path

from cockpit.alerts.rules import Plan

FOLDER = Path(__file__).resolve().parent
KINDS = {
    "alerts": Plan,
}
