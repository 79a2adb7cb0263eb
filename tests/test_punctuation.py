"""Chinese that a reader meets has full-width punctuation, wherever it is written."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from warehouse.ingest.ledgers import SIGNS

ROOT = Path(__file__).resolve().parent.parent
HAN = "[\u3400-\u9fff〔〕（）“”‘’]"
VALUE = "\ufffc"
"""Stands for what an f-string or a template puts in."""
HALF = re.compile(rf"{HAN}[,;:!?(](?![/-])|[,;!?)]{HAN}|{VALUE}[,;!?(]{HAN}|{HAN}[,;:!?()]{VALUE}")
MACHINE = re.compile(r"env:|https?:|json:|代理主机:|主机:|\(\?|\[\^|\\d|\\s|SELECT |FROM |CASE |regexp", re.ASCII)
"""What is written for a machine: addresses, patterns, SQL."""


def spoken(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and text of every string of a module that is no docstring; VALUE where something is put in."""
    silent = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    inner = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
        if isinstance(part, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (str(part.value) if isinstance(part, ast.Constant) else VALUE for part in node.values)
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent | inner:
            yield node.lineno, node.value


def texts_of(value: Any, key: str = "") -> Iterator[str]:
    """Every text of a description but its SQL and patterns."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from texts_of(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_of(inner, key)
    elif isinstance(value, str):
        yield value


def wrong(text: str) -> bool:
    return bool(HALF.search(text)) and not MACHINE.search(text) and text not in SIGNS


@pytest.mark.parametrize("package", ["cockpit", "etl", "warehouse"])
def test_texts_in_the_code_have_full_width_punctuation(package: str) -> None:
    files = [file for file in (ROOT / package).rglob("*.py") if "demo" not in file.parts]
    read = [(file, *item) for file in files for item in spoken(ast.parse(file.read_text("utf-8")))]
    assert len(read) > 500
    assert [f"{file.relative_to(ROOT)}:{line} {text[:80]}" for file, line, text in read if wrong(text)] == []


def test_templates_have_full_width_punctuation() -> None:
    found = []
    files = list((ROOT / "cockpit" / "presentation" / "templates").glob("*.html"))
    for file in files:
        for line, text in enumerate(file.read_text("utf-8").splitlines(), 1):
            words = re.sub(r"<(script|style).*?</\1>|@page.*", "", text)
            words = re.sub(r"\{\{.*?\}\}", VALUE, re.sub(r"\{%.*?%\}", "", words))
            shown = re.sub(r"<[^>]*>", " ", words)
            literals = re.findall(r'"([^"<>]*)"', " ".join(re.findall(r"\{\{(.*?)\}\}", text)))
            attributes = re.findall(r'(?:title|aria-label|placeholder|alt)="([^"]*)"', words)
            found += [f"{file.name}:{line} {one}" for one in (shown, *literals, *attributes) if wrong(one)]
    assert len(files) > 5 and found == []


def test_descriptions_have_full_width_punctuation() -> None:
    files = [*(ROOT / "warehouse").rglob("*.toml"), *(ROOT / "etl" / "sources").glob("*.toml")]
    given = {
        file: [value for value in texts_of(tomllib.loads(file.read_text("utf-8")))] for file in files if file.exists()
    }
    assert len(given) > 150
    found = [f"{file.relative_to(ROOT)} {text[:60]}" for file, texts in given.items() for text in texts if wrong(text)]
    assert found == []


def test_scripts_have_full_width_punctuation() -> None:
    found, read = [], 0
    for file in (ROOT / "assets" / "js").rglob("*.js"):
        code = re.sub(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", "", file.read_text("utf-8"), flags=re.S)
        for quoted in re.findall(r'"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`', code):
            text = re.sub(r"\$\{(?:[^{}]|\{[^{}]*\})*\}", VALUE, quoted[1:-1])
            read += bool(re.search(HAN, text))
            found += [f"{file.name} {text[:80]}"] if wrong(text) else []
    assert read > 50 and found == []
