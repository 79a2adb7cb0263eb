"""The image is made of what the product is made of, and runs it as the services do."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from warehouse.core.settings import ROOT

HOME = ROOT.parent
DEPLOY = HOME / "cockpit" / "deploy"
LINES = re.sub(r"\\\n\s*", "", (DEPLOY / "Containerfile").read_text("utf-8")).splitlines()
SHIPPED = {"assets", "cockpit", "etl", "warehouse"}
BESIDE = {"pyproject.toml", "requirements.lock", "README.md", "CHANGELOG.md", "zhengbei"}


def of(word: str) -> list[str]:
    """What follows each instruction of that name."""
    return [line.removeprefix(f"{word} ") for line in LINES if line.startswith(f"{word} ")]


def test_all_that_ships_is_in_the_image() -> None:
    first, *others = of("COPY")
    assert first == f"{first.rsplit(' ', 1)[0]} /opt/zhengbei/" and set(first.split()[:-1]) == BESIDE
    assert sorted(others) == [f"{name} /opt/zhengbei/{name}" for name in sorted(SHIPPED)]
    assert all((HOME / name).exists() for name in SHIPPED | BESIDE)
    packages = {place.parent.name for place in HOME.glob("*/__init__.py")} - {"tests"}
    assert packages <= SHIPPED, "a new package must be copied too"


def test_it_names_no_registry_and_runs_as_nobody_in_particular() -> None:
    assert of("FROM") == ["debian:12"]
    assert of("USER") == ["zhengbei"] and "useradd --system --uid 990" in of("RUN")[1]


@pytest.mark.parametrize("service", ["web", "etl"])
def test_its_commands_are_those_of_the_services(service: str) -> None:
    """But for the address, which in a container is the container's own."""
    unit = (DEPLOY / f"zhengbei-{service}.service").read_text("utf-8")
    command = re.search(r"^ExecStart=(.+)$", unit, re.M)
    assert command is not None
    words = shlex.split(command[1].replace("127.0.0.1", "0.0.0.0"))
    if service == "web":
        assert [*json.loads(of("ENTRYPOINT")[0]), *json.loads(of("CMD")[0])] == words
    else:
        manual = re.sub(r"\\\n\s*", "", (DEPLOY / "README.md").read_text("utf-8"))
        assert f"zhengbei {' '.join(words[1:])}" in manual
