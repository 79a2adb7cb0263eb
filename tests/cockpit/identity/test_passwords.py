"""What may be a password, and what the refusal says."""

from __future__ import annotations

import pytest

from cockpit.identity import passwords
from warehouse.core.errors import UsageError


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "12–256 位"),
        ("x" * 300, "12–256 位"),
        (" " * 12, "全是空格"),
        ("\u3000" * 12, "全是空格"),
        ("aaaaaaaaaaaa", "反复出现"),
        ("abcabcabcabcabc", "反复出现"),
        ("浙A12345浙A12345", "反复出现"),
        ("abcdefghijklmn", "连续的字母"),
        ("20260101202601", "只用数字"),
        ("138 0013 8000 138", "只用数字"),
        ("330110198001011234", "只用数字"),
        ("qwertyuiop123", "常见密码"),
        ("1qaz2wsx3edc4rfv", "常见密码"),
        ("zxcvbnmasdfghjkl", "容易被猜到"),
        ("password1234", "常见密码"),
        ("woaini1314520", "常见密码"),
        ("Admin@123456", "容易被猜到"),
        ("Huawei@12345", "容易被猜到"),
        ("zhengbei12345", "本单位的名称"),
        ("Hangzhou@2026!!", "容易被猜到"),
        ("yuhangjiaotong2026", "容易被猜到"),
        ("a-wang.li-password", "账号名"),
    ],
)
def test_a_password_that_is_soon_guessed_is_refused_and_says_why(password: str, why: str) -> None:
    with pytest.raises(UsageError) as refused:
        passwords.check(password, "wang.li", "王立")
    assert why in refused.value.what and "一句话" in refused.value.to_do and password not in str(refused.value)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "another long password",
        "城东雨伞慢跑着的蓝色算盘",
        "xK4-vem2-Qp9s-lw0",
        "骑鲸客 23 号 踏浪去海边",
    ],
)
def test_a_sentence_or_a_random_word_is_taken(password: str) -> None:
    passwords.check(password, "wang.li", "王立")


def test_a_password_is_kept_as_argon2id_and_only_itself_fits() -> None:
    stored = passwords.hashed("correct horse battery")
    assert stored.startswith("$argon2id$") and passwords.fits(stored, "correct horse battery")
    assert not passwords.fits(stored, "correct horse batterz") and not passwords.fits(passwords.UNUSABLE, "")
