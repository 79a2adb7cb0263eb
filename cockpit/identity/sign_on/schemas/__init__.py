"""JSON Schema of signon.toml.

Made by `python -m cockpit.identity.sign_on.schemas`; a test holds them to the structures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cockpit.identity.sign_on.ways import Way

FOLDER = Path(__file__).resolve().parent
KINDS: dict[str, Any] = {
    "signon": Way,
}
