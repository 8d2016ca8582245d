"""Records bent as values: types, numbers, depth, names, paths; TOML and ledgers line by line.

Sealed anew, manifest and ledger fit what was bent, so that readers behind the digests see it.
"""

from __future__ import annotations

import json
import os
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harness.evidence.hub import inventory
from harness.evidence.ledger.log import Ledger
from harness.files import sha256_bytes
from proofs.fuzz.odd_values import MARK, ODD_TOML, RAW, TEXTS
from proofs.fuzz.place import Place
from tests.builders import sealed


def bend_json(rng: random.Random, place: Place) -> str:
    """Bend one value of one record."""
    path = rng.choice(_records(place))
    sealed.write(path, bend_text(rng, path.read_bytes()))
    return f"a value of {os.path.relpath(path, place.root)}"


def forge_json(rng: random.Random, place: Place) -> str:
    """Bend values of a hub's records and let manifest and ledger fit."""
    hub = _hub(rng, place)
    inside = [p for p in sorted(hub.rglob("*.json")) if "measure" not in p.parts]
    path = rng.choice([*inside, *[hub / "hub.json"] * 4])
    content = path.read_bytes()
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        content = bend_text(rng, content)
    sealed.write(path, content)
    reseal(place, hub)
    return f"a value of {os.path.relpath(path, place.root)}, sealed anew"


def forge_artifact(rng: random.Random, place: Place) -> str:
    """Give an artifact, log or text of a hub odd content and let everything fit."""
    hub = _hub(rng, place)
    listed = [p for p in sorted(hub.rglob("*")) if p.suffix in {".csv", ".png", ".log", ".md"}]
    path = rng.choice([*listed, hub / "analysis/measure/stats.json"])
    makes = {".csv": _table, ".png": _picture, ".json": bend_text}
    content = makes.get(path.suffix, _text)(rng, path.read_bytes())
    sealed.write(path, content)
    record = hub / "hub.json"
    value = json.loads(record.read_bytes())
    name = path.relative_to(hub).as_posix()
    for artifact in value["artifacts"]:
        if artifact["path"] == name:
            artifact.update(sha256=sha256_bytes(content), size=len(content))
    sealed.write(record, json.dumps(value, indent=2).encode())
    reseal(place, hub)
    return f"content of {os.path.relpath(path, place.root)}, sealed anew"


def reseal(place: Place, hub: Path) -> None:
    """Write manifest and ledgers anew, as somebody does who owns the machine."""
    hub.chmod(0o755)
    sealed.remanifest(hub)
    digest = sha256_bytes((hub / inventory.MANIFEST).read_bytes())
    for path in (place.root / ".harness/ledger.jsonl", place.root / "hubs/ledger.jsonl"):
        entries = list(Ledger(path).walk())
        (path.with_name("checkpoint.txt")).unlink(missing_ok=True)
        path.unlink()
        fresh = Ledger(path)
        for entry in entries:
            body = dict(entry.body)
            if entry.kind == "seal" and entry.subject.endswith(hub.name):
                body["manifest_sha256"] = digest
            fresh.append(entry.kind, entry.subject, body)


def bend_toml(rng: random.Random, place: Place) -> str:
    """Change lines of the declaration."""
    path = place.root / "harness.toml"
    lines = path.read_text("utf-8").splitlines()
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(lines))
        key = lines[at].partition("=")[0].strip() or "x"
        match rng.randrange(7):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, rng.choice(ODD_TOML))
            case 2:
                lines.insert(at, lines[rng.randrange(len(lines))])
            case 3:
                lines[at] = f"{key} = {rng.choice(RAW)}"
            case 4:
                lines[at] = f"{key} = {json.dumps(rng.choice(TEXTS))}"
            case 5:
                lines[at] = f"{key} = [{json.dumps(rng.choice(TEXTS))}]"
            case _:
                other = rng.randrange(len(lines))
                lines[at], lines[other] = lines[other], lines[at]
        lines = lines or ["x"]
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    return "lines of harness.toml"


def bend_ledger(rng: random.Random, place: Place) -> str:
    """Change lines of a ledger, or of the checkpoint beside it."""
    ledger = ".harness/ledger.jsonl"
    others = ("hubs/ledger.jsonl", ".harness/checkpoint.txt", "hubs/checkpoint.txt")
    path = place.root / rng.choice((ledger, ledger, ledger, *others))
    if not path.exists():
        path = place.root / ledger
    lines = path.read_bytes().splitlines(keepends=True)
    for _ in range(rng.randint(1, 2)):
        _bend_line(rng, lines)
    sealed.write(path, b"".join(lines))
    return f"lines of {os.path.relpath(path, place.root)}"


def _bend_line(rng: random.Random, lines: list[bytes]) -> None:
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    ends = (b"\r\n", b"", b"\n\n", b"\0\n")
    odd = (b"[" * 40_000, b"\xff", b"{}", b"null", b" ")
    match rng.randrange(8):
        case 0 if len(lines) > 1:
            del lines[at]
        case 1:
            lines.insert(at, lines[other])
        case 2:
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            lines[at] = lines[at].replace(b"\n", rng.choice(ends))
        case 4:
            lines[at] = rng.choice(odd) + b"\n"
        case 5:
            lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
        case _:
            lines[at] = bend_text(rng, lines[at])


