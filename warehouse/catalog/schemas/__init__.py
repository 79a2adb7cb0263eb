"""JSON Schema of indicators, landing contracts, models, the announcement and zhengbei.toml.

Made by `python -m warehouse.catalog.schemas`; a test holds them to the structures."""

from __future__ import annotations

from pathlib import Path

from warehouse.catalog.schema import AnnouncementDescription, ContractDescription, MetricDescription, ModelDescription
from warehouse.core.settings import Options

FOLDER = Path(__file__).resolve().parent
KINDS = {
    "metric": MetricDescription,
    "contract": ContractDescription,
    "model": ModelDescription,
    "announcement": AnnouncementDescription,
    "settings": Options,
}
