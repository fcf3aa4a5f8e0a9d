"""Files by address: a path on this machine, or what fsspec reaches (s3://, gs://, memory://). Each file appears whole
or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path
from typing import Any

from planner.errors import PlannerError


def is_remote(address: str) -> bool:
    """Whether an address names a store rather than a path of this machine."""
    return "://" in address


def joined(address: str, *names: str) -> str:
    """The address of a file within a folder."""
    return "/".join([address.rstrip("/"), *names]) if is_remote(address) else str(Path(address, *names))


def opened(address: str) -> Any:
    """A file to read from: the path itself, or an open file of the store."""
    if not is_remote(address):
        return address
    store, path = _store(address)
    return store.open(path, "rb")


def exists(address: str) -> bool:
    """Whether there is a file or folder."""
    if not is_remote(address):
        return Path(address).exists()
    store, path = _store(address)
    return bool(store.exists(path))


def files_in(address: str, suffix: str) -> list[str]:
    """Addresses of the files of a folder with that ending, in order; the address itself if it is a file."""
    if not is_remote(address):
        folder = Path(address)
        return sorted(str(each) for each in folder.iterdir() if each.suffix == suffix) if folder.is_dir() else [address]
    store, path = _store(address)
    if not store.isdir(path):
        return [address]
    return sorted(store.unstrip_protocol(each) for each in store.ls(path, detail=False) if each.endswith(suffix))


def read(address: str) -> bytes:
    """The bytes of a file."""
    if not is_remote(address):
        return Path(address).read_bytes()
    store, path = _store(address)
    content: bytes = store.cat_file(path)
    return content


def write(address: str, content: bytes) -> str:
    """Write a file whole (on a path: under another name, to the disk, then renamed); returns its SHA-256."""
    if is_remote(address):
        store, path = _store(address)
        store.pipe_file(path, content)  # object stores show an object only when it is whole
        return checksum(content)
    target = Path(address)
    scratch = target.parent / f".{target.name}.{secrets.token_hex(4)}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with scratch.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(target)
    except OSError as error:
        raise PlannerError(
            f"{target} could not be written: {error.strerror or error}; what was finished before is kept"
        ) from error
    finally:
        scratch.unlink(missing_ok=True)
    return checksum(content)


def checksum(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _store(address: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError:
        raise PlannerError(
            f"{address}: addresses of stores need fsspec; pip install 'neocloud-planner[cluster]'"
        ) from None
    try:
        store, path = fsspec.core.url_to_fs(address)
    except (ValueError, ImportError) as error:
        raise PlannerError(
            f"{address} cannot be reached: {error}; give a path, or an address that fsspec knows"
        ) from None
    return store, path
