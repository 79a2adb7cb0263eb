"""The console script. Owns the group, the shared options and the error boundary; the verbs are each package's own."""

from __future__ import annotations

import gettext
import os
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click

from warehouse.core import data_format
from warehouse.core.errors import CockpitError
from warehouse.core.settings import RELEASE

LOCALE = Path(__file__).with_name("locale")
"""What the command line's library says, in Chinese; made by `pybabel compile -d warehouse/cli/locale -D messages`."""


def data_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--data DIR` (default ./var) as the parameter `data: Path`, absolute; a folder of a later release is refused
    whatever the command."""

    def folder(_context: click.Context, _parameter: click.Parameter, value: Path) -> Path:
        found = value.expanduser().resolve()
        data_format.refuse_newer(found)
        return found

    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("var"),
        show_default=True,
        envvar="ZHENGBEI_DATA",
        callback=folder,
        help="数据文件夹",
    )(function)


class Verbs(click.Group):
    """Finds the verbs that installed packages register under `zhengbei.verbs`; loads only the one that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(entry.name for entry in entry_points(group="zhengbei.verbs"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for entry in entry_points(group="zhengbei.verbs", name=cmd_name):
            command: click.Command = entry.load()
            return command
        return None


@click.version_option(
    RELEASE, "--version", prog_name="正北数字驾驶舱", message="%(prog)s %(version)s", help="版本与提交号"
)
@click.group(cls=Verbs, context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100})
def zhengbei() -> None:
    """正北数字驾驶舱 —— 余杭区交通运输局车队与六大工程指标驾驶舱。

    先运行 demo 看演示，再用 serve 与 etl schedule 正式运行。每个命令都可加 --help。
    """


def main() -> None:
    """Runs the CLI; turns the errors of the tree into one Chinese line and their exit code, never a traceback."""
    os.environ["LANGUAGE"] = "zh_CN"
    gettext.bindtextdomain("messages", LOCALE)
    try:
        zhengbei.main(prog_name="./zhengbei", standalone_mode=False)
    except CockpitError as error:
        click.echo(f"错误：{error}", err=True)
        sys.exit(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else str(error))
        sys.exit(2)
    except click.ClickException as error:
        where = f" {error.ctx.command_path}" if isinstance(error, click.UsageError) and error.ctx else ""
        what = " ".join(error.format_message().split()).rstrip(".")
        click.echo(f"错误：命令写法不对：{what}；处理办法：请用{where} --help 查看可用的写法", err=True)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("已中止", err=True)
        sys.exit(130)
