"""Ways of bending a store or its repository, each drawn from a seed; a kind is a function."""

from __future__ import annotations

import os
import random
import shutil
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from proofs.fuzz import git_mutations, structured
from proofs.fuzz.place import OUTSIDE, Place
from tests.builders import sealed

Mutation = Callable[[random.Random, Place], str]
_TOKENS = (
    b"\0",
    b"\xff\xfe",
    b"\r\n",
    b"\n",
    b"\x1b[2J",
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b"\\",
    b"NaN",
    b"1e999",
    b"-1",
    b"9" * 400,
    b"../" * 8,
    b"/etc/passwd",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"null",
    b"true",
    b"::error::x",
    b"<script>",
    b"%s%n",
    b"=1+1",
    b"\xe2\x80\xae",
    b"#",
    b" ",
)
_MODES = (0o000, 0o111, 0o222, 0o200, 0o444, 0o555, 0o777, 0o4755, 0o1777, 0o2070)
_MANY = 70_000


def files_of(place: Place, *, with_git: bool = True) -> list[Path]:
    """Return every plain file of the repository, sorted."""
    plain = [p for p in place.root.rglob("*") if p.is_file() and not p.is_symlink()]
    return sorted(p for p in plain if with_git or ".git" not in p.parts)


def _pick(rng: random.Random, place: Place) -> Path:
    """Take a file; those that the harness decides by more often than others."""
    every = files_of(place)
    named = [p for p in every if ".git" not in p.parts and "bucket" not in p.parts]
    return rng.choice(named if rng.random() < 0.8 else every)


def bend_bytes(rng: random.Random, place: Place) -> str:
    """Change, add, repeat or take away bytes anywhere."""
    path = _pick(rng, place)
    content = bytearray(path.read_bytes())
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(content) + 1)
        length = rng.randint(1, 64)
        match rng.randrange(6):
            case 0 if at < len(content):
                content[at] ^= 1 << rng.randrange(8)
            case 1:
                content[at:at] = rng.choice(_TOKENS)
            case 2:
                del content[at : at + length]
            case 3:
                content[at:at] = content[at : at + length] * rng.choice((1, 2, 50))
            case 4:
                content[at : at + length] = bytes(length)
            case _:
                content[at : at + length] = rng.choice(_TOKENS)
    sealed.write(path, bytes(content))
    return f"bytes of {_named(place, path)}"


