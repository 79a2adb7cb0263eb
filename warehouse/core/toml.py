"""A TOML file as the typed structure (msgspec) that describes it.

Owns reading, and every sentence about what is wrong in such a file: file, key, value, what is allowed, the near word.
Knows no kind of file; the structure is the rule, and nothing about it is written here a second time."""

from __future__ import annotations

import difflib
import tomllib
import types
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import FieldInfo

from warehouse.core.errors import ConfigError

T = TypeVar("T")
MOST_LISTED = 20
"""So many allowed words are listed; of more, only the near ones."""
MOST_SHOWN = 60
UNWRITTEN = (type(None), msgspec.UnsetType)
"""What a key that is not there is; TOML cannot write it."""
KINDS: dict[Any, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "true 或 false（不加引号）"),
    int: ((int,), "整数（不加引号）"),
    float: ((int, float), "数（不加引号）"),
    str: ((str,), "文字（加引号）"),
    date: ((date,), "日期，如 2026-11-23（不加引号）"),
    dict: ((dict,), "一张表（键 = 值）"),
    list: ((list,), "方括号里的一列"),
}
"""What a value is in TOML, and how it is written."""


def read(file: Path, kind: type[T], *, where: str = "") -> T:
    """The file as a `kind`. where: how it is called in messages, its name unless given. Raises ConfigError."""
    return convert(load(file, where=where), kind, where or file.name)


def load(file: Path, *, where: str = "") -> dict[str, Any]:
    """The file's keys and values as they stand there. Raises ConfigError when it is no TOML or cannot be read."""
    try:
        return parse(file.read_text("utf-8"), where or file.name)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"文件无法读取：{error}", where=where or file.name) from error


def parse(text: str, where: str) -> dict[str, Any]:
    """The keys and values of a TOML text. Raises ConfigError when it is none."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"文件无法读取：不是正确的 TOML：{error}", where=where) from error


def convert(given: object, kind: type[T], where: str, *, secret: Collection[str] = ()) -> T:
    """TOML values as a `kind`. secret: keys whose values are not repeated in a message. Raises ConfigError naming the first
    wrong key, its value, what is allowed and the near word."""
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        fault = _fault(given, kind, _Place(where, secret=secret))
        raise fault or ConfigError(str(error), where=where) from error


def one_of(value: str, allowed: Collection[str], key: str, where: str, *, what: str = "") -> None:
    """Raises ConfigError unless `value` of `key` is one of `allowed`. what: what these are, where there are many."""
    if value not in allowed:
        raise _not_allowed(value, allowed, _Place(where, (key,)), what)


def refuse(key: str, value: object, allowed: str, where: str, *, to_do: str = "") -> ConfigError:
    """The error for a `value` of `key` that only its neighbours make wrong: `allowed` says what it should be."""
    return ConfigError(
        f"键 {key} 的值 {_shown(value)} 不在允许范围：{allowed}",
        where=where,
        to_do=to_do or f"请把 {key} 改为{_spaced(allowed)}",
    )


def unknown_keys(given: Iterable[str], known: Collection[str], where: str) -> None:
    """Raises ConfigError for keys that are not known, with the near word."""
    unknown = sorted(set(given) - set(known))
    if unknown:
        close = near(unknown[0], known)
        raise ConfigError(
            f"未知的键：{'、'.join(unknown)}",
            where=where,
            to_do=f"请改成 {close} 或删去" if close else f"请删去；可用的键：{'、'.join(sorted(known))}",
        )


@dataclass(frozen=True)
class _Place:
    """Where in a file: file and table within a list of tables, then the keys down to the value."""

    where: str
    keys: tuple[str, ...] = ()
    secret: Collection[str] = ()

    @property
    def key(self) -> str:
        return ".".join(self.keys)

    @property
    def table(self) -> str:
        return f"{self.where} {self.key}".strip()

    def at(self, key: str) -> _Place:
        return replace(self, keys=(*self.keys, key))

    def item(self, number: int, value: object) -> _Place:
        """An item of a list: a table is counted and called by its name, a plain value goes by the list's key."""
        if not isinstance(value, dict):
            return self
        name = next((value[key] for key in ("entity", "name", "says") if isinstance(value.get(key), str)), "")
        called = f"（{name}）" if name else ""
        return replace(self, where=f"{self.where} 第 {number} 个 {self.key}{called}", keys=())

    @property
    def is_secret(self) -> bool:
        return any(key in self.secret for key in self.keys)

    def shown(self, value: object, *, as_written: bool = False) -> str:
        """The value, with its quotes where its type is what is wrong."""
        return "（不显示）" if self.is_secret else _shown(_toml(value) if as_written else value)


