"""Ways of damaging the files of a sealed hub, each with a word that must be named."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from harness import files
from harness.evidence.hub import inventory
from tests.builders import sealed
from tests.builders.sealed import Store

STATS = "analysis/measure/stats.json"
Damage = Callable[[Store], str]
DAMAGES: dict[str, Damage] = {}


def damage(function: Damage) -> Damage:
    """Register a way of being wrong; the function returns a word that must be named."""
    DAMAGES[function.__name__] = function
    return function


def simple(name: str, change: Callable[[Path], object], word: str = "stats.json") -> None:
    """Register a change of one artifact of the hub."""

    def apply(store: Store) -> str:
        change(store.hub / STATS)
        return word

    DAMAGES[name] = apply


def edit(name: str, before: bytes, after: bytes, *, forged: bool = False) -> Damage:
    """Return a replacement inside one file, with the manifest made to fit when forged."""

    def apply(store: Store) -> str:
        path = store.hub / name
        content = path.read_bytes()
        assert before in content
        sealed.write(path, content.replace(before, after, 1))
        if forged:
            sealed.remanifest(store.hub)
        return "manifest-sha256.txt" if forged else Path(name).name

    return apply


def relink(path: Path, target: str | Path) -> None:
    """Replace a path by a symbolic link."""
    path.unlink()
    path.symlink_to(target)


def outside(path: Path) -> Path:
    """Copy a file out of the hub and return where it went."""
    return Path(shutil.copy(path, path.parents[5] / "elsewhere.json"))


def restore_time(path: Path) -> None:
    """Change content keeping size and times."""
    status = path.stat()
    sealed.write(path, path.read_bytes().replace(b"0.75", b"0.95"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def to_folder(path: Path) -> None:
    """Replace a file by a folder of its name."""
    path.unlink()
    path.mkdir()


simple("removed", lambda p: p.unlink())
simple("emptied", lambda p: sealed.write(p, b""))
simple("grown", lambda p: sealed.write(p, p.read_bytes() + b" "))
simple("same_size_and_time", restore_time)
simple("renamed", lambda p: p.rename(p.with_name("other.json")), "renamed to")
simple(
    "moved",
    lambda p: (
        p.rename(p.parents[2] / "red" / p.name)
        if (p.parents[2] / "red").mkdir() is None
        else None
    ),
    "renamed to",
)
simple("other_case", lambda p: p.rename(p.with_name("STATS.json")), "STATS.json")
simple("symlinked_inside", lambda p: relink(p, "rows.csv"), "symbolic link")
simple("symlinked_outside", lambda p: relink(p, outside(p)), "symbolic link")
simple("symlinked_device", lambda p: relink(p, "/dev/zero"), "symbolic link")
simple("symlink_loop", lambda p: relink(p, p.name), "symbolic link")
simple("dangling_symlink", lambda p: relink(p, "nowhere"), "symbolic link")
simple("hard_linked", lambda p: os.link(p, p.parents[5] / "twin.json"), "hard-linked")
simple("hard_linked_inside", lambda p: os.link(p, p.with_name("twin.json")), "twin.json")
simple("executable", lambda p: p.chmod(0o544), "mode")
simple("set_user_id", lambda p: p.chmod(0o4444), "mode")
simple("world_writable", lambda p: p.chmod(0o446), "mode")
simple("fifo", lambda p: (p.unlink(), os.mkfifo(p)), "FIFO")
simple("folder", to_folder, "a folder")
simple("sparse_terabyte", lambda p: sealed.sparse(p, 1 << 40), "bytes")
simple("case_collision", lambda p: p.with_name("Stats.json").write_text("{}"), "Stats.json")
simple("extra_file", lambda p: p.with_name("extra.json").write_text("{}"), "extra.json")
simple("extra_hidden", lambda p: (p.parents[2] / ".hidden").write_text(""), ".hidden")
simple("extra_folder", lambda p: (p.parents[2] / "empty").mkdir(), "empty")
simple("extra_symlink", lambda p: p.with_name("link").symlink_to("/etc"), "link")
simple("extra_fifo", lambda p: os.mkfifo(p.with_name("pipe")), "pipe")
simple("extra_lookalike", lambda p: p.with_name("stаts.json").write_text("{}"), "not listed")
simple("extra_escape", lambda p: p.with_name("\x1b[2Jx").write_text(""), "not listed")
simple("extra_long_name", lambda p: p.with_name("n" * 255).write_text(""), "not listed")

DAMAGES["record_verdict"] = edit("hub.json", b'"verdict": "green"', b'"verdict": "red"')
DAMAGES["record_forged"] = edit("hub.json", b"0.75", b"0.76", forged=True)
DAMAGES["log_forged"] = edit("cli/measure.log", b"3 rows", b"9 rows", forged=True)
DAMAGES["artifact_forged"] = edit(STATS, b"0.75", b"0.95", forged=True)
DAMAGES["record_nan"] = edit("hub.json", b'"value": 0.75', b'"value": NaN')
DAMAGES["record_duplicate_key"] = edit(
    "hub.json", b'"schema": 1', b'"schema": 1,\n  "schema": 1'
)
DAMAGES["record_unknown_key"] = edit("hub.json", b'"schema": 1', b'"schema": 1,\n  "extra": 1')
DAMAGES["record_schema"] = edit("hub.json", b'"schema": 1', b'"schema": 99')
DAMAGES["record_boolean_schema"] = edit("hub.json", b'"schema": 1', b'"schema": true')
DAMAGES["record_path_out"] = edit(
    "hub.json", b"analysis/measure/rows.csv", b"../../../rows.csv"
)
DAMAGES["plan_guard"] = edit("plan/plan.json", b"0.5", b"0.1")
DAMAGES["inventory_text"] = edit("artifact_inventory.txt", b"0444", b"0555")
DAMAGES["manifest_digest"] = edit("manifest-sha256.txt", b"a", b"b")


@damage
def record_deep(store: Store) -> str:
    """Nest the record a hundred thousand times."""
    sealed.write(store.hub / "hub.json", b"[" * 100_000)
    return "hub.json"


@damage
def record_huge(store: Store) -> str:
    """Make the record larger than any record."""
    sealed.sparse(store.hub / "hub.json", 1 << 34)
    return "hub.json"


@damage
def record_bytes(store: Store) -> str:
    """Fill the record with what is no text."""
    sealed.write(store.hub / "hub.json", bytes(range(256)))
    return "hub.json"


@damage
def record_missing(store: Store) -> str:
    """Take the record away."""
    (store.hub / "hub.json").unlink()
    return "hub.json"


@damage
def manifest_missing(store: Store) -> str:
    """Take the manifest away."""
    (store.hub / inventory.MANIFEST).unlink()
    return inventory.MANIFEST


@damage
def manifest_huge(store: Store) -> str:
    """Make the manifest a sparse terabyte."""
    sealed.sparse(store.hub / inventory.MANIFEST, 1 << 40)
    return inventory.MANIFEST


@damage
def case_collision_listed(store: Store) -> str:
    """List two files that some file systems keep as one."""
    path = store.hub / STATS
    path.with_name("Stats.json").write_bytes(path.read_bytes())
    manifest = store.hub / inventory.MANIFEST
    lines = manifest.read_bytes().splitlines(keepends=True)
    twin = next(line for line in lines if STATS.encode() in line)
    twin = twin.replace(b"stats.json", b"Stats.json")
    sealed.write(manifest, b"".join(sorted([*lines, twin], key=lambda line: line[66:])))
    return "the same but for case"


@damage
def record_of_the_future(store: Store) -> str:
    """Let the run end in a time to come, manifest and all."""
    path = store.hub / "hub.json"
    record = json.loads(path.read_bytes())
    sealed.write(path, files.json_bytes(record | {"finished": "2999-01-01T00:00:00Z"}))
    sealed.remanifest(store.hub)
    return "finished 2999"


@damage
def swapped_files(store: Store) -> str:
    """Swap two files."""
    one, other = store.hub / STATS, store.hub / "analysis/measure/rows.csv"
    one.rename(one.with_name("third"))
    other.rename(one)
    one.with_name("third").rename(other)
    return "rows.csv"


@damage
def swapped_folder(store: Store) -> str:
    """Put a link in the place of a folder."""
    folder = store.hub / "analysis"
    folder.rename(store.root / "analysis")
    folder.symlink_to(store.root / "analysis")
    return "analysis"


@damage
def hub_linked(store: Store) -> str:
    """Put a link in the place of the hub."""
    store.hub.rename(store.root / "away")
    store.hub.symlink_to(store.root / "away")
    return "symbolic link"


@damage
def replayed_hub(store: Store) -> str:
    """Put an older hub of the suite in the place of a newer one."""
    newer = sealed.run(store.root)
    shutil.rmtree(newer.hub)
    shutil.copytree(store.hub, newer.hub)
    object.__setattr__(store, "hub", newer.hub)
    return "replayed"


@damage
def unlisted_copy(store: Store) -> str:
    """Offer a copy of a hub under a new run id."""
    copy = store.hub.with_name("20260102T030405Z-a1b2c3")
    shutil.copytree(store.hub, copy)
    object.__setattr__(store, "hub", copy)
    return "no seal"


@damage
def other_suite(store: Store) -> str:
    """Offer a hub as one of another suite."""
    copy = store.hub.parent.with_name("grand") / store.hub.name
    shutil.copytree(store.hub, copy)
    object.__setattr__(store, "hub", copy)
    return "suite tiny"
