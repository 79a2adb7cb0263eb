"""What may be a password, and how one is kept: argon2id, nothing else. Owns no account.

By length and by how soon it would be guessed, not by kinds of characters: those make "Admin@123456", which is guessed
at once. The estimate (zxcvbn) knows some 30,000 common passwords, names and words, keyboard walks, sequences, repeats
and dates; to these come the words of this bureau and of the account itself."""

from __future__ import annotations

import re

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from warehouse.core.errors import UsageError

MIN_LENGTH, MAX_LENGTH = 12, 256
ESTIMATED = 72
"""So many characters are estimated; what comes after only makes a password stronger."""
GUESSES_LOG10 = 10.0
"""A password must stand this many guesses (as a power of ten): the best of zxcvbn's five grades."""
OURS = (
    "zhengbei",
    "jiashicang",
    "cockpit",
    "yuhang",
    "hangzhou",
    "jiaotong",
    "jiaoyun",
    "yunshu",
    "huoyun",
    "jtysj",
    "330110",
)
UNUSABLE = "!"
"""What stands for the password of an account that has none (yet): no password fits it."""
TO_DO = "请换一个，例如四个互不相干的词连成的一句话"

# OWASP's smaller argon2id setting: 19 MiB, 2 passes, 1 lane; eight threads at once must not eat the machine.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
DECOY = _HASHER.hash("no account has this password")
"""Compared where there is no account, so that an unknown name costs as much as a known one."""

_REASONS = {
    "repeat": "同样的字符反复出现",
    "sequence": "是连续的字母或数字",
    "spatial": "是键盘上相邻的键",
    "date": "以日期为主",
    "regex": "以年份为主",
    "user_inputs": "以账号、姓名或本单位的名称为主",
    "passwords": "与常见密码太像",
}


def check(password: str, *own: str) -> None:
    """Raises UsageError saying why a password is refused. own: words that belong to the account: its name, the
    person's."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise UsageError(f"密码须为 {MIN_LENGTH}–{MAX_LENGTH} 位，这里是 {len(password)} 位", to_do=TO_DO)
    if not password.strip():
        raise UsageError("密码不能全是空格", to_do=TO_DO)
    if re.fullmatch(r"[\d\s.\-/]+", password):
        raise UsageError("密码不能只用数字：日期、电话和证件号都容易猜到", to_do=TO_DO)
    if any(word and word.lower() in password.lower() for word in own[:1]):
        raise UsageError("密码不能包含账号名", to_do=TO_DO)
    why = _guessable(password, own)
    if why:
        raise UsageError(f"密码{why}，容易被猜到", to_do=TO_DO)


def _guessable(password: str, own: tuple[str, ...]) -> str:
    """Why a password would soon be guessed, "" when it would not."""
    from zxcvbn import zxcvbn  # 30,000 words: only where a password is set

    found = zxcvbn(password[:ESTIMATED], user_inputs=[*OURS, *(word for word in own if word)])
    if float(found["guesses_log10"]) >= GUESSES_LOG10:
        return ""
    longest = max(found["sequence"], key=lambda part: len(part["token"]))
    kind = longest["dictionary_name"] if longest["pattern"] == "dictionary" else longest["pattern"]
    return _REASONS.get(kind, "由常见的词或名字组成" if longest["pattern"] == "dictionary" else "过于简单")


def hashed(password: str) -> str:
    """What is kept of a password."""
    return _HASHER.hash(password)


def fits(stored: str, password: str) -> bool:
    """Whether a password is the one that was kept."""
    try:
        return _HASHER.verify(stored, password[: MAX_LENGTH + 1])
    except (VerificationError, InvalidHashError):
        return False
