"""Why the other side turns us away, in words that tell one cause from another: a wrong password, a missing right, a
missing table, a certificate, no network and a limit of time have different cures.

Owns the drivers' codes. A driver's own text never goes on: it may quote rows, the address or the secret."""

from __future__ import annotations

import errno
import re
import socket
import sqlite3
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from warehouse.core.errors import CockpitError, ConfigError, ContractBroken, SourceDown, SourceRefused


@dataclass(frozen=True)
class Reason:
    """kind: the error of ours; words: what is the matter; to_do: the cure."""

    words: str
    to_do: str
    kind: type[CockpitError] = SourceDown

    def error(self, what: str, where: str, code: str = "") -> CockpitError:
        """The error to raise. code: the other side's own name for it, "" = none."""
        return self.kind(f"{what}：{self.words}{f'（{code}）' if code else ''}", where=where, to_do=self.to_do)


LOGIN = Reason("用户名或密码不对", "请核对 sources.toml 里这个来源的用户名与密码", SourceRefused)
HOST = Reason("对方不允许本机以这个账号登录", "请对方在数据库的访问名单里放行本机地址与账号", SourceRefused)
KEY = Reason("访问密钥不对", "请核对 sources.toml 里这个来源的密钥", SourceRefused)
RIGHT = Reason("没有读取的权限", "请对方为该账号授予只读权限（数据库为 SELECT）", SourceRefused)
HOST_KEY = Reason("主机密钥与 host_key 不符", "请向对方核实主机密钥后更正 host_key", SourceRefused)
NO_DATABASE = Reason("没有这个库", "请核对 sources.toml 里 dsn 末尾的库名", ConfigError)
NO_TABLE = Reason("没有这张表", "请与来源核对，或在来源描述里改成现在的表名", ContractBroken)
NO_COLUMN = Reason("没有这一列", "请与来源核对，或在来源描述的 columns 里改成现在的列名", ContractBroken)
NO_PLACE = Reason("没有这个文件夹、桶或文件", "请核对 sources.toml 里的 drop，并请对方确认它还在")
NO_FILE = Reason("打不开数据库文件", "请核对 sources.toml 里 dsn 的路径与文件权限", ConfigError)
CERTIFICATE = Reason("证书不可信、已过期或与地址不符", "请核对地址；私有证书机构须写明 ca，证书过期请对方更换")
NAME = Reason("主机名查不到", "请核对 sources.toml 里的主机名与本机的域名解析")
CLOSED = Reason("对方主机的这个端口没有服务", "请核对端口，并请对方确认服务已启动、防火墙已放行")
NO_WAY = Reason("网络不通", "请核对地址与本机到对方的网络")
SLOW = Reason("超时", "请检查网络与对方负载；恢复后会自动续传，不丢数据")
BUSY = Reason("对方连接数已满或正在启动", "请稍后再试，或请对方放宽连接数")
LOST = Reason("连接中断", "请检查来源系统与网络；恢复后会自动续传，不丢数据")