def _records(place: Place) -> list[Path]:
    every = place.root.rglob("*.json")
    return sorted(p for p in every if p.is_file() and ".git" not in p.parts)


def _hub(rng: random.Random, place: Place) -> Path:
    return place.root / "hubs/tiny" / rng.choice((place.green, place.red))


def bend_text(rng: random.Random, content: bytes) -> bytes:
    """Bend one value of a JSON text; what is no JSON is cut."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return content[: rng.randrange(len(content) + 1)]
    places = list(_walk(value))
    if not places:
        return rng.choice(RAW).encode()
    holder, key = rng.choice(places)
    raw = _bend(rng, holder, key)
    text = json.dumps(value, indent=rng.choice((None, 2)))
    return text.replace(json.dumps(MARK), raw, 1).encode("utf-8", "surrogatepass")


def _bend(rng: random.Random, holder: Any, key: Any) -> str:
    """Put the mark where raw text is wanted, or change the value in place."""
    match rng.randrange(9):
        case 0 | 1 | 2:
            holder[key] = MARK
            return rng.choice(RAW)
        case 3 | 4 | 5:
            holder[key] = rng.choice(TEXTS)
        case 6:
            del holder[key]
        case 7 if isinstance(holder, dict):
            holder[rng.choice(TEXTS)] = holder[key]
        case 7:
            holder.extend([holder[key]] * rng.choice((1, 500)))
        case _ if isinstance(holder, dict):
            twin = f"{json.dumps(holder[key])},{json.dumps(str(key))}:{rng.choice(RAW)}"
            holder[key] = MARK
            return twin
        case _:
            holder[key] = [holder[key]]
    return ""


def _walk(value: Any) -> Iterator[tuple[Any, Any]]:
    keys: Any = (
        value
        if isinstance(value, dict)
        else range(len(value))
        if isinstance(value, list)
        else ()
    )
    for key in list(keys):
        yield value, key
        yield from _walk(value[key])


def _table(rng: random.Random, content: bytes) -> bytes:
    lines = content.decode().splitlines()
    odd = ("nan", "1e999", "-inf", "", '"', '"a\nb"', "9" * 6000, "\0", "=1", "١", "0x1", "1_0")
    match rng.randrange(6):
        case 0:
            return b"step,value\n" + b"1,1\n" * 200_000
        case 1:
            return ("a," * 5000 + "b\n" + "1," * 5000 + "1\n").encode()
        case 2:
            return ("\n".join([*lines, *lines[:1] * 2]) + "\n").encode()
        case 3:
            return "\n".join(lines).encode(rng.choice(("utf-16", "utf-8-sig", "utf-32")))
        case 4:
            return b"\n".join([lines[0].replace("value", "step").encode(), b"1,2"])
        case _:
            lines[rng.randrange(len(lines))] = ",".join(rng.choices(odd, k=rng.randint(1, 4)))
            return ("\n".join(lines) + "\n").encode()


def _picture(rng: random.Random, content: bytes) -> bytes:
    """Change the head of a picture or its pixels, with a checksum that fits."""

    def part(name: bytes, body: bytes) -> bytes:
        crc = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc)

    sizes = (0, 1, 3, 16, 24, 4096, 1 << 16, 1 << 30, (1 << 31) - 1)
    depth, colour = rng.choice((1, 2, 4, 8, 16, 0, 7)), rng.choice((0, 2, 3, 4, 6, 5))
    head = struct.pack(
        ">IIBBBBB",
        rng.choice(sizes),
        rng.choice(sizes),
        depth,
        colour,
        0,
        rng.choice((0, 1)),
        rng.choice((0, 1)),
    )
    pixels = zlib.compress(
        rng.choice((bytes(24 << 20), rng.randbytes(408), b"", b"\5" * 900)), 9
    )
    mark = b"\x89PNG\r\n\x1a\n"
    parts = [part(b"IHDR", head), part(b"IDAT", pixels), part(b"IEND", b"")]
    match rng.randrange(4):
        case 0:
            return mark + b"".join(rng.sample(parts, 3))
        case 1:
            return content[: rng.randrange(len(content))]
        case 2:
            return mark + struct.pack(">I", 0xFFFFFFFF) + b"IHDR" + head
        case _:
            return mark + b"".join(parts)


def _text(rng: random.Random, content: bytes) -> bytes:
    odd: tuple[Callable[[], bytes], ...] = (
        lambda: content + b"measured " + b"9" * 5_000_000,
        lambda: content * 20_000,
        lambda: b"\xff\xfe" + content,
        lambda: b"a" * 100_000 + b"\n" + content,
        lambda: bytes(range(256)) * 40,
        lambda: b"",
        lambda: "\u2028\x85\x0b".encode() + content,
        lambda: content.replace(b"\n", b"\r"),
        lambda: b"---\n" * 3000 + b"# x\n```\n" * 1000 + content,
    )
    return rng.choice(odd)()