def truncate(rng: random.Random, place: Place) -> str:
    """Cut a file, empty it, or let it claim a size that is not there."""
    path = _pick(rng, place)
    size = path.stat().st_size
    new = rng.choice(
        (0, size // 2, max(0, size - 1), rng.randrange(size + 1), size + 4096, 1 << 33, 1 << 40)
    )
    if path.suffix in {".py", ".patch"}:
        new = min(new, 64 << 20)  # inputs are read whole, however long that takes
    path.chmod(path.stat().st_mode | 0o200)
    os.truncate(path, new)
    return f"{new} bytes of {_named(place, path)}"


def bend_names(rng: random.Random, place: Place) -> str:
    """Put something else in the place of a file or folder, or beside it."""
    path = _pick(rng, place)
    if rng.random() < 0.4:
        path = path.parent
        if path == place.root:
            path = place.root / "hubs"
    kinds = sorted(_NAMES)
    kind = rng.choice(kinds)
    _NAMES[kind](rng, place, path)
    return f"{kind} at {_named(place, path)}"


def _gone(path: Path) -> Path:
    """Take a path away, whatever it is."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return path


def _link(
    target: Callable[[Place, Path], str],
) -> Callable[[random.Random, Place, Path], object]:
    def apply(_: random.Random, place: Place, path: Path) -> None:
        wanted = target(place, path)
        _gone(path).symlink_to(wanted)

    return apply


def _moved_out(_: random.Random, place: Place, path: Path) -> None:
    """Move it out of the repository and link to it."""
    away = place.folder / "away"
    shutil.move(path, away)
    path.symlink_to(away)


def _socket(_: random.Random, place: Place, path: Path) -> None:
    _gone(path)
    server = socket.socket(socket.AF_UNIX)
    try:
        server.bind(str(place.folder / "s"))
    finally:
        server.close()
    (place.folder / "s").rename(path)


def _device(_: random.Random, __: Place, path: Path) -> None:
    _gone(path)
    try:
        os.mknod(path, 0o020666, os.makedev(1, 5))
    except PermissionError:  # an ordinary user: a link to the device does as well
        path.symlink_to("/dev/zero")


def _deep(_: random.Random, __: Place, path: Path) -> None:
    _gone(path)
    for _ in range(200):
        path = path / "d"
    path.mkdir(parents=True)


def _odd(rng: random.Random, _: Place, path: Path) -> None:
    names = (
        b"\xff\xfe",
        b"a\nb",
        b"\x1b[2J",
        b"-rf",
        b"a b",
        "\u202ex".encode(),
        b"n" * 255,
        b"CON",
        b"..x",
        b"~",
        b"$(x)",
        b"e\xcc\x81",
    )
    twin = Path(os.fsdecode(os.fsencode(path.parent) + b"/" + rng.choice(names)))
    if path.is_dir():
        shutil.copytree(path, twin, symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copy(path, twin)


def _many(_: random.Random, __: Place, path: Path) -> None:
    """Fill a folder with more files than anybody lists by hand."""
    folder = path if path.is_dir() else path.parent
    folder.chmod(0o755)
    for number in range(1500):
        (folder / f"f{number}").touch()


_NAMES: Mapping[str, Callable[[random.Random, Place, Path], object]] = {
    "nothing": lambda _, __, path: _gone(path),
    "link to a secret": _link(lambda place, _: str(place.folder / OUTSIDE)),
    "relative link out": _link(
        lambda place, path: os.path.relpath(place.folder / OUTSIDE, path.parent)
    ),
    "link to a folder outside": _link(lambda place, _: str(place.folder)),
    "link to the root": _link(lambda _, __: "/"),
    "link to itself": _link(lambda _, path: path.name),
    "link to nothing": _link(lambda _, __: "nowhere"),
    "link to a device": _link(lambda _, __: "/dev/zero"),
    "link to memory": _link(lambda _, __: "/proc/self/mem"),
    "link to a terminal": _link(lambda _, __: "/dev/stdin"),
    "moved out": _moved_out,
    "FIFO": lambda _, __, path: os.mkfifo(_gone(path)),
    "socket": _socket,
    "device": _device,
    "folder": lambda _, __, path: _gone(path).mkdir(),
    "file": lambda _, __, path: _gone(path).write_text("{}"),
    "deep folders": _deep,
    "case twin": lambda _, __, path: _copy(path, path.with_name(path.name.swapcase())),
    "odd twin": _odd,
    "other name": lambda rng, _, path: path.rename(
        path.with_name(
            rng.choice(("x", "a.tmp", "latest", "20260102T030405Z-a1b2c3", ".hidden"))
        )
    ),
    "hard link": lambda _, place, path: (
        os.link(path, place.folder / "twin") if path.is_file() else None
    ),
    "very many files": _many,
}


def _copy(path: Path, twin: Path) -> None:
    if twin == path:
        return
    if path.is_dir():
        shutil.copytree(path, twin, symlinks=True)
    else:
        shutil.copy(path, twin)


def permit(rng: random.Random, place: Place) -> str:
    """Give a file or folder another mode, which whoever reads has no right to overrule."""
    path = _pick(rng, place)
    for _ in range(rng.randrange(4)):
        if path.parent != place.root:
            path = path.parent
    mode = rng.choice(_MODES)
    path.chmod(mode)
    return f"mode {mode:o} of {_named(place, path)}"


def swap(rng: random.Random, place: Place) -> str:
    """Put the content of one file into another."""
    every = files_of(place, with_git=False)
    one, other = rng.choice(every), rng.choice(every)
    sealed.write(other, one.read_bytes())
    return f"{_named(place, one)} in {_named(place, other)}"


def grow(rng: random.Random, place: Place) -> str:
    """Make a file long: one line, many lines, many brackets."""
    path = _pick(rng, place)
    content = path.read_bytes()
    part = rng.choice(
        (b"[", b'{"a":', b"x", b"\n", b"a,b\n", b"\0", b"[a]\n", content[:200] or b"-")
    )
    extra = part * min(_MANY, (8 << 20) // max(1, len(part)))
    sealed.write(path, rng.choice((content + extra, extra + content, extra)))
    return f"{len(extra)} bytes more of {part[:8]!r} in {_named(place, path)}"


def _named(place: Place, path: Path) -> str:
    return ascii(os.path.relpath(path, place.root))


KINDS: Mapping[str, tuple[int, Mutation]] = {
    "bytes": (16, bend_bytes),
    "lengths": (6, truncate),
    "JSON": (18, structured.bend_json),
    "JSON sealed anew": (16, structured.forge_json),
    "artifacts sealed anew": (8, structured.forge_artifact),
    "names and file types": (12, bend_names),
    "TOML": (10, structured.bend_toml),
    "ledger lines": (8, structured.bend_ledger),
    "git": (10, git_mutations.bend),
    "permissions": (5, permit),
    "contents exchanged": (3, swap),
    "long files": (3, grow),
}


def apply(rng: random.Random, place: Place) -> tuple[str, str]:
    """Bend a place in one way, sometimes in two; return the kind and what was done."""
    kind = rng.choices(sorted(KINDS), [KINDS[name][0] for name in sorted(KINDS)])[0]
    done = [KINDS[kind][1](rng, place)]
    if rng.random() < 0.15:
        done.append(_second(rng, place))
    return kind, "; ".join(done)


def _second(rng: random.Random, place: Place) -> str:
    try:
        return bend_bytes(rng, place)
    except OSError:  # the first one left nothing that can be opened there
        return "nothing more"
