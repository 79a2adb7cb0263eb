"""How the cockpit is reached from where its papers and messages are read: option `public_url` of zhengbei.toml."""

from __future__ import annotations

import re

from warehouse.core.errors import ConfigError
from warehouse.core.settings import Settings

URL = re.compile(r"https?://[0-9A-Za-z.\-_\[\]:]+(/[0-9A-Za-z._~/\-]*)?")


def base(settings: Settings) -> str:
    """The address without a slash at its end; "" when none is set. Raises ConfigError for anything but an http(s)
    address."""
    given = str(settings.option("public_url", "")).strip().rstrip("/")
    if given and not URL.fullmatch(given):
        raise ConfigError(
            "public_url 不是网址",
            where=str(settings.data / "zhengbei.toml"),
            to_do="写成 https://主机名 或 http://主机名:端口",
        )
    return given
