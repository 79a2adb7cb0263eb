"""The field's text rules a second time, in Python: codes, plates, plate colours, vehicle keys, fillers, towns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Any

import pandas as pd

FILLERS = {"", "无", "/", "-", "暂无", "未知", "NULL", "null"}
FILLER_DATES = {pd.Timestamp(1900, 1, 1), pd.Timestamp(1970, 1, 1)}
PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
PLATE = re.compile(rf"[{PROVINCES}][A-HJ-NP-Z][A-HJ-NP-Z0-9]{{4,5}}[A-HJ-NP-Z0-9挂学]")
COLOUR_IN_TEXT = re.compile(r"[_(]?(渐变绿|黄绿|农黄|农绿|其他|[黄蓝绿黑白])色?牌?[)]?$")
COLOURS = {0, 1, 2, 3, 4, 5, 9, 91, 92, 93, 94}
TOLL = {0: 1, 1: 2, 2: 3, 3: 4, 4: 94}
UNKNOWN_TOWN = "330110000"


def absent(value: Any) -> bool:
    """True for None, NaN, NaT and pd.NA."""
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


@cache
def code(text: str) -> str:
    """Half-width, upper case, no blanks (D02, D13)."""
    return re.sub(r"[\s\u200b\ufeff]", "", unicodedata.normalize("NFKC", text)).upper()


def code_or_none(value: Any) -> str | None:
    """`code` of a value; None for nothing and for a filler (D15)."""
    if absent(value) or str(value).strip() in FILLERS:
        return None
    return code(str(value)) or None


@cache
def plate(text: str) -> str:
    """A plate as printed: no separators, no colour inside the text, O and I after the city letter as 0 and 1, lost 挂
    put back."""
    if PLATE.fullmatch(text):
        return text
    bare = re.sub(r"[·•.\-_ ]", "", COLOUR_IN_TEXT.sub("", code(text)))
    if bare and not re.match(r"[A-Z0-9]", bare):
        bare = bare[:2] + bare[2:].replace("O", "0").replace("I", "1")
    return bare + "挂" if re.fullmatch(r"[^A-Z0-9][A-Z][A-Z0-9]{4}", bare) else bare


def colour(value: Any, family: str | None = None) -> int | None:
    """A plate colour of JT/T 697.7-2014; 0x91–0x94 read as decimal repaired, unless the platform's family says
    otherwise."""
    if absent(value):
        return None
    number = int(value)
    if family == "收费":
        return TOLL.get(number, number)
    return number - 54 if 145 <= number <= 148 else number


def vehicle(plate_no: Any, plate_color: Any) -> str | None:
    """Plate and colour as one key; None when either is missing."""
    shade = colour(plate_color)
    return None if absent(plate_no) or shade is None else f"{plate(str(plate_no))}#{shade}"


def vehicles(frame: pd.DataFrame) -> pd.Series:
    """`vehicle` for the plate_no and plate_color columns of a frame."""
    return pd.Series(
        [vehicle(no, shade) for no, shade in zip(frame["plate_no"], frame["plate_color"], strict=True)],
        index=frame.index,
        dtype=object,
    )


@cache
def holder(text: str) -> str:
    """A certificate's holder: plate#colour normalised, anything else as a code (a person's key stays as it is)."""
    if "#" in text:
        left, _, right = text.partition("#")
        return f"{plate(left)}#{colour(right) if right.strip().isdigit() else right}"
    return text if re.fullmatch(r"[0-9a-f]{64}", text) else code(text)


def certificate_filler(text: Any) -> bool:
    """Area and 000000, id6 and 000000000000, or no number at all: looks like a certificate and is none."""
    return absent(text) or str(text).strip() in FILLERS or bool(re.fullmatch(r"\d{6}0{6}|\d{6}0{12}", code(str(text))))


def real_date(value: Any) -> pd.Timestamp | None:
    """A date that is no filler, else None."""
    if absent(value):
        return None
    found = pd.Timestamp(value)
    return None if found in FILLER_DATES or found.year >= 9999 else found


class Towns:
    """Town codes of the own table, with names, aliases and codes of before 2021."""

    def __init__(self, own: pd.DataFrame) -> None:
        self.codes = [str(item) for item in own["code"]]
        self.kinds = dict(zip(own["code"], own["kind"], strict=True))
        self._found: dict[str, str] = {}
        for row in own.itertuples():
            for word in (row.code, row.name, *self._split(row.aliases)):
                self._found.setdefault(str(word), str(row.code))

    @staticmethod
    def _split(value: Any) -> Iterable[str]:
        return [] if absent(value) else [part.strip() for part in str(value).split(";") if part.strip()]

    def of(self, value: Any) -> str:
        """The town a text means; "330110000" when it means none."""
        if absent(value):
            return UNKNOWN_TOWN
        return self._found.get(unicodedata.normalize("NFKC", str(value)).strip(), UNKNOWN_TOWN)

    def inside(self, town: str) -> bool:
        """False for the towns that went to 临平区 in 2021."""
        return self.kinds.get(town) != "区外"
