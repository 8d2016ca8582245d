"""Which bytes a scan was read from: one digest over every file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ptycho_torch import files
from ptycho_torch.config_params import DataConfig


@dataclass(frozen=True, slots=True)
class Identity:
    """Digests of a scan.

    Attributes:
        sha256: Digest of the scan file, or of the digests of all files when there are several.
        cache_key: All digests, by which frames that were converted once are found again.
    """

    sha256: str
    cache_key: str


def digest_files(path: Path, config: DataConfig, linked: Sequence[Path]) -> Identity:
    """Digest a scan file, its companion, and every file that a link or a source leads to.

    Args:
        path: The scan file.
        config: Settings that name the companion.
        linked: Files behind the frames.
    """
    companion = () if config.companion_file is None else (Path(config.companion_file),)
    read = list(dict.fromkeys(file.resolve() for file in (path, *companion, *linked)))
    digests = [files.sha256(file) for file in read]
    key = ":".join(digests)
    joined = digests[0] if len(read) == 1 else hashlib.sha256(key.encode()).hexdigest()
    return Identity(sha256=joined, cache_key=key)