def _fault(value: object, kind: Any, place: _Place) -> ConfigError | None:
    """What is wrong with the first wrong value in it, None when all is right."""
    try:
        msgspec.convert(value, kind)
        return None
    except msgspec.ValidationError as error:
        reason = str(error)
    kind, metas = _bare(kind)
    if get_origin(kind) in (Union, types.UnionType):
        member = _member(kind, value, place)
        return (
            member
            if isinstance(member, ConfigError)
            else _fault(value, member, place) or _wrong(value, kind, metas, place)
        )
    inner: ConfigError | None = None
    if _is_struct(kind) and isinstance(value, dict):
        inner = _table(value, kind, place) or ConfigError(reason, where=place.table)
    elif get_origin(kind) is dict and isinstance(value, dict):
        inner = next(
            filter(None, (_fault(item, get_args(kind)[1], place.at(key)) for key, item in value.items())), None
        )
    elif get_origin(kind) in (tuple, list) and isinstance(value, list):
        items = (_fault(item, get_args(kind)[0], place.item(n, item)) for n, item in enumerate(value, 1))
        inner = next(filter(None, items), None)
    return inner or _wrong(value, kind, metas, place)


def _table(given: dict[str, Any], kind: Any, place: _Place) -> ConfigError | None:
    fields, tag = _fields(kind), kind.__struct_config__.tag_field
    try:
        unknown_keys(given, {*fields, *([tag] if tag else [])}, place.table)
    except ConfigError as error:
        return error
    lacking = [name for name, field in fields.items() if field.required and name not in given]
    if lacking:
        first = fields[lacking[0]].type
        return ConfigError(
            f"缺少必填的键：{'、'.join(lacking)}",
            where=place.table,
            to_do=f"请补上 {'、'.join(lacking)}；{lacking[0]} 应为{_spaced(_allowed(first))}",
        )
    return next(
        filter(
            None, (_fault(given[name], field.type, place.at(name)) for name, field in fields.items() if name in given)
        ),
        None,
    )


@cache
def _fields(kind: Any) -> dict[str, FieldInfo]:
    return {field.encode_name: field for field in msgspec.structs.fields(kind)}


def _wrong(value: object, kind: Any, metas: tuple[Meta, ...], place: _Place) -> ConfigError:
    allowed = _allowed(kind, metas)
    if not _is_written_as(value, kind):
        return ConfigError(
            f"键 {place.key} 的值类型不对：应为{_spaced(allowed)}，现为 {place.shown(value, as_written=True)}",
            where=place.where,
            to_do=_rewritten(value, kind, place) or f"请把 {place.key} 改为{_spaced(allowed)}",
        )
    words = (
        list(get_args(kind))
        if get_origin(kind) is Literal
        else [text for meta in metas for text in meta.examples or ()]
    )
    if words and isinstance(value, str):
        return _not_allowed(
            value, words, place, allowed if len(words) > MOST_LISTED or get_origin(kind) is not Literal else ""
        )
    return ConfigError(
        f"键 {place.key} 的值 {place.shown(value)} 不在允许范围：{allowed}",
        where=place.where,
        to_do=f"请把 {place.key} 改为{_spaced(allowed)}",
    )


def _not_allowed(value: str, allowed: Collection[str], place: _Place, what: str = "") -> ConfigError:
    word, listed = near(value, allowed), "、".join(filter(None, allowed))
    if what:
        listed = what
    elif len(allowed) > MOST_LISTED:
        close = difflib.get_close_matches(value, list(allowed), 5, 0.3)
        listed = f"共 {len(allowed)} 个，相近的有 {'、'.join(close)}" if close else f"共 {len(allowed)} 个"
    return ConfigError(
        f"键 {place.key} 的值 {place.shown(value)} 不在允许范围：{listed}",
        where=place.where,
        to_do=f"请改成 {word}" if word else f"请把 {place.key} 改为允许的值之一",
    )


def _rewritten(value: object, kind: Any, place: _Place) -> str:
    """How the same is written rightly, "" where that is not known."""
    if place.is_secret or isinstance(value, (dict, list)):
        return ""
    if isinstance(value, str):
        for plain in (bool, int, float):
            if _is_written_as(plain(), kind) and _reads_as(value, plain):
                return f"请去掉引号，写成 {place.key} = {value}"
    if _is_written_as([], kind):
        return f"请写成 {place.key} = [{_toml(value)}]"
    words = get_args(_bare(kind)[0]) if get_origin(_bare(kind)[0]) is Literal else ()
    is_text = _is_written_as("", kind) and (not words or _toml(value) in words)
    return f'请加引号，写成 {place.key} = "{_toml(value)}"' if is_text else ""


