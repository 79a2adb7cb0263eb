"""<data>/signon.toml: how people come in by the bureau's own sign-on, when they do. Owns that file's structure; a wrong
key or value stops the start."""

from __future__ import annotations

import ipaddress
import stat
from typing import Annotated, Literal

from flask import current_app
from msgspec import Meta, Struct, field

from cockpit.identity import rights
from warehouse.catalog.schema import Text
from warehouse.core import toml
from warehouse.core.errors import ConfigError, Refused
from warehouse.core.settings import Settings

CONFIG = "ZHENGBEI_SIGN_ON"
SOCKET = "unix"
"""How a proxy is named that reaches us by a socket on the same machine."""
Url = Annotated[str, Meta(pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$", description="网址，如 https://sso.example")]


class _Way(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """label: on the log-in page. new_role: the role that an unknown person gets, "" = nobody is let in who has no account.
    names: what the provider calls a person → account, where they differ. second_factor: our own code is asked for as
    well."""

    label: Text = "统一身份认证"
    new_role: str = ""
    names: dict[str, str] = field(default_factory=dict)
    second_factor: bool = True


class Oidc(_Way, frozen=True, kw_only=True, tag="oidc"):
    """OpenID Connect. claim: of the ID token, that names the account."""

    issuer: Url
    client_id: Text
    client_secret: Text
    claim: Text = "preferred_username"
    scope: Text = "openid profile"


class Cas(_Way, frozen=True, kw_only=True, tag="cas"):
    """CAS, protocol 2 or 3. attribute: that names the account, "" = the user itself."""

    server: Url
    version: Literal[2, 3] = 3
    attribute: str = ""


class Header(_Way, frozen=True, kw_only=True, tag="header"):
    """A proxy in front has done it and names the person in a header. proxies: addresses or blocks from which alone the
    header is believed, or "unix". logout: where the proxy ends its own session, "" = nowhere."""

    header: Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9\-]*$", description="请求头名，如 X-Remote-User")]
    proxies: Annotated[tuple[str, ...], Meta(min_length=1)]
    logout: str = ""


Way = Oidc | Cas | Header


def read(settings: Settings) -> Way | None:
    """How people come in, None without the file. Raises ConfigError naming the key, Refused when others can read it."""
    file = settings.data / "signon.toml"
    if not file.exists():
        return None
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise Refused("统一认证的设置含密钥，却对他人可读", where=str(file), to_do=f"请运行 chmod 600 {file}")
    way: Way = toml.convert(toml.load(file), Way, file.name, secret=("client_secret",))  # type: ignore[arg-type]
    if way.new_role:
        toml.one_of(way.new_role, rights.OFFICES, "new_role", file.name, what="业务角色（管理角色不能自动授予）")
    for proxy in way.proxies if isinstance(way, Header) else ():
        if proxy != SOCKET:
            try:
                ipaddress.ip_network(proxy, strict=False)
            except ValueError as error:
                raise toml.refuse("proxies", proxy, "代理的地址、网段或 unix", file.name) from error
    if isinstance(way, Oidc) and "openid" not in way.scope.split():
        raise ConfigError("scope 缺少 openid", where=file.name, to_do='请写成 scope = "openid profile"')
    return way


def current() -> Way | None:
    """That of the running server."""
    found: Way | None = current_app.config.get(CONFIG)
    return found
