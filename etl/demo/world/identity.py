"""Made-up identities with true check characters: id numbers, credit codes, plates, VINs, names, phones.

Every function is a pure function of the generator it is given. None of these people or firms exists; area codes and
check rules are the real ones so that the product's own checks have something to agree with.
"""

from __future__ import annotations

import numpy as np

ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ID_CHECK = "10X98765432"
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
PLATE_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ"
HOME_AREAS = (
    "330110",
    "330113",
    "330122",
    "330521",
    "330182",
    "341124",
    "340826",
    "411522",
    "421181",
    "360983",
    "522126",
    "321322",
)
FAMILY = tuple(
    "王李张刘陈杨黄赵周吴徐孙马朱胡郭何林罗高郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢傅钟姜崔谭廖范汪"
    "陆金石戴贾韦夏邱方侯邹熊孟秦白江阎薛尹段雷黎史龙陶贺顾毛郝龚邵万钱严覃武戈"
)
GIVEN = tuple(
    "建国志强伟军勇明华平刚海波文斌俊杰宏亮永福春生根水金泉松林桂祥庆云龙飞鹏立新德胜东升长贵少峰学良家兴红丽芳玲秀英燕娟敏静霞"
)
RARE_GIVEN = ("㛃", "𬭎", "䶮", "𠅤")
STEMS = (
    "正安",
    "径途",
    "苕运",
    "良驰",
    "仓畅",
    "瓶达",
    "闲通",
    "禹航",
    "和桥",
    "双溪捷",
    "梦栖",
    "塘河",
    "东明",
    "西险",
    "泰岭",
    "竹海",
    "塘埠",
    "临苕",
    "云栈",
    "北陆",
    "锦程远",
    "众力",
    "顺合",
    "宏捷",
    "永途",
    "浙北",
    "中畅",
    "铁岭关",
    "海川",
    "恒运达",
)
TAILS = ("物流", "运输", "货运", "供应链", "储运", "危化品运输", "冷链物流", "城配", "渣土运输", "集装箱运输")


def id_check_character(first17: str) -> str:
    """Check character of an 18-character resident id number (GB 11643, ISO 7064 MOD 11-2)."""
    return ID_CHECK[sum(int(c) * w for c, w in zip(first17, ID_WEIGHTS, strict=True)) % 11]


def is_valid_id(number: str) -> bool:
    """True when the text is 17 digits and the right upper-case check character."""
    return (
        len(number) == 18
        and number[:17].isascii()
        and number[:17].isdigit()
        and id_check_character(number[:17]) == number[17]
    )


def uscc_check_character(first17: str) -> str:
    """Check character of a unified social credit code (GB 32100-2015, MOD 31)."""
    total = sum(USCC_ALPHABET.index(c) * w for c, w in zip(first17, USCC_WEIGHTS, strict=True))
    return USCC_ALPHABET[(31 - total % 31) % 31]


def is_valid_uscc(code: str) -> bool:
    """True when the text is an 18-character credit code with the right check character."""
    return len(code) == 18 and all(c in USCC_ALPHABET for c in code) and uscc_check_character(code[:17]) == code[17]


def _org_code(serial: int) -> str:
    """Nine-character organisation code with its own check character (GB 11714)."""
    body, rest = "MA", serial
    for _ in range(6):
        body += USCC_ALPHABET[rest % 31]
        rest //= 31
    values = [int(c) if c.isdigit() else ord(c) - 55 for c in body]
    check = 11 - sum(v * w for v, w in zip(values, ORG_WEIGHTS, strict=True)) % 11
    return body + ("X" if check == 10 else "0" if check == 11 else str(check))


def credit_codes(rng: np.random.Generator, is_firm: np.ndarray) -> list[str]:
    """One credit code per row: 91 (firm) or 92 (individual trader), area 330110."""
    serials = rng.choice(31**5 * 20, size=len(is_firm), replace=False) + 31**5
    first = [("91" if firm else "92") + "330110" + _org_code(int(s)) for firm, s in zip(is_firm, serials, strict=True)]
    return [f + uscc_check_character(f) for f in first]


