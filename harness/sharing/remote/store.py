"""A URL in, a store of hubs there out: names, bounded reads, files sent and fetched.

Hubs lie there as here, ``<suite>/<run id>/``, each with its entry of the ledger beside it,
``<run id>.seal.json``. That entry is written last and looked for first, as object stores can
neither rename nor lock: files without it are no hub to any reader.
The library is the extra ``remote``, and is imported when a store is opened.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import ConfigError, EvidenceMissingError, IntegrityError, StorageError
from harness.evidence.hub import digest, inventory

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

# A URL may carry a password, and errors are kept in logs.
_SECRET = re.compile(r"//[^/@]*@")
_FLAT = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az"})  # have no folders
_EXTRA = "Run pip install 'ptycho-harness[remote]'."


class RemoteStore:
    """Files below one URL; names are relative to it and separated by ``/``."""

    def __init__(self, url: str) -> None:
        """Find the file system of a URL; nothing is read yet.

        Raises:
            ConfigError: The library or the one for this kind of URL is missing, or the URL
                cannot be used.
            StorageError: The store cannot be reached.
        """
        self.url = _SECRET.sub("//", url)
        try:
            import fsspec  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise ConfigError(
                self.url, found="no library fsspec", expected="the extra remote", remedy=_EXTRA
            ) from error
        self._refusals: tuple[type[Exception], ...] = (OSError,)
        try:
            fs, root = fsspec.core.url_to_fs(url)
        except ImportError as error:
            raise ConfigError(
                self.url,
                found=" ".join(str(error).split())[:160],
                expected="the library for this kind of URL",
                remedy=_EXTRA,
            ) from error
        except (ValueError, TypeError) as error:
            raise ConfigError(
                self.url,
                found=" ".join(str(error).split())[:160],
                expected="a URL that fsspec knows, such as s3://BUCKET/FOLDER",
                remedy="Check the URL.",
            ) from error
        except OSError as error:
            raise self._refused_error(error) from error
        self._fs: AbstractFileSystem = fs
        self._root = str(root).rstrip("/")
        kinds = {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)
        self._is_flat = bool(kinds & _FLAT)
        if kinds & {"s3", "s3a"}:
            from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

            self._refusals = (OSError, BotoCoreError, ClientError)
        # fsspec shares file systems and their listings within a process: what somebody else
        # has pushed since would not be seen.
        fs.invalidate_cache()

    def names(self, folder: str = "") -> list[str]:
        """Return the last parts of the names in a folder, sorted; none where it is not there.

        Raises:
            StorageError: The store refused.
        """
        with self._translate_errors():
            try:
                names = self._fs.ls(self._path(folder), detail=False)
            except (FileNotFoundError, NotADirectoryError):
                return []
        return sorted({str(name).rstrip("/").rpartition("/")[2] for name in names})

    def read(self, name: str, limit: int) -> bytes | None:
        """Return the bytes of a small file, ``None`` where there is none.

        Raises:
            IntegrityError: It is larger than ``limit`` [bytes].
            StorageError: The store refused.
        """
        with self._translate_errors():
            try:
                content = b"".join(self._chunks(name, limit))
            except FileNotFoundError:
                return None
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a small file.

        Raises:
            StorageError: The store refused.
        """
        with self._translate_errors(), self._create(name) as stream:
            stream.write(content)

    def send(self, source: Path, name: str) -> None:
        """Send a file.

        Raises:
            IntegrityError: The file cannot be read here.
            StorageError: The store refused.
        """
        with (
            digest.open_regular(source),  # refuses what is no regular file
            source.open("rb") as here,
            self._translate_errors(),
            self._create(name) as there,
        ):
            while chunk := here.read(digest.CHUNK):
                there.write(chunk)

    def holds(self, name: str, size: int, sha256: str) -> bool:
        """Say whether a file is there whole, by reading it.

        Raises:
            StorageError: The store refused.
        """
        summer = hashlib.sha256()
        with self._translate_errors():
            try:
                # The size first: most of what broke off is told by it, without a byte being
                # read.
                if self._fs.size(self._path(name)) != size:
                    return False
                for chunk in self._chunks(name, size):
                    summer.update(chunk)
            except (FileNotFoundError, IsADirectoryError, IntegrityError):
                return False
        return summer.hexdigest() == sha256

    def fetch(self, name: str, target: Path, *, limit: int, sha256: str) -> int:
        """Fetch a file to ``target``, holding what arrives against its digest.

        Returns:
            Its size [bytes].

        Raises:
            IntegrityError: It is not there, larger than ``limit`` or has another digest.
            StorageError: The store or the disk refused.
        """
        summer, size = hashlib.sha256(), 0
        with self._translate_errors(), target.open("wb") as here:
            try:
                for chunk in self._chunks(name, limit):
                    summer.update(chunk)
                    size += here.write(chunk)
            except (FileNotFoundError, IsADirectoryError) as error:
                raise self._damage(name, "missing", "the sealed file") from error
        if (received := summer.hexdigest()) != sha256:
            raise self._damage(
                name, f"{size} bytes, {received[:12]}…", f"{sha256[:12]}… as sealed"
            )
        return size

    def require(self) -> None:
        """Refuse a place that does not exist.

        Raises:
            EvidenceMissingError: Nothing is there.
            StorageError: The store refused.
        """
        with self._translate_errors():
            is_there = self._fs.exists(self._root or "/")
        if not is_there:
            raise EvidenceMissingError(
                self.url,
                found="nothing there",
                expected="a store of hubs",
                remedy="Check the URL, or push hubs to it first.",
            )

    def _chunks(self, name: str, limit: int) -> Iterator[bytes]:
        """Give the bytes of a file, never more than ``limit`` of them."""
        left = limit
        with self._fs.open(self._path(name), "rb") as stream:
            # One byte beyond what is allowed is asked for, so that too much is seen without
            # being read.
            while chunk := stream.read(min(digest.CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:
                    raise self._damage(name, "a larger file", f"at most {limit} bytes")
                yield chunk

    @contextlib.contextmanager
    def _create(self, name: str) -> Iterator[Any]:
        path = self._path(name)
        # Buckets have no folders; where there are some, they must be there first.
        if not self._is_flat:
            self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        with self._fs.open(path, "wb") as stream:
            yield stream

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root or "/"

    def _damage(self, name: str, found: str, expected: str) -> IntegrityError:
        return IntegrityError(
            f"{self.url}: {inventory.printable_path(name)}",
            found=found,
            expected=expected,
            remedy="Remove the hub there, then push it again from a whole copy.",
        )

    @contextlib.contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except self._refusals as error:
            raise self._refused_error(error) from error

    def _refused_error(self, error: Exception) -> StorageError:
        return StorageError(
            self.url,
            found=_SECRET.sub("//", " ".join(str(error).split()))[:200] or type(error).__name__,
            expected="a store that can be reached, and room for what is copied",
            remedy="Check the URL and your rights, then call again: it goes on from here.",
        )
