"""The bench as a command; `./zhengbei bench` starts it. Results on the standard output, progress beside it."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import click

from tests.bench.figures import FIGURES


def say(text: str) -> None:
    click.echo(f"… {text}", err=True)


@click.command("bench", help="量一量：各项用多少 CPU 与内存，每项都在同一分钟内与基准并排；只报告，不判定。")
@click.option("--only", multiple=True, type=click.Choice(list(FIGURES)), help="只量这些项，可重复")
@click.option("--scale", type=click.IntRange(min=20), default=2000, show_default=True, help="车辆数")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def main(only: tuple[str, ...], scale: int, as_json: bool) -> None:
    """Measures the figures asked for, one after the other."""
    found = []
    for name in only or FIGURES:
        with tempfile.TemporaryDirectory() as folder:
            found.append(FIGURES[name](Path(folder), scale, say))
        if not as_json:
            click.echo(found[-1].text)
    if as_json:
        json.dump([figure.facts for figure in found], sys.stdout, ensure_ascii=False, indent=2)
        click.echo()


if __name__ == "__main__":
    main()
