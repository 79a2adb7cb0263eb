"""The one secret of all backups of an installation: an age identity (age-encryption.org) in a file that is kept outside
the data folder, and printed on paper. Owns the file and what is derived from it."""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pyrage import IdentityError
from pyrage.x25519 import Identity

from warehouse.core.errors import ConfigError, Refused


class BackupKey:
    """identity opens what recipient closes; seal() proves that whoever wrote a line holds the identity."""

    def __init__(self, identity: Identity) -> None:
        self.identity, self.recipient = identity, identity.to_public()
        self._seal = HKDF(hashes.SHA256(), 32, salt=None, info=b"zhengbei backup seal").derive(str(identity).encode())

    def seal(self, purpose: str, body: bytes) -> str:
        """64 hex digits over `body`, of no use for another purpose."""
        return hmac.new(self._seal, purpose.encode() + b"\n" + body, hashlib.sha256).hexdigest()


def create(file: Path) -> BackupKey:
    """A new key in a new file, mode 0600. Raises Refused when the file is there: a lost key is a lost backup."""
    identity = Identity.generate()
    text = f"# 正北数字驾驶舱 备份密钥，请打印后离机保管；没有它，任何备份都打不开\n# public key: {identity.to_public()}\n{identity}\n"
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Refused("这个文件已经在了，不覆盖", where=str(file), to_do="请换一个文件名") from error
    except OSError as error:
        raise ConfigError(f"密钥文件写不了：{error.strerror}", where=str(file), to_do="请核对文件夹与权限") from error
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    return BackupKey(identity)


def read(file: Path, data: Path | None = None) -> BackupKey:
    """The key in the file. data: the data folder, in which it must not lie, since it would be in the backup that it
    opens. Raises ConfigError when there is none, Refused when it is unsafe."""
    if not str(file) or not file.is_file():
        raise ConfigError(
            "没有备份密钥",
            where=str(file) if str(file) != "." else "",
            to_do="请运行 ./zhengbei backup key 文件名，再在 zhengbei.toml 的 [backup] 写 key",
        )
    if data is not None and file.resolve().is_relative_to(data.resolve()):
        raise Refused("备份密钥在数据文件夹里", where=str(file), to_do="请移到别处，如 /etc/zhengbei/backup.key")
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise Refused("备份密钥对他人可读", where=str(file), to_do=f"请运行 chmod 600 {file}")
    try:
        lines = file.read_text("utf-8").splitlines()
        return BackupKey(Identity.from_str(next(line.strip() for line in lines if line.startswith("AGE-SECRET-KEY-"))))
    except (OSError, UnicodeDecodeError, StopIteration, IdentityError) as error:
        raise ConfigError(
            "备份密钥文件里没有可用的密钥", where=str(file), to_do="请用离机保管的那一份恢复它"
        ) from error
