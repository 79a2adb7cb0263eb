"""The text layer of our PDFs. Chromium maps a glyph that two characters share to the lower one, so 车 reads ⻋ and
一 reads ⼀ (Kangxi and radical blocks): nobody would find 车辆 in the file. Owns putting that right."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pikepdf

RADICALS = str.maketrans(
    "⺁⺆⺊⺌⺗⺙⺛⺝⺟⺠⺧⺨⺩⺪⺫⺭⺮⺯⺱⺲⺳⺴⺵⺶⺷⺸⺹⺺⺻⺼⺾⺿⻁⻂⻃⻄⻅⻆⻈⻉⻋⻌⻍⻎⻐⻑⻒⻓⻔⻕⻖⻗⻘⻙⻚⻛⻜⻝⻟⻠⻡⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲⻳⼾",
    "厂冂卜小心攵旡月母民牛犬王疋目示竹糸罒罒罒罒罒羊羊羊耂肀聿月艹艹虎衤覀西见角讠贝车辶辶辶钅長長长门阜阝雨青韦页风飞食飠饣首马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀龟户",
)
"""Simplified and variant radicals have no compatibility mapping in Unicode; this is their unified
ideograph. The last pair is the one where Unicode names the traditional form (戶) and the fonts draw ours (户)."""
ODD = re.compile("[\u2e80-\u2fdf\uf900-\ufaff]")
CHAR_BLOCK = re.compile(r"beginbfchar\s(.*?)\sendbfchar", re.S)
RANGE_BLOCK = re.compile(r"beginbfrange\s(.*?)\sendbfrange", re.S)
CHAR_LINE = re.compile(r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>")
RANGE_LINE = re.compile(r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>")


def plain(text: str) -> str:
    """`text` with every shared glyph as the character people type."""
    return ODD.sub(lambda m: unicodedata.normalize("NFKC", m[0].translate(RADICALS)), text)


def count(file: Path) -> int:
    """How many pages it has."""
    with pikepdf.open(file) as pdf:
        return len(pdf.pages)


def mend(file: Path, facts: dict[str, str]) -> None:
    """Rewrites `file`: searchable Chinese, and `facts` ("/Title" …) as its document information. Outline and tags
    stay. Raises pikepdf.PdfError when it is no whole PDF."""
    with pikepdf.open(file, allow_overwriting_input=True, attempt_recovery=False) as pdf:
        done: set[tuple[int, int]] = set()
        for page in pdf.pages:
            for font in page.resources.get("/Font", {}).values():
                glyphs = font.get("/ToUnicode")
                if glyphs is not None and glyphs.objgen not in done:
                    done.add(glyphs.objgen)
                    glyphs.write(_mended(glyphs.read_bytes().decode("latin-1")).encode("latin-1"))
        _single(pdf.Root.get("/Outlines"))
        for name, text in facts.items():
            pdf.docinfo[name] = text
        pdf.save(file)


def _single(item: pikepdf.Object | None) -> None:
    """Bookmarks below `item` with each title once: Chromium writes the title of a heading that opens a page twice."""
    child = item.get("/First") if item is not None else None
    while child is not None:
        title = plain(str(child.Title))
        half = title[: len(title) // 2]
        child.Title = half if half and half * 2 == title else title
        _single(child)
        child = child.get("/Next")


def _mended(cmap: str) -> str:
    cmap = CHAR_BLOCK.sub(lambda b: f"beginbfchar\n{CHAR_LINE.sub(_char, b[1])}\nendbfchar", cmap)
    return RANGE_BLOCK.sub(lambda b: f"beginbfrange\n{RANGE_LINE.sub(_range, b[1])}\nendbfrange", cmap)


def _char(line: re.Match[str]) -> str:
    return f"<{line[1]}> <{_hex(line[2])}>"


def _range(line: re.Match[str]) -> str:
    """A range that holds a shared glyph is written out one by one, because its repaired targets are not neighbours."""
    first, last, target = int(line[1], 16), int(line[2], 16), int(line[3], 16)
    targets = [f"{target + step:04X}" for step in range(last - first + 1)]
    if len(line[3]) > 4 or all(_hex(t) == t for t in targets):
        return line[0]
    return f"<{line[1]}> <{line[2]}> [{' '.join(f'<{_hex(t)}>' for t in targets)}]"


def _hex(target: str) -> str:
    if len(target) != 4:
        return target
    mended = plain(chr(int(target, 16)))
    return f"{ord(mended):04X}" if len(mended) == 1 and ord(mended) < 0x10000 else target
