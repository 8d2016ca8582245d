"""A sealed folder in, every difference from its manifest out.

Nothing is followed and nothing is read beyond its recorded size; the comparison goes on after
the first difference. Owner and group write bits are not compared, since git and copies do not
keep them; what a file is, that nobody may execute it and that not everybody may write it, are.

Source: design of the harness, sections 4 and 8.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from harness.errors import IntegrityError
from harness.evidence.hub import digest, inventory
from harness.evidence.hub.inventory import TreeItem
from harness.files import sha256_bytes
from harness.frozen import dataclass

CRLF = "changed: its line ends became CRLF"
SIZE_LIMIT = 16 << 30
_MODE, _SEALED = "mode ", 0o444
_FORBIDDEN_BITS = 0o111 | stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX | stat.S_IWOTH
_ALWAYS_READ = ("hub.json", "plan/", "analysis/metrics.json", "analysis/guards.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One file that is not as it was sealed."""

    path: str
    found: str
    expected: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was compared, and each difference, sorted by path.

    With ``has_forced_modes`` the file system keeps no modes, so that none was compared.
    """

    file_count: int
    read_count: int
    size: int
    damages: tuple[Damage, ...]
    has_forced_modes: bool = False


def compare(
    root: Path,
    listed: Mapping[str, str] | None = None,
    *,
    fraction: float = 1.0,
    done: Callable[[int], None] | None = None,
) -> Comparison:
    """Compare every file of a hub with its manifest.

    Args:
        root: The hub.
        listed: Its manifest, digest by path; read when left out.
        fraction: Part of the payload files whose bytes are read; type, size and mode of
            every file are compared anyway, and the records are always read.
        done: Called with the size [bytes] of each file that was read.

    Raises:
        IntegrityError: The manifest or a folder cannot be read at all.
    """
    listed = inventory.read_manifest(root) if listed is None else listed
    items = {item.path: item for item in inventory.scan(root)}
    sizes = sealed_sizes(root, listed)
    damages = [
        damage
        for path in (*listed, inventory.MANIFEST)
        if (damage := _outer_damage(path, items.get(path), sizes.get(path)))
    ]
    is_forced = any(d.found.startswith(_MODE) for d in damages) and _forces_modes(root, items)
    if is_forced:
        damages = [damage for damage in damages if not damage.found.startswith(_MODE)]
    broken = {damage.path for damage in damages}
    jobs = [path for path in listed if path not in broken and _is_chosen(path, fraction)]
    damages += _changed_files(
        root, jobs, listed, sizes | {p: items[p].size for p in jobs}, done
    )
    damages += _extra(listed, items)
    damages = _name_renamed(root, damages, listed, items)
    damages = _name_line_ends(root, damages, listed)
    return Comparison(
        file_count=len(listed),
        read_count=len(jobs),
        size=sum(item.size for item in items.values() if item.is_file),
        damages=tuple(sorted(damages, key=lambda damage: damage.path)),
        has_forced_modes=is_forced,
    )


def require_shape(root: Path, listed: Mapping[str, str]) -> None:
    """Require that each listed file is one, below no link, and of the size that was sealed.

    Nothing is read: who copies a hub holds the copies against the manifest, but must not open
    what a link in the place of a folder leads to, nor fill a disk with what has grown.

    Raises:
        IntegrityError: A file is something else.
    """
    items = {item.path: item for item in inventory.scan(root)}
    sizes = sealed_sizes(root, listed)
    for path in (*listed, inventory.MANIFEST):
        seen = _outer_damage(path, items.get(path), sizes.get(path))
        if seen is not None and not seen.found.startswith(_MODE):
            raise digest.damage(seen.path, seen.found, seen.expected)


def _forces_modes(root: Path, items: Mapping[str, TreeItem]) -> bool:
    """Say whether the file system gives every file one mode, whatever it is told to keep."""
    modes = {stat.S_IMODE(item.mode) for item in items.values() if item.is_file}
    if len(modes) != 1:
        return False
    import tempfile  # noqa: PLC0415 - a fifth of the start of verify, for odd file systems

    try:
        with tempfile.NamedTemporaryFile(dir=root.parent, prefix=".mode-") as probe:
            os.chmod(probe.name, _SEALED)  # noqa: PTH101 - a name, not a path
            return stat.S_IMODE(os.stat(probe.name).st_mode) != _SEALED  # noqa: PTH116 - likewise
    except OSError as error:
        return error.errno in (errno.EPERM, errno.ENOTSUP)  # no mode can be set at all


def sealed_sizes(root: Path, listed: Mapping[str, str]) -> dict[str, int]:
    """Return sizes [bytes] by path from the inventory; none when the manifest denies it."""
    path = root / inventory.INVENTORY
    try:
        if digest.sha256(path, inventory.LIST_LIMIT) != listed.get(inventory.INVENTORY):
            return {}
        return inventory.read_sizes(root)
    except IntegrityError:
        return {}


def _outer_damage(path: str, item: TreeItem | None, size: int | None) -> Damage | None:
    """Judge what can be seen without reading the file."""
    if item is None:
        return Damage(path=path, found="missing", expected="the sealed file")
    bits = stat.S_IMODE(item.mode)
    limit = SIZE_LIMIT if size is None else size
    rules = (
        (not item.is_file, digest.kind_of(item.mode), "a file"),
        (item.links > 1, f"hard-linked, {item.links} names", "one name"),
        (bool(bits & _FORBIDDEN_BITS), f"{_MODE}{bits:04o}", "mode 0444"),
        (
            size is not None and item.size != size,
            f"changed, {item.size} bytes",
            f"{size} bytes",
        ),
        (item.size > limit, f"{item.size} bytes", f"at most {limit} bytes"),
    )
    for is_wrong, seen, expected in rules:
        if is_wrong:
            return Damage(path=inventory.printable_path(path), found=seen, expected=expected)
    return None


def _is_chosen(path: str, fraction: float) -> bool:
    if fraction >= 1 or path.startswith(_ALWAYS_READ):
        return True
    import random  # noqa: PLC0415 - the whole of a hub is the usual part

    return random.random() < fraction  # noqa: S311 - a sample, not a secret


def _changed_files(
    root: Path,
    jobs: list[str],
    listed: Mapping[str, str],
    sizes: dict[str, int],
    done: Callable[[int], None] | None,
) -> list[Damage]:
    answers = digest.sha256_all([(f"{root}/{path}", sizes[path]) for path in jobs], done)
    damages = []
    for path, answer in zip(jobs, answers, strict=True):
        if isinstance(answer, IntegrityError):
            damages.append(Damage(path=path, found=answer.found, expected=answer.expected))
        elif answer != listed[path]:
            actual, expected = f"changed, {answer[:12]}…", f"{listed[path][:12]}…"
            damages.append(Damage(path=path, found=actual, expected=expected))
    return damages


def _name_line_ends(
    root: Path, damages: list[Damage], listed: Mapping[str, str]
) -> list[Damage]:
    """Say which changed files differ by their line ends alone."""
    return [
        replace(damage, found=CRLF)
        if damage.found.startswith("changed") and _has_other_ends(root, damage.path, listed)
        else damage
        for damage in damages
    ]


def _has_other_ends(root: Path, path: str, listed: Mapping[str, str]) -> bool:
    try:
        content = digest.read_bytes(root / path, inventory.LIST_LIMIT)
    except IntegrityError:
        return False
    plain = content.replace(b"\r\n", b"\n")
    return plain != content and sha256_bytes(plain) == listed.get(path)


def _extra(listed: Mapping[str, str], items: dict[str, TreeItem]) -> list[Damage]:
    known = {*listed, inventory.MANIFEST}
    for path in listed:
        while (path := path.rpartition("/")[0]) and path not in known:
            known.add(path)
    return [
        Damage(
            path=inventory.printable_path(path),
            found=f"{digest.kind_of(item.mode)} that is not listed",
            expected="nothing",
        )
        for path, item in items.items()
        if path not in known
    ]


def _name_renamed(
    root: Path, damages: list[Damage], listed: Mapping[str, str], items: dict[str, TreeItem]
) -> list[Damage]:
    """Say where a missing file went, when an unlisted one has its bytes."""
    missing = [damage.path for damage in damages if damage.found == "missing"]
    if not missing:
        return damages
    unlisted = (p for p, item in items.items() if p not in listed and item.is_file)
    places = _places(root, unlisted, items)
    moved = {path: places[listed[path]] for path in missing if listed.get(path) in places}
    return [
        Damage(path=d.path, found=f"renamed to {moved[d.path]}", expected=d.expected)
        if d.found == "missing" and d.path in moved
        else d
        for d in damages
    ]


def _places(root: Path, paths: Iterable[str], items: dict[str, TreeItem]) -> dict[str, str]:
    """Path by digest of unlisted files small enough to look into."""
    places: dict[str, str] = {}
    for path in paths:
        if path == inventory.MANIFEST or items[path].size > inventory.LIST_LIMIT:
            continue
        try:
            places[digest.sha256(root / path, inventory.LIST_LIMIT)] = inventory.printable_path(
                path
            )
        except IntegrityError:
            continue
    return places
