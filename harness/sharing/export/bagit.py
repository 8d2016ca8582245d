"""A hub in, a bag out: the packaging that archives and libraries read.

Source: RFC 8493 (BagIt 1.0), sections 2.1 to 2.2.
"""

from __future__ import annotations

from pathlib import Path

from harness import files
from harness.records import HubRecord
from harness.sharing.export import copying

_DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


def write(hub: Path, record: HubRecord, target: Path) -> Path:
    """Write the folder of a bag whose payload is the hub.

    Raises:
        ConfigError: The target exists.
        IntegrityError: The hub is not as it was sealed.
        StorageError: The disk refused.
    """
    with copying.folder(target) as bag:
        listed = copying.copy(hub, bag / "data")
        size = sum((bag / "data" / name).stat().st_size for name in listed)
        tags = {
            "bagit.txt": _DECLARATION,
            "bag-info.txt": _info(record, size, len(listed)),
            "manifest-sha256.txt": _lines({f"data/{k}": v for k, v in listed.items()}),
        }
        for name, content in tags.items():
            files.write_text(bag / name, content)
        digests = {name: files.sha256_bytes(text.encode()) for name, text in tags.items()}
        files.write_text(bag / "tagmanifest-sha256.txt", _lines(digests))
    return target


def _lines(listed: dict[str, str]) -> str:
    """Write a manifest; only '%' needs escaping, for a hub's names hold no line ends."""
    return "".join(
        f"{sha256}  {name.replace('%', '%25')}\n" for name, sha256 in sorted(listed.items())
    )


def _info(record: HubRecord, size: int, count: int) -> str:
    facts = {
        "Bag-Software-Agent": "ptycho-harness",
        "Bagging-Date": record.finished[:10],
        "External-Identifier": f"{record.suite}/{record.run_id}",
        "External-Description": f"Evidence of suite {record.suite}: {record.verdict.value}",
        "Payload-Oxum": f"{size}.{count}",
    }
    return "".join(f"{key}: {value}\n" for key, value in facts.items())
