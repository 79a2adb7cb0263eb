"""What a demonstration sets up by itself."""

from __future__ import annotations

from pathlib import Path

from etl.cli import demonstration
from warehouse.core.settings import Options, Settings


def test_a_demonstration_goes_without_the_second_factor_and_production_does_not(tmp_path: Path) -> None:
    assert Options().second_factor
    demonstration._relax(Settings(tmp_path))
    assert not Settings.at(tmp_path).options.second_factor


def test_what_somebody_has_written_stays(tmp_path: Path) -> None:
    (tmp_path / "zhengbei.toml").write_text("idle_minutes = 5\n", "utf-8")
    demonstration._relax(Settings(tmp_path))
    found = Settings.at(tmp_path).options
    assert found.second_factor and found.idle_minutes == 5
