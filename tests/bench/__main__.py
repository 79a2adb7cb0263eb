"""What `./zhengbei bench` starts, which also says what its options mean. Results on the standard output, progress beside
it."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import click

from tests.bench.figures import FIGURES


def say(text: str) -> None:
    click.echo(f"… {text}", err=True)


@click.command("bench")
@click.option("--only", multiple=True, type=click.Choice(list(FIGURES)))
@click.option("--scale", type=int, required=True)
@click.option("--json", "as_json", is_flag=True)
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
