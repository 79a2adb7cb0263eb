"""Writes the files anew."""

from __future__ import annotations

from cockpit.messages.schemas import FOLDER, KINDS
from warehouse.core import json_schema

json_schema.write(FOLDER, KINDS)
