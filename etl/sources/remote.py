"""A folder by its address: a path, sftp:// or s3://, through fsspec. Owns which options each kind takes, and whom an
SFTP client believes."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from warehouse.core import toml
from warehouse.core.errors import ConfigError

OPTIONS = {
    "sftp": {"password", "key_filename", "passphrase", "port", "host_key", "timeout_s", "deadline_s"},
    "s3": {"key", "secret", "token", "endpoint_url", "region", "ca", "timeout_s", "deadline_s"},
}


def connect(address: str, options: dict[str, Any], where: str) -> tuple[str, str, Any]:
    """Kind (file, sftp, s3), path of the folder in its file system, and the file system. where: the setting that says
    so. Raises ConfigError for a wrong address or option; an error of the other side is the library's own."""
    parts = urlsplit(address)
    if parts.scheme in ("", "file"):
        from fsspec.implementations.local import LocalFileSystem

        folder = Path(parts.path if parts.scheme else address).expanduser().absolute()
        return "file", str(folder), LocalFileSystem(skip_instance_cache=True)
    if parts.scheme not in OPTIONS:
        raise ConfigError(
            f"不认识的地址：{parts.scheme}://",
            where=where,
            to_do="写成本机文件夹、sftp://用户@主机/文件夹 或 s3://桶/前缀",
        )
    toml.unknown_keys(options, OPTIONS[parts.scheme], f"{where} options")
    given = {name: value for name, value in options.items() if name not in ("timeout_s", "deadline_s")}
    if parts.scheme == "sftp":
        current = _sftp(parts.hostname or "", parts.username or "", parts.port, given, where)
        return "sftp", parts.path or "/", current
    return "s3", f"{parts.netloc}{parts.path}".rstrip("/"), _s3(given)


def _sftp(host: str, user: str, port: int | None, options: dict[str, Any], where: str) -> Any:
    """A connection to a host whose key is known beforehand: who answers to the first call is not trusted for that."""
    import paramiko
    from fsspec.implementations.sftp import SFTPFileSystem

    given = str(options.pop("host_key", "")).split()
    if len(given) < 2:
        raise ConfigError(
            "sftp 必须写明对方的主机密钥",
            where=f"{where} options",
            to_do='请向对方索取，写成 host_key = "ssh-ed25519 AAAA…"',
        )

    key = options.get("key_filename")
    if key and not Path(key).is_file():
        raise ConfigError(
            f"没有密钥文件 {key}", where=f"{where} options", to_do="请核对 key_filename 的路径与本账号的读取权限"
        )

    class Pinned(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
        def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
            if [key.get_name(), key.get_base64()] != given[:2]:
                raise paramiko.BadHostKeyException(hostname, key, key)

    port = port or int(options.pop("port", 22))
    options.pop("port", None)
    only = {"ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"]}.get(given[0], [given[0]])
    offered = [
        name for name in paramiko.Transport._preferred_keys if name not in only
    ]  # ask for the kind of key that we know
    return SFTPFileSystem(
        host,
        port=port,
        username=user,
        timeout=20,
        allow_agent=False,
        look_for_keys=False,
        host_key_policy=Pinned(),
        disabled_algorithms={"keys": offered},
        skip_instance_cache=True,
        **options,
    )


def _s3(options: dict[str, Any]) -> Any:
    from s3fs import S3FileSystem

    client = {"region_name": options.get("region", "us-east-1")}
    if options.get("endpoint_url"):
        client["endpoint_url"] = options["endpoint_url"]
    if options.get("ca"):
        client["verify"] = options["ca"]
    return S3FileSystem(
        key=options.get("key"),
        secret=options.get("secret"),
        token=options.get("token"),
        client_kwargs=client,
        use_listings_cache=False,
        skip_instance_cache=True,
        config_kwargs={"connect_timeout": 10, "read_timeout": 60, "retries": {"max_attempts": 3}},
    )
