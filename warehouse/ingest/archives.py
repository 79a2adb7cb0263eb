"""ZIP archives and the ones that are workbooks: looked at from outside before anything in them is read.

Owns the limits (security.md A20–A22). Raises ContractBroken with the reason; writes nothing to disk."""

from __future__ import annotations

import io
import zipfile
import zlib

from warehouse.core.errors import ContractBroken

MOST_EXPANDED, MOST_RATIO, MOST_ENTRIES = 200 << 20, 100, 200
SMALL = 1 << 20
"""Below this an archive may be packed as tightly as it likes."""
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError, ValueError, KeyError)
"""What a damaged or odd archive raises; zipfile says NotImplementedError to a compression it does not know."""


def is_workbook(name: str, body: bytes) -> bool:
    """True when the archive is an Office workbook. Raises ContractBroken when it is no readable archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            names = {item.replace("\\", "/").lower() for item in archive.namelist()}
    except BROKEN as error:
        raise ContractBroken("压缩文件损坏或不完整", where=name) from error
    return "[content_types].xml" in names and any(item.startswith("xl/") for item in names)


def with_slashes(name: str, body: bytes) -> bytes:
    """The archive with / in the names of its parts where some old exporters write a backslash; mostly `body` itself."""
    with checked(name, body) as archive:
        entries = archive.infolist()
        if not any("\\" in entry.orig_filename for entry in entries):
            return body
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as again:
            for entry in entries:
                again.writestr(entry.orig_filename.replace("\\", "/"), content(name, archive, entry))
    return out.getvalue()


def checked(name: str, body: bytes) -> zipfile.ZipFile:
    """The archive, once its directory has passed: entries, sizes, ratio, names, encryption, links."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(body))
    except BROKEN as error:
        raise ContractBroken("压缩文件损坏或不完整", where=name) from error
    entries = archive.infolist()
    expanded, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    reason = ""
    if len(entries) > MOST_ENTRIES:
        reason = f"压缩包里有 {len(entries)} 个文件，超过 {MOST_ENTRIES} 个"
    elif expanded > MOST_EXPANDED:
        reason = f"解压后为 {expanded >> 20} MB，超过 {MOST_EXPANDED >> 20} MB"
    elif expanded > SMALL and expanded > MOST_RATIO * max(packed, 1):
        reason = f"压缩比达 {expanded // max(packed, 1)} 倍，超过 {MOST_RATIO} 倍"
    elif len({entry.filename for entry in entries}) < len(entries):
        reason = "压缩包里有同名文件"
    for entry in entries:
        parts = entry.filename.replace("\\", "/").split("/")
        if entry.flag_bits & 0x1:
            reason = reason or "压缩包已加密"
        elif ".." in parts or entry.filename.startswith(("/", "\\")) or ":" in parts[0] or "\x00" in entry.filename:
            reason = reason or "压缩包里的文件名指向包外"
        elif (entry.external_attr >> 16) & 0o170000 == 0o120000:
            reason = reason or "压缩包里有链接文件"
    if reason:
        raise ContractBroken(reason, where=name, to_do="请由来源重新导出后投递")
    return archive


def content(name: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """One entry's bytes, checked against its checksum; never more than its directory says."""
    try:
        with archive.open(entry) as stream:
            return stream.read()
    except BROKEN as error:
        raise ContractBroken("压缩文件损坏或不完整", where=f"{name}/{entry.filename}") from error


def members(name: str, body: bytes) -> list[tuple[str, bytes]]:
    """(name, content) of the files in an archive, in the order of their names; hidden ones and folders left out."""
    with checked(name, body) as archive:
        found = []
        for entry in sorted(archive.infolist(), key=lambda item: item.filename):
            inner = _spelled(entry)
            last = inner.rsplit("/", 1)[-1]
            if not entry.is_dir() and not last.startswith((".", "~$")) and not inner.startswith("__MACOSX/"):
                found.append((inner, content(name, archive, entry)))
        return found


def _spelled(entry: zipfile.ZipInfo) -> str:
    """Names packed on a Chinese Windows are GB18030 without saying so."""
    if entry.flag_bits & 0x800:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("gb18030")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return entry.filename
