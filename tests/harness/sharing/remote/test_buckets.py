"""What only a bucket does: it may not exist, not answer, and take large files in parts."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.sharing.remote.store import RemoteStore
from tests.builders.sealed import Store

pytestmark = pytest.mark.usefixtures("bucket_server")


@pytest.mark.parametrize(("verb", "code"), [("push", 2), ("pull", 3)])
def test_a_missing_bucket_is_one_line(
    pristine: Store, capsys: Any, verb: str, code: int
) -> None:
    """A mistyped bucket is told by its URL; nothing is made there."""
    url = "s3://there-is-no-such-bucket/hubs"

    assert main(["store", verb, url, "-C", str(pristine.root)]) == code
    err = capsys.readouterr().err
    assert url in err
    assert len(err.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["push", "pull"])
def test_a_server_that_does_not_answer_is_one_line(pristine: Store, verb: str) -> None:
    """The store is said to be out of reach, before anybody loses patience."""
    words = ["store", verb, "s3://any-bucket/hubs", "-C", str(pristine.root)]
    completed = subprocess.run(
        [sys.executable, "-m", "harness", *words],
        env=os.environ | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},  # discard: nobody listens
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert completed.returncode == 2
    assert "a store that can be reached" in completed.stderr
    assert len(completed.stderr.splitlines()) == 1


@pytest.mark.slow
def test_a_file_of_several_parts_arrives_whole(bucket: str, tmp_path: Path) -> None:
    """Beyond one part of the client, 50 MiB, the digest is still that of the file."""
    source = tmp_path / "weights"
    content = b"".join(i.to_bytes(8) * 131_072 for i in range(120))  # 120 MiB, all unlike
    source.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    store = RemoteStore(bucket)

    store.send(source, "weights")

    assert store.holds("weights", len(content), sha256)
    assert store.fetch("weights", tmp_path / "back", limit=len(content), sha256=sha256)
    assert (tmp_path / "back").read_bytes() == content
