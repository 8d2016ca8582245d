"""Places that hubs are pushed to: a folder, memory, and a bucket of an S3 server made here."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_MISSING = "moto and s3fs are not installed: make test-s3"


@dataclasses.dataclass(frozen=True)
class Place:
    """A store elsewhere, reached past the harness: ``fs`` is fsspec's, ``root`` its folder."""

    url: str
    fs: Any
    root: str

    def files(self) -> list[str]:
        """Return the names of all files, sorted."""
        self.fs.invalidate_cache()
        return sorted(str(name) for name in self.fs.find(self.root))

    def read(self, name: str) -> bytes:
        """Return the bytes of a file."""
        return bytes(self.fs.cat_file(name))

    def write(self, name: str, content: bytes) -> None:
        """Replace a file."""
        self.fs.pipe_file(name, content)


@pytest.fixture(scope="session")
def bucket_server() -> Iterator[str]:
    """Return the address of a local S3 server, which the environment tells to clients."""
    server = pytest.importorskip("moto.server", reason=_MISSING)
    pytest.importorskip("s3fs", reason=_MISSING)
    made = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    made.start()
    host, port = made.get_host_and_port()
    credentials = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as environment:
        for name, value in credentials.items():
            environment.setenv(name, value)
        yield credentials["AWS_ENDPOINT_URL"]
    made.stop()


@pytest.fixture
def bucket(bucket_server: str) -> str:
    """Return the URL of an empty bucket."""
    import fsspec

    assert bucket_server
    name = f"bucket-{uuid.uuid4().hex}"
    fsspec.filesystem("s3").mkdir(name)
    return f"s3://{name}"


@pytest.fixture(params=["file", "memory", "s3"])
def away(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Return a place without hubs, of every kind in turn."""
    import fsspec

    if request.param == "s3":
        root = request.getfixturevalue("bucket")
    else:
        root = f"{request.param}://{tmp_path / 'away'}"
    url = f"{root}/hubs"
    fs, path = fsspec.core.url_to_fs(url)
    return Place(url, fs, path)