def _reads_as(text: str, kind: type) -> bool:
    try:
        return type(tomllib.loads(f"x = {text}")["x"]) is kind
    except tomllib.TOMLDecodeError:
        return False


def _toml(value: object) -> str:
    return (
        {True: "true", False: "false"}[value]
        if isinstance(value, bool)
        else f'"{value}"'
        if isinstance(value, str)
        else str(value)
    )


def _is_written_as(value: object, kind: Any) -> bool:
    """Whether TOML writes a value of that kind as this one is written, whatever it says."""
    kind, _ = _bare(kind)
    if get_origin(kind) in (Union, types.UnionType):
        return any(_is_written_as(value, member) for member in get_args(kind))
    taken = KINDS.get(_basic(kind), ((), ""))[0]
    return kind is Any or (isinstance(value, taken) and (not isinstance(value, bool) or bool in taken))


def _basic(kind: Any) -> Any:
    """The key of KINDS for a type without its metadata."""
    origin = get_origin(kind)
    if origin is Literal:
        return str
    if origin in (tuple, list):
        return list
    return dict if origin is dict or _is_struct(kind) else kind


def _allowed(kind: Any, metas: tuple[Meta, ...] = ()) -> str:
    """What may stand there, in words."""
    kind, own = _bare(kind)
    metas = (*metas, *own)
    described = [meta.description for meta in metas if meta.description]
    if described:
        return described[0]
    if get_origin(kind) is Literal:
        return "、".join(str(word) for word in get_args(kind) if word)
    if get_origin(kind) in (Union, types.UnionType):
        members = [one for one in get_args(kind) if one not in UNWRITTEN]
        if any(_bare(one)[0] is float for one in members):  # a whole number is one of them
            members = [one for one in members if _bare(one)[0] is not int]
        return " 或 ".join(dict.fromkeys(map(_allowed, members)))
    if get_origin(kind) in (tuple, list):
        return f"方括号里的一列{'（不能为空）' if any(meta.min_length for meta in metas) else ''}，每项为{_spaced(_allowed(get_args(kind)[0]))}"
    bounds = [
        f"{word} {bound:g}"
        for meta in metas
        for word, bound in (("大于", meta.gt), ("不小于", meta.ge), ("小于", meta.lt), ("不大于", meta.le))
        if bound is not None
    ]
    if any(meta.min_length for meta in metas):
        bounds.append("不能为空")
    return "，".join([KINDS.get(_basic(kind), ((), "另一种值"))[1], *bounds])


def _member(kind: Any, value: object, place: _Place) -> Any:
    """The member of a union that the value is meant to be, or what is wrong with the word that should tell."""
    members = get_args(kind)
    tags = {
        _bare(one)[0].__struct_config__.tag: one for one in members if _is_struct(one) and one.__struct_config__.tag
    }
    if tags and isinstance(value, dict):
        field = next(iter(tags.values())).__struct_config__.tag_field
        if field not in value:
            return ConfigError(
                f"缺少必填的键：{field}", where=place.table, to_do=f"请补上 {field}：{'、'.join(tags)} 之一"
            )
        if value[field] not in tags:
            return _not_allowed(str(value[field]), list(tags), place.at(field))
        return tags[value[field]]
    fitting = [one for one in members if _is_written_as(value, one)]
    return fitting[0] if fitting else _wrong(value, kind, (), place)


def _bare(kind: Any) -> tuple[Any, tuple[Meta, ...]]:
    if get_origin(kind) is not Annotated:
        return kind, ()
    inner, *metas = get_args(kind)
    return inner, tuple(meta for meta in metas if isinstance(meta, Meta))


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)


def near(word: str, allowed: Collection[str]) -> str:
    """The allowed word that was most likely meant, "" when none is near."""
    same = (one for one in allowed if one.casefold() == word.casefold())
    return next(same, "") or next(iter(difflib.get_close_matches(word, sorted(allowed), 1)), "")


def _spaced(text: str) -> str:
    """With a space before it where it begins with a Latin letter or a sign, as Chinese text is set."""
    return f" {text}" if text[:1].isascii() else text


def _shown(value: object) -> str:
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…"
