"""Hubs that somebody built to hurt the one who verifies them, case by case."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from harness.evidence.hub import inventory
from tests.builders import sealed
from tests.builders.damages import STATS, relink
from tests.builders.sealed import Store

Case = Callable[[Store], None]
CASES: dict[str, Case] = {}
CANARY = "canary"
_NAMES = {
    "parent": "../x",
    "parent_deep": "analysis/../../../../x",
    "absolute": "/etc/passwd",
    "nul": "a\x00b",
    "bell": "a\x07b",
    "newline": "a\nb",
    "escape": "\x1b[2J\x1b[1;1H",
    "escape_title": "\x1b]0;owned\x07",
    "backspace": "a\x08\x08b",
    "carriage_return": "ok\rbad",
    "long": "n" * 256,
    "very_long": "n" * 70_000,
    "many_folders": "a/" * 500 + "b",
    "backslash": "..\\..\\x",
    "drive": "C:\\x",
    "double_slash": "a//b",
    "dot": "./a",
    "decomposed": "e\u0301",
    "right_to_left": "\u202egnp.exe",
    "zero_width": "a\u200bb",
    "line_separator": "a\u2028b",
    "surrogate": "a\udcffb",
    "comment": "#a",
    "empty": "",
    "space_end": "a ",
    "ci_command": "::error::owned",
}


class _Trap:
    """Unpickling it touches the canary."""

    def __init__(self, canary: str) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.canary}",)


def _canary(store: Store) -> str:
    return str(store.root.parent / CANARY)


def _named(name: str) -> Case:
    def in_manifest(store: Store) -> None:
        path = store.hub / inventory.MANIFEST
        content = path.read_bytes()
        line = f"{'0' * 64}  {name}\n".encode(errors="surrogateescape")
        sealed.write(path, b"".join(sorted([*content.splitlines(keepends=True), line])))

    return in_manifest


def _in_record(name: str) -> Case:
    def in_record(store: Store) -> None:
        path = store.hub / "hub.json"
        value = json.loads(path.read_bytes())
        value["artifacts"][0]["path"] = name
        value["stages"][0]["log"] = name
        _forge(store, path, json.dumps(value).encode())

    return in_record


for _word, _text in _NAMES.items():
    CASES[f"manifest_{_word}"] = _named(_text)
for _word in ("parent", "parent_deep", "absolute", "nul", "escape", "very_long", "surrogate"):
    CASES[f"record_{_word}"] = _in_record(_NAMES[_word])


def _forge(store: Store, path: Path, content: bytes) -> None:
    """Write a file and make the manifest fit it."""
    sealed.write(path, content)
    sealed.remanifest(store.hub)


def _content(word: str, name: str, make: Callable[[Store], bytes]) -> None:
    def apply(store: Store) -> None:
        _forge(store, store.hub / name, make(store))

    CASES[word] = apply


def _npz(store: Store) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.npy", pickle.dumps(_Trap(_canary(store))))
    return out.getvalue()


def _npy(store: Store) -> bytes:
    head = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"
    payload = pickle.dumps(_Trap(_canary(store)))
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + payload


def _torch(store: Store) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(_Trap(_canary(store))))
        archive.writestr("archive/version", "3")
    return out.getvalue()


def _pickled(store: Store) -> bytes:
    return pickle.dumps(_Trap(_canary(store)))


def _dilled(store: Store) -> bytes:
    source = f"import os\nos.system('touch {_canary(store)}')\n"
    return b"\x80\x04cdill._dill\n_create_function\n" + source.encode() + b"."


def _zip_bomb(_store: Store) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(64 << 20))
    return out.getvalue()


def _png_bomb(_store: Store) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + crc

    head = struct.pack(">IIBBBBB", 1 << 30, 1 << 30, 8, 6, 0, 0, 0)
    pixels = zlib.compress(bytes(64 << 20), 9)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    )


def _many_keys(_store: Store) -> bytes:
    return ("{" + ",".join(f'"k{i}":0' for i in range(1_000_000)) + "}").encode()


for _word, _make in {
    "npz": _npz,
    "npy": _npy,
    "torch": _torch,
    "pickle": _pickled,
    "dill": _dilled,
    "zip_bomb": _zip_bomb,
    "png_bomb": _png_bomb,
}.items():
    _content(f"artifact_{_word}", STATS, _make)
_RECORDS: dict[str, bytes] = {
    "deep_list": b"[" * 200_000,
    "deep_object": b'{"a":' * 200_000,
    "nan": b'{"schema": NaN}',
    "infinity": b'{"schema": -Infinity}',
    "duplicate_keys": b'{"schema": 1, "schema": 1}',
    "long_number": b'{"schema": ' + b"9" * 100_000 + b"}",
    "huge_exponent": b'{"schema": 1e999999}',
    "lone_surrogate": b'{"schema": "\\ud800"}',
    "not_utf8": b'{"schema": "\xff\xfe"}',
    "utf16": '{"schema": 1}'.encode("utf-16"),
    "byte_order_mark": b'\xef\xbb\xbf{"schema": 1}',
    "pickle": pickle.dumps({"schema": 1}),
    "empty": b"",
    "list": b"[]",
    "text": b'"hub"',
}
for _word, _bytes in _RECORDS.items():
    _content(f"record_{_word}", "hub.json", lambda _store, content=_bytes: content)  # type: ignore[misc]
    _content(f"plan_{_word}", "plan/plan.json", lambda _store, content=_bytes: content)  # type: ignore[misc]
_content("record_million_keys", "hub.json", _many_keys)
_content("plan_million_keys", "plan/plan.json", _many_keys)
_content("artifact_million_keys", STATS, _many_keys)


def _changed(word: str, change: Callable[[Path], object]) -> None:
    CASES[word] = lambda store: (change(store.hub / STATS), None)[1]


def _chain(path: Path) -> None:
    names = [path.with_name(f"link{i}") for i in range(50)]
    for name, target in zip(names, [*names[1:], Path("/etc/passwd")], strict=True):
        name.symlink_to(target)
    relink(path, names[0])


def _device(path: Path) -> None:
    path.unlink()
    try:
        os.mknod(path, 0o020666, os.makedev(1, 5))
    except PermissionError:  # an ordinary user: a link to the device does as well
        path.symlink_to("/dev/zero")


_changed("fifo", lambda p: (p.unlink(), os.mkfifo(p)))
_changed("device", _device)
_changed("sparse_terabyte", lambda p: sealed.sparse(p, 1 << 40))
_changed("symlink_chain", _chain)
_changed("symlink_loop", lambda p: relink(p, p.name))
_changed("symlink_outside", lambda p: relink(p, "/etc/passwd"))
_changed(
    "folder_loop", lambda p: (p.parent / "self").symlink_to("..", target_is_directory=True)
)
_changed("lookalike", lambda p: p.with_name("stаts.json").write_text("{}"))
_changed("escape_on_disk", lambda p: p.with_name("\x1b[2J\x1b]0;x\x07").write_text(""))
_changed("newline_on_disk", lambda p: p.with_name("a\n::error::owned").write_text(""))
_changed(
    "bad_bytes_on_disk", lambda p: Path(os.fsdecode(bytes(p.parent) + b"/\xff\xfe")).touch()
)
_changed("long_name_on_disk", lambda p: p.with_name("n" * 255).touch())
_changed("deep_on_disk", lambda p: (p.parent / "/".join("d" * 60)).mkdir(parents=True))


def _elsewhere(name: str, content: bytes) -> Case:
    def apply(store: Store) -> None:
        path = store.ledger.path.with_name(name)
        if path.exists():
            path.chmod(0o644)
        path.write_bytes(content)

    return apply


CASES["ledger_deep"] = _elsewhere("ledger.jsonl", b"[" * 60_000 + b"\n")
CASES["ledger_long_line"] = _elsewhere("ledger.jsonl", b"[" * (1 << 20) + b"\n")
CASES["ledger_no_newline"] = _elsewhere("ledger.jsonl", b"x" * (4 << 20))
CASES["ledger_zeros"] = _elsewhere("ledger.jsonl", bytes(1 << 20))
CASES["ledger_pickle"] = _elsewhere("ledger.jsonl", pickle.dumps([1]) + b"\n")
CASES["ledger_sparse"] = lambda store: sealed.sparse(store.ledger.path, 1 << 40)
CASES["checkpoint_escape"] = _elsewhere("checkpoint.txt", b"\x1b[2J\n1\nAAAA\n\n")
CASES["checkpoint_huge_size"] = _elsewhere("checkpoint.txt", b"x\n" + b"9" * 5000 + b"\nA\n\n")
CASES["checkpoint_sparse"] = lambda store: sealed.sparse(
    store.ledger.path.with_name("checkpoint.txt"), 1 << 40
)
