"""The fields of the formats page are those that are written."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.evidence.ledger import log
from proofs.docs import regions
from ptycho_torch.bundle import archive, manifest
from ptycho_torch.data.formats import npz
from ptycho_torch.patch_stats_instrumentation import PatchStatsLogger
from ptycho_torch.reconstruct import parity

PAGE = (regions.DOCS / "formats.md").read_text("utf-8")


def fields(title: str) -> set[str]:
    """Return the names in the first column of the table below a heading."""
    part = PAGE[PAGE.index(f"\n## {title}") + 4 :].partition("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]*) \|", part, re.MULTILINE)
    return set(re.findall(r"`([^`]+)`", " ".join(cells)))


def test_fields_of_patch_statistics(tmp_path: Path) -> None:
    """A record has each documented field and no other."""
    generator = torch.Generator().manual_seed(3)
    with PatchStatsLogger(tmp_path, enabled=True, limit=1) as logger:
        logger.log_batch(
            torch.rand((3, 4, 8, 8), generator=generator),
            phase="train",
            scale={"input": 0.1, "intensity": 9.9, "probe": 0.07},
        )

    assert set(logger.stats[0]) == fields("Patch statistics")


def test_fields_of_parity() -> None:
    """What the comparison returns, and the two digests that its program adds."""
    patches = np.ones((2, 4, 8, 8), complex)
    positions = np.zeros((2, 4, 2))
    probe = parity.Probe(
        dataset_sha256="0" * 64,
        groups=np.zeros((2, 4), np.int64),
        positions=positions,
        patches=patches,
        consistent=patches,
    )
    keys = set(parity.compare(probe, positions, patches, patches))

    assert keys | {"dataset_sha256", "bundle_sha256"} == fields("Parity")


def test_fields_of_the_ledger() -> None:
    """An entry has exactly the documented keys."""
    assert fields("Ledger") == log._KEYS


def test_members_and_keys_of_the_bundle() -> None:
    """The archive holds the documented members, and its record the documented keys."""
    part = PAGE[PAGE.index("Keys of `bundle.json`:") :].partition(". A foreign")[0]

    assert fields("Bundle") == set(archive.MEMBERS)
    assert set(re.findall(r"`(\w+)`", part)) == set(manifest._KEYS)


@pytest.mark.parametrize("key", npz.IGNORED_KEYS)
def test_keys_that_are_not_used_are_said_to_be(key: str) -> None:
    """Each key that a scan may hold in vain is documented as not used."""
    assert re.search(rf"^\|.*`{key}`.*\| not used \|$", PAGE, re.MULTILINE)
