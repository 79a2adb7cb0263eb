"""JSON Schema of delivery.toml.

Made by `python -m cockpit.messages.schemas`; a test holds them to the structures."""

from __future__ import annotations

from pathlib import Path

from cockpit.messages.receivers import Delivery

FOLDER = Path(__file__).resolve().parent
KINDS = {
    "delivery": Delivery,
}
