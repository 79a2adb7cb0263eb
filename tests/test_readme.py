"""The manuals tell the truth: every command line exists with its options, every path is there, nothing names a
registry."""

from __future__ import annotations

import re
import shlex
import struct
from pathlib import Path

import click
import pytest

from warehouse.cli.main import zhengbei
from warehouse.core.settings import Options

ROOT = Path(__file__).resolve().parent.parent
MANUALS = (
    "README.md",
    "warehouse/README.md",
    "etl/README.md",
    "cockpit/README.md",
    "cockpit/deploy/README.md",
    "tests/README.md",
)
LONGEST = 120
"""Lines of the first page."""
COMMAND = re.compile(r"\./zhengbei((?: [^`#|\n,;。,;、)]+)?)")
PATHS = re.compile(r"(?<![\w./-])((?:warehouse|etl|cockpit|assets|tests|\.ci)/[\w./-]*[\w/])")
MODULES = re.compile(r"(?<![\w./-])([a-z_]+\.(?:py|css|js|sql))\b")
PICTURE_LIMIT = 300 * 1024
MISPRINTS = ("政\u6d3d", "\u89c9品", "\u89c9建", "骨\u5343", "志\u539f", "暖\u516b礼遇", "WIF\u0031", "\u5973明岗")
"""Words that a scan of the announcement got wrong; written here so that this file does not hold them itself."""
HOSTS = (
    "pypi\u002eorg",
    "python\u0068osted",
    "npmjs\u002e",
    "registry\u002e",
    "deb\u002edebian",
    "mirrors\u002e",
    "github\u002ecom",
)


def manual(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def commands() -> list[tuple[str, str]]:
    found = []
    for name in MANUALS:
        for text in COMMAND.findall(manual(name)):
            line = text.strip()
            if line:
                found.append((name, line))
    return found


@pytest.mark.parametrize(("name", "line"), commands(), ids=lambda word: word[:40])
def test_every_command_line_in_the_manuals_exists(name: str, line: str) -> None:
    words = shlex.split(line)
    command: click.Command = zhengbei
    context = click.Context(zhengbei, info_name="zhengbei")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, f"{name}: {words[0]} in {line}"
        command, context = found, click.Context(found, info_name=words[0], parent=context)
        words = words[1:]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}
    for word in words:
        if word.startswith("-"):
            assert word.split("=")[0] in known, f"{name}: {word} in {line}"
    assert isinstance(command, click.Group) is False or not words or words[0] in known, f"{name}: {line}"


def test_every_manual_of_an_operator_names_commands() -> None:
    assert {name for name, _ in commands()} >= {"README.md", "etl/README.md", "cockpit/deploy/README.md"}


@pytest.mark.parametrize("name", MANUALS)
def test_every_path_in_the_manuals_exists(name: str) -> None:
    for path in PATHS.findall(
        re.sub(r"```toml\n# .*?```", "", manual(name), flags=re.S)
    ):  # a recipe makes its file (test_recipes)
        plain = path.split("<")[0].rstrip("/")
        assert (ROOT / plain).exists(), f"{name}: {path}"


def test_every_module_in_the_folder_map_exists() -> None:
    files = {
        p.name for folder in ("warehouse", "etl", "cockpit", "assets", "tests") for p in (ROOT / folder).rglob("*.*")
    }
    for name in MANUALS:
        for module in MODULES.findall(re.sub(r"```toml\n# .*?```", "", manual(name), flags=re.S)):
            assert module in files, f"{name}: {module}"


def test_every_option_in_the_manual_is_read_by_the_code() -> None:
    row = next(line for line in manual("README.md").splitlines() if line.startswith("| `zhengbei.toml`"))
    stated = set(re.findall(r"`([a-z_]+)`", row.split("|", 2)[2]))
    code = "".join(
        p.read_text("utf-8") for folder in ("warehouse", "etl", "cockpit") for p in (ROOT / folder).rglob("*.py")
    )
    assert stated == set(Options.__struct_fields__)
    assert not {name for name in stated if f"options.{name}" not in code}
    for variable in re.findall(r"`(ZHENGBEI_[A-Z_]+)`", manual("README.md")):
        assert variable in code, variable


def test_the_readme_is_short_and_its_picture_is_small() -> None:
    assert len(manual("README.md").splitlines()) <= LONGEST
    picture = (ROOT / "cockpit" / "screenshot.png").read_bytes()
    assert len(picture) <= PICTURE_LIMIT
    assert struct.unpack(">II", picture[16:24]) == (1920, 1080)


@pytest.mark.parametrize("name", MANUALS)
def test_no_manual_sends_anybody_to_a_registry(name: str) -> None:
    assert not [host for host in HOSTS if host in manual(name)]


def test_no_word_of_the_bad_scan_is_anywhere_in_the_tree() -> None:
    kinds = {".py", ".toml", ".sql", ".md", ".html", ".js", ".css", ".csv", ".geojson"}
    for folder in ("warehouse", "etl", "cockpit", "assets", "tests"):
        for file in (ROOT / folder).rglob("*"):
            if file.suffix in kinds:
                text = file.read_text("utf-8", "replace")
                assert not [word for word in MISPRINTS if word in text], file
    assert not [word for word in MISPRINTS if word in manual("README.md")]