def id_numbers(
    rng: np.random.Generator, count: int, is_female: np.ndarray, newest_birth_year: int
) -> tuple[list[str], list[str]]:
    """`count` distinct id numbers and birth dates 'YYYY-MM-DD'; sex by the parity of the 17th digit."""
    ages = np.clip(rng.normal(24, 9, count), 0, 42).astype(int)
    months, days = rng.integers(1, 13, count), rng.integers(1, 29, count)
    areas = rng.choice(len(HOME_AREAS), count, p=_area_shares())
    numbers, births = [], []
    seen: set[str] = set()
    for i in range(count):
        born = f"{newest_birth_year - ages[i]:04d}{months[i]:02d}{days[i]:02d}"
        order = int(rng.integers(0, 499)) * 2 + (0 if is_female[i] else 1)
        first = f"{HOME_AREAS[areas[i]]}{born}{order:03d}"
        while first in seen:
            order = (order + 2) % 1000
            first = f"{first[:14]}{order:03d}"
        seen.add(first)
        numbers.append(first + id_check_character(first))
        births.append(f"{born[:4]}-{born[4:6]}-{born[6:]}")
    return numbers, births


def _area_shares() -> np.ndarray:
    shares = np.array([0.34] + [0.06] * (len(HOME_AREAS) - 1))
    return shares / shares.sum()


def plates(rng: np.random.Generator, kinds: np.ndarray) -> list[str]:
    """One plate per row of kind 'ordinary' | 'trailer' | 'new_large' | 'new_small'; all distinct (GA 36-2018
    shapes)."""
    serials = rng.choice(24 * 24 * 1000, size=len(kinds), replace=False)
    trailers = kinds == "trailer"
    serials[trailers] = rng.choice(24 * 1000, size=int(trailers.sum()), replace=False)  # one character fewer
    return [_plate(kind, int(s)) for kind, s in zip(kinds, serials, strict=True)]


def _plate(kind: str, serial: int) -> str:
    a, b, number = PLATE_ALPHABET[serial // 24000], PLATE_ALPHABET[serial // 1000 % 24], serial % 1000
    if kind == "trailer":
        return f"浙A{b}{number:03d}挂"
    if kind == "new_small":
        return f"浙AD{a}{b}{number:03d}"
    if kind == "new_large":
        return f"浙A{a}{b}{number:03d}D"
    return f"浙A{a}{b}{number:03d}"


def vins(rng: np.random.Generator, count: int) -> list[str]:
    """17-character VINs with the check digit of GB 16735 in place nine."""
    alphabet = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
    values = {
        c: v
        for v, group in enumerate(("0", "1AJ", "2BKS", "3CLT", "4DMU", "5ENV", "6FW", "7GPX", "8HY", "9RZ"))
        for c in group
    }
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    draws = rng.integers(0, len(alphabet), (count, 8))
    result = []
    for i in range(count):
        text = (
            "LZZ"
            + "".join(alphabet[k] for k in draws[i, :5])
            + "0"
            + "".join(alphabet[k] for k in draws[i, 5:])
            + f"{i:05d}"
        )
        check = sum(values[c] * w for c, w in zip(text, weights, strict=True)) % 11
        result.append(text[:8] + ("X" if check == 10 else str(check)) + text[9:])
    return result


def person_names(rng: np.random.Generator, count: int) -> list[str]:
    """Chinese personal names of two or three characters."""
    family = rng.integers(0, len(FAMILY), count)
    first, second = rng.integers(0, len(GIVEN), count), rng.integers(0, len(GIVEN), count)
    return [
        FAMILY[f] + GIVEN[a] + (GIVEN[b] if (a + b) % 6 else "") for f, a, b in zip(family, first, second, strict=True)
    ]


def phones(rng: np.random.Generator, count: int) -> list[str]:
    """Mobile numbers in the unassigned 100x block after a real prefix, so that no number rings."""
    prefix = rng.choice(["138", "139", "150", "159", "187", "188"], count)
    return [f"{p}0000{n:04d}" for p, n in zip(prefix, rng.integers(0, 10000, count), strict=True)]


def company_names(rng: np.random.Generator, is_firm: np.ndarray, owners: list[str]) -> list[str]:
    """杭州…有限公司 for firms (distinct), 余杭区…货运部 for individuals."""
    pairs = [(s, t) for t in TAILS for s in STEMS]
    order = rng.permutation(len(pairs))
    names, used = [], 0
    for i, firm in enumerate(is_firm):
        if firm:
            stem, tail = pairs[order[used % len(pairs)]]
            names.append(f"杭州{stem}{'' if used < len(pairs) else used // len(pairs)}{tail}有限公司")
            used += 1
        else:
            names.append(f"杭州市余杭区{owners[i]}货运部" if i % 3 else f"{owners[i]}(个体)")
    return names
