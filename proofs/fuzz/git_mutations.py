"""Ways of bending the git repository around a store: settings, references, objects, index."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Mapping

from proofs.fuzz.place import CANARY, OUTSIDE, Place

_SETTINGS = (
    "[core]\n\tfsmonitor = {touch}",
    "[core]\n\thooksPath = {folder}/hooks",
    "[core]\n\tpager = {touch}",
    "[core]\n\teditor = {touch}",
    "[core]\n\tsshCommand = {touch}",
    "[core]\n\tgitProxy = {touch}",
    "[core]\n\taskPass = {touch}",
    "[core]\n\tworktree = {folder}",
    "[core]\n\tworktree = /",
    "[core]\n\tbare = true",
    "[core]\n\tattributesFile = {folder}/attributes",
    "[core]\n\tbroken",
    "[core]\n\texcludesFile = /dev/zero",
    "[core]\n\trepositoryformatversion = 99",
    "[\n",
    "\0",
    "[core]\n\talternateRefsCommand = {touch}",
    "[core]\n\tquotePath = maybe",
    "[core]\n\tautocrlf = true",
    "[diff]\n\texternal = {touch}",
    '[diff "x"]\n\ttextconv = {touch}\n\tcommand = {touch}',
    '[filter "x"]\n\tclean = {touch}\n\tsmudge = {touch}\n\trequired = true',
    '[filter "x"]\n\tprocess = {touch}\n\trequired = true',
    '[merge "x"]\n\tdriver = {touch}',
    "[gpg]\n\tprogram = {touch}",
    "[log]\n\tshowSignature = true",
    "[alias]\n\tstatus = !{touch}\n\tdiff = !{touch}",
    "[include]\n\tpath = /dev/zero",
    "[status]\n\tsubmoduleSummary = true",
    "[include]\n\tpath = {folder}/included",
    "[include]\n\tpath = config",
    "[extensions]\n\tpartialClone = x",
    '[remote "x"]\n\turl = ext::{touch}\n\tpromisor = true\n\tuploadpack = {touch}',
    "[uploadpack]\n\tpackObjectsHook = {touch}",
    "[credential]\n\thelper = !{touch}",
    "[trace2]\n\teventTarget = {folder}/trace",
    "[submodule]\n\trecurse = true",
    "[blame]\n\tignoreRevsFile = /dev/zero",
    "[core]\n\tignoreCase = true",
    "[core]\n\tlogAllRefUpdates = always",
    "[extensions]\n\tobjectFormat = sha256",
    "[core]\n\tabbrev = 2",
    "[status]\n\tshowUntrackedFiles = no",
    "[diff]\n\tnoprefix = true",
    "[diff]\n\tmnemonicPrefix = true",
    "[color]\n\tui = always",
    "[i18n]\n\tlogOutputEncoding = UTF-16",
    "[core]\n\tsparseCheckout = true",
)
_ATTRIBUTES = (
    "* filter=x diff=x merge=x",
    "* text eol=crlf",
    "* export-ignore",
    "* -diff",
    "* working-tree-encoding=UTF-16",
    "[attr]a b\n" * 3000,
)
_HEADS = (
    "",
    "ref: refs/heads/none",
    "0" * 40,
    "ref: ../../../secret.json",
    "ref: refs/heads/a b",
    "x",
    "ref: " + "a/" * 2000,
    "\0",
    "ref: HEAD",
)


def bend(rng: random.Random, place: Place) -> str:
    """Bend the repository in one way."""
    kind = rng.choice(sorted(_WAYS))
    return f"git {kind}: {_WAYS[kind](rng, place)}"


def _touch(place: Place) -> str:
    return f"touch {place.folder / CANARY}"


def _config(rng: random.Random, place: Place) -> str:
    setting = rng.choice(_SETTINGS)
    text = setting.replace("{touch}", _touch(place)).replace("{folder}", str(place.folder))
    with (place.root / ".git/config").open("a", encoding="utf-8") as stream:
        stream.write(text + "\n")
    if "filter" in setting or "diff" in setting:
        (place.root / ".gitattributes").write_text(_ATTRIBUTES[0])
    hooks = place.folder / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in (
        "pre-commit",
        "post-checkout",
        "post-index-change",
        "reference-transaction",
        "pre-auto-gc",
    ):
        (hooks / name).write_text(f"#!/bin/sh\n{_touch(place)}\n")
        (hooks / name).chmod(0o755)
    (place.folder / "included").write_text(f"[core]\n\tfsmonitor = {_touch(place)}\n")
    return setting.partition("=")[0].split()[-1] if setting.strip() else "zero"


def _attributes(rng: random.Random, place: Place) -> str:
    text = rng.choice(_ATTRIBUTES)
    target = rng.choice((".gitattributes", ".git/info/attributes", "part/.gitattributes"))
    path = place.root / target
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")
    return target


def _ignore(rng: random.Random, place: Place) -> str:
    words = (b"*\n", b"hubs\n", b"\xff\xfe\n", b"!*\n", b"**/" * 4000 + b"\n", b"\\\n", b"[\n")
    (place.root / ".gitignore").write_bytes(rng.choice(words))
    return ".gitignore"


def _head(rng: random.Random, place: Place) -> str:
    name = rng.choice(
        ("HEAD", "refs/heads/main", "packed-refs", "ORIG_HEAD", "MERGE_HEAD", "shallow")
    )
    (place.root / ".git" / name).write_text(rng.choice(_HEADS) + "\n")
    return name


def _object(rng: random.Random, place: Place) -> str:
    path = rng.choice(
        sorted(p for p in (place.root / ".git/objects").rglob("*") if p.is_file())
    )
    path.chmod(0o644)
    content = path.read_bytes()
    path.write_bytes(rng.choice((b"", content[:-3], b"x" + content[1:], bytes(len(content)))))
    if rng.random() < 0.3:
        path.unlink()
    return path.parent.name


def _index(rng: random.Random, place: Place) -> str:
    path = place.root / ".git/index"
    content = bytearray(path.read_bytes())
    match rng.randrange(4):
        case 0:
            path.unlink()
        case 1:
            path.write_bytes(content[: rng.randrange(len(content))])
        case 2:
            content[rng.randrange(len(content))] ^= 0xFF
            path.write_bytes(content)
        case _:
            (place.root / ".git/index.lock").touch()
    return "index"


def _folder(rng: random.Random, place: Place) -> str:
    git = place.root / ".git"
    text = rng.choice(
        ("gitdir: ../away", "gitdir: /", "gitdir: .git", "", "gitdir: " + "x" * 9000, "\0")
    )
    match rng.randrange(5):
        case 0:
            shutil.rmtree(git)
        case 1:
            shutil.move(git, place.folder / "away")
            git.write_text(text)
        case 2:
            shutil.move(git, place.folder / "away")
            git.symlink_to(place.folder / "away")
        case 3:
            shutil.rmtree(git / rng.choice(("objects", "refs")))
        case _:
            (git / "commondir").write_text(rng.choice(("..", "/", str(place.folder))))
    return "folder"


def _alternates(rng: random.Random, place: Place) -> str:
    path = place.root / ".git/objects/info/alternates"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        rng.choice((str(place.folder), "/", "../objects", ".", "\0", "x\n" * 500)) + "\n"
    )
    return "alternates"


def _nested(rng: random.Random, place: Place) -> str:
    """Put a repository, bare or not, where inputs or hubs are."""
    folder = place.root / rng.choice(
        ("part", "hubs", "golden", "part/inner", "hubs/tiny", "drills")
    )
    folder.mkdir(parents=True, exist_ok=True)
    inner = folder if rng.random() < 0.5 else folder / ".git"
    for name in ("objects", "refs"):
        (inner / name).mkdir(parents=True, exist_ok=True)
    (inner / "HEAD").write_text("ref: refs/heads/main\n")
    (inner / "config").write_text(f"[core]\n\tbare = true\n\tfsmonitor = {_touch(place)}\n")
    return os.path.relpath(inner, place.root)


def _modules(rng: random.Random, place: Place) -> str:
    touch = _touch(place)
    words = (
        f'[submodule "x"]\n\tpath = part\n\turl = ext::{touch}\n\tupdate = !{touch}\n',
        "\0",
        '[submodule "../../x"]\n\tpath = ..\n',
    )
    (place.root / ".gitmodules").write_text(rng.choice(words))
    return ".gitmodules"


def _links(rng: random.Random, place: Place) -> str:
    path = (
        place.root / ".git" / rng.choice(("HEAD", "config", "index", "objects", "refs", "info"))
    )
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    path.symlink_to(
        rng.choice((str(place.folder / OUTSIDE), "/dev/zero", path.name, "/", "nowhere"))
    )
    return path.name


_WAYS: Mapping[str, Callable[[random.Random, Place], str]] = {
    "setting": _config,
    "another setting": _config,
    "a third setting": _config,
    "attributes": _attributes,
    "ignored": _ignore,
    "reference": _head,
    "object": _object,
    "index": _index,
    "folder": _folder,
    "alternates": _alternates,
    "nested repository": _nested,
    "submodules": _modules,
    "link": _links,
}