SQLSTATES = {
    "28P01": LOGIN,
    "28000": LOGIN,
    "3D000": NO_DATABASE,
    "42501": RIGHT,
    "42P01": NO_TABLE,
    "3F000": NO_TABLE,
    "42703": NO_COLUMN,
    "53300": BUSY,
    "57P03": BUSY,
    "57014": SLOW,
    "57P01": LOST,
    "08006": LOST,
    "08001": NO_WAY,
}
MYSQL = {
    1045: LOGIN,
    1698: LOGIN,
    1130: HOST,
    1044: RIGHT,
    1142: RIGHT,
    1143: RIGHT,
    1227: RIGHT,
    1370: RIGHT,
    1049: NO_DATABASE,
    1146: NO_TABLE,
    1054: NO_COLUMN,
    1040: BUSY,
    1203: BUSY,
    1226: BUSY,
    1205: SLOW,
    1969: SLOW,
    3024: SLOW,
    2006: LOST,
    2013: LOST,
    2026: CERTIFICATE,
}
POSTGRES = (
    # libpq gives no code for a connection that never came about; some of these words a Chinese server translates
    (r"password authentication failed|authentication failed|no password supplied|认证失败", LOGIN),
    (r"pg_hba\.conf", HOST),
    (r"certificate|ssl error|证书", CERTIFICATE),
    (r"failed to resolve|could not translate host name|name or service not known", NAME),
    (r"timeout|timed out", SLOW),
    (r"connection refused", CLOSED),
    (r"no route to host|network is unreachable", NO_WAY),
    (r"too many (clients|connections)|starting up|连接已经太多", BUSY),
    (r"role \".*\" does not exist|角色.*不存在", LOGIN),
    (r"database \".*\" does not exist|数据库.*不存在", NO_DATABASE),
    (r"closed the connection|connection reset", LOST),
)
SQLITE = (
    (r"unable to open|not a database", NO_FILE),
    (r"no such table", NO_TABLE),
    (r"no such column", NO_COLUMN),
    (r"locked|busy", SLOW),
)
S3 = {
    "InvalidAccessKeyId": KEY,
    "SignatureDoesNotMatch": KEY,
    "InvalidToken": KEY,
    "ExpiredToken": KEY,
    "AccessDenied": RIGHT,
    "403": RIGHT,
    "NoSuchBucket": NO_PLACE,
}
FOLDER = {
    "BadHostKeyException": HOST_KEY,
    "AuthenticationException": Reason("用户名、密码或密钥不对", "请核对用户名与密码或密钥", SourceRefused),
    "PasswordRequiredException": Reason("密钥文件需要口令", "请在 options 里写明 passphrase", ConfigError),
    "PermissionError": Reason("没有读取的权限", "请核对账号对该文件夹的权限", SourceRefused),
    "FileNotFoundError": NO_PLACE,
    "EndpointConnectionError": CLOSED,
    "ConnectTimeoutError": SLOW,
    "ReadTimeoutError": SLOW,
}


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from, outermost first."""
    seen: set[int] = set()
    inner: BaseException | None = error
    while inner is not None and id(inner) not in seen:
        seen.add(id(inner))
        yield inner
        inner = inner.__cause__ or inner.__context__


def network(error: BaseException) -> Reason | None:
    """What of the network it was, None when it was something else."""
    for inner in causes(error):
        if isinstance(inner, ssl.SSLCertVerificationError):
            return CERTIFICATE
        if isinstance(inner, socket.gaierror):
            return NAME
        if isinstance(inner, TimeoutError):
            return SLOW
        # an SSH client tries every address of a host, and keeps the error of each
        if isinstance(inner, ConnectionRefusedError) or type(inner).__name__ == "NoValidConnectionsError":
            return CLOSED
        if isinstance(inner, OSError) and inner.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
            return NO_WAY
        if isinstance(inner, ConnectionError):
            return LOST
    return None


def database(error: BaseException) -> tuple[Reason | None, str]:
    """What a database driver's error means, None when we do not know it, and its own code ("" = it has none)."""
    first = error.args[0] if error.args else ""
    if isinstance(first, int):
        found = MYSQL.get(first) or network(getattr(error, "original_exception", None) or error)
        return found, str(first)
    if state := getattr(error, "sqlstate", None):
        return SQLSTATES.get(state), str(state)
    text = str(error).lower()
    known = SQLITE if isinstance(error, sqlite3.Error) else POSTGRES
    return next((reason for words, reason in known if re.search(words, text)), None) or network(error), ""


def folder(error: BaseException) -> Reason | None:
    """What the error of a file system means: local, SFTP or S3."""
    found = list(causes(error))
    stated = [getattr(inner, "response", None) for inner in found]  # an S3 store says its code in the answer
    codes = [str(answer.get("Error", {}).get("Code", "")) for answer in stated if isinstance(answer, dict)]
    names = [type(inner).__name__ for inner in found]
    known = [S3[code] for code in codes if code in S3] + [FOLDER[name] for name in names if name in FOLDER]
    return known[0] if known else network(error)
