"""Bundles that were touched: whatever was changed is refused, and nothing runs."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from ptycho_torch.bundle import archive, read
from ptycho_torch.config_params import digest
from ptycho_torch.errors import BundleError
from ptycho_torch.inference import main as infer
from tests.builders import bundles

Members = dict[str, bytes]


def sealed(members: Members, **changes: Any) -> Members:
    """Put matching digests on altered members, as a careful forger would."""
    content = {**json.loads(members[archive.MANIFEST]), **changes}
    content.pop("digest")
    for name, about in content["members"].items():
        about.update(sha256=hashlib.sha256(members[name]).hexdigest(), size=len(members[name]))
    content["digest"] = digest(content)
    return {**members, archive.MANIFEST: json.dumps(content).encode()}


def written(folder: Path, content: bytes) -> Path:
    path = folder / "wts.h5.zip"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("position", [0.02, 0.3, 0.6, 0.9, 0.999])
def test_any_changed_byte_is_seen(whole: Path, tmp_path: Path, position: float) -> None:
    """One flipped bit, wherever it lies, makes the bundle untrusted."""
    content = bytearray(whole.read_bytes())
    content[int(position * len(content))] ^= 1

    with pytest.raises(BundleError):
        read.read(written(tmp_path, bytes(content)))


def test_headers_count_as_bytes(whole: Path, tmp_path: Path) -> None:
    """A flipped bit anywhere in the headers of the zip is seen, unused fields included."""
    content = whole.read_bytes()
    directory = content.rindex(b"PK\x01\x02" + content[4:5])
    for position in [*range(40), *range(directory, len(content))]:
        altered = bytearray(content)
        altered[position] ^= 1
        with pytest.raises(BundleError):
            archive.unpack(tmp_path, bytes(altered))


@pytest.mark.parametrize("length", [0, 10, 1000, -1])
def test_truncation_is_seen(whole: Path, tmp_path: Path, length: int) -> None:
    """Half a file is no bundle, nor is one that lacks its last byte."""
    with pytest.raises(BundleError):
        read.inspect(written(tmp_path, whole.read_bytes()[:length]))


def test_appended_bytes_are_seen(whole: Path, tmp_path: Path) -> None:
    """Nothing can hide before or behind the members."""
    content = whole.read_bytes()
    for altered in (content + b"x", b"x" * 40 + content):
        with pytest.raises(BundleError):
            read.inspect(written(tmp_path, altered))


OLDER = {
    "data": {"scan": None, "center": "keep", "drop": False, "regroup": False},
    "training": {"warmup_steps": 0},
    "inference": {"refine": 0, "refine_probe": False, "refine_positions": False},
}


def without(members: Members, section: str, *names: str) -> Members:
    configs = json.loads(members[archive.MANIFEST])["configs"]
    for name in names:
        del configs[section][name]
    return sealed(members, configs=configs)


@pytest.mark.parametrize("section", OLDER)
def test_older_bundle_was_trained_without(whole: Path, tmp_path: Path, section: str) -> None:
    """Settings of later releases have the value by which earlier ones trained."""
    members = without(bundles.members_of(whole), section, *OLDER[section])

    info = read.inspect(written(tmp_path, archive.pack(members)))

    read_back = info.configs.to_dict()[section]
    assert {name: read_back[name] for name in OLDER[section]} == OLDER[section]


def test_setting_that_was_always_there_is_missed(whole: Path, tmp_path: Path) -> None:
    """No default stands in for what a training must have had."""
    members = without(bundles.members_of(whole), "training", "learning_rate")

    with pytest.raises(BundleError, match="no learning_rate"):
        read.inspect(written(tmp_path, archive.pack(members)))


class Trap:
    """Creates a file when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Say what unpickling would call."""
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("name", ["model.pkl", "diffraction_to_obj.dill", "wts.pt", "../x"])
def test_foreign_members_never_run(whole: Path, tmp_path: Path, name: str) -> None:
    """A pickle in the zip ends with code 4 and is not opened."""
    sprung = tmp_path / "sprung"
    members = bundles.members_of(whole)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as target:
        for key, value in {**members, name: pickle.dumps(Trap(sprung))}.items():
            target.writestr(key, value)
    path = written(tmp_path, stream.getvalue())

    with pytest.raises(BundleError) as caught:
        read.inspect(path)

    assert "train again" in caught.value.remedy
    assert not sprung.exists()


def test_a_pickle_as_weights_never_runs(whole: Path, tmp_path: Path) -> None:
    """Even with matching digests, weights are read as plain tensors only."""
    sprung = tmp_path / "sprung"
    members = {**bundles.members_of(whole), archive.MODEL: pickle.dumps(Trap(sprung))}
    path = written(tmp_path, archive.pack(sealed(members)))

    with pytest.raises(BundleError):
        read.read(path)

    assert not sprung.exists()


@pytest.mark.parametrize("name", archive.MEMBERS)
def test_every_member_is_needed(whole: Path, tmp_path: Path, name: str) -> None:
    """A bundle without one of its members is refused."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as target:
        for key, value in bundles.members_of(whole).items():
            if key != name:
                target.writestr(key, value)

    with pytest.raises(BundleError):
        read.inspect(written(tmp_path, stream.getvalue()))


def test_compressed_members_are_refused(whole: Path, tmp_path: Path) -> None:
    """A small file cannot unfold into a large one."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for key, value in bundles.members_of(whole).items():
            target.writestr(key, value)

    with pytest.raises(BundleError) as caught:
        read.inspect(written(tmp_path, stream.getvalue()))

    assert caught.value.found == "a packed one"


def test_repeated_members_are_refused(whole: Path, tmp_path: Path) -> None:
    """Two members of one name are never a choice of the reader."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as target:
        for key, value in bundles.members_of(whole).items():
            target.writestr(key, value)
        with pytest.warns(UserWarning, match="Duplicate"):
            target.writestr(archive.HISTORY, b"x")

    with pytest.raises(BundleError):
        read.inspect(written(tmp_path, stream.getvalue()))


def test_sizes_are_limited(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member over its limit is refused before it is read."""
    monkeypatch.setattr(archive, "LIMITS", {**archive.LIMITS, archive.HISTORY: 3})

    with pytest.raises(BundleError) as caught:
        read.inspect(whole)

    assert caught.value.expected == "at most 3 bytes"


@pytest.mark.parametrize("name", [archive.MODEL, archive.PROBE, archive.HISTORY])
def test_digests_cover_each_member(whole: Path, tmp_path: Path, name: str) -> None:
    """A member replaced in a well-formed zip does not match its digest."""
    members = bundles.members_of(whole)
    altered = {**members, name: members[name][:-1] + b"?"}

    with pytest.raises(BundleError) as caught:
        read.inspect(written(tmp_path, archive.pack(altered)))

    assert caught.value.where.endswith(name)


def test_the_manifest_digests_itself(whole: Path, tmp_path: Path) -> None:
    """An edited photon count is seen although no member changed."""
    members = bundles.members_of(whole)
    text = members[archive.MANIFEST].replace(b'"gridsize": 2', b'"gridsize": 1')
    assert text != members[archive.MANIFEST]

    with pytest.raises(BundleError) as caught:
        read.inspect(written(tmp_path, archive.pack({**members, archive.MANIFEST: text})))

    assert caught.value.where.endswith("digest")


def edited(members: Members, section: str, **changes: Any) -> Members:
    content = json.loads(members[archive.MANIFEST])
    return sealed(members, **{section: {**content[section], **changes}})


FORGERIES: dict[str, Callable[[Members], Members]] = {
    "schema": lambda members: sealed(members, schema=2),
    "no scaling": lambda members: sealed(members, scaling={}),
    "null scaling": lambda members: sealed(members, scaling=None),
    "intensity scale of one": lambda members: edited(members, "scaling", intensity_scale=1.0),
    "input scale": lambda members: edited(members, "scaling", input_scale=0.5),
    "probe scale": lambda members: edited(members, "scaling", probe_scale=0.5),
    "scaling version": lambda members: edited(members, "scaling", version="scale-0"),
    "gridsize": lambda members: edited(members, "geometry", gridsize=3),
    "side": lambda members: edited(members, "geometry", N=64),
    "side as text": lambda members: edited(members, "geometry", N="32"),
    "canvas": lambda members: edited(members, "geometry", padded_size=33),
    "box": lambda members: edited(members, "geometry", positions_bbox=[0]),
    "geometry": lambda members: sealed(members, geometry={}),
    "configs": lambda members: sealed(members, configs=[]),
    "section gone": lambda members: edited(members, "configs", data=None),
    "field gone": lambda members: edited(members, "configs", data={}),
    "unknown field": lambda members: edited(members, "configs", model={"trick": 1}),
    "unknown key": lambda members: sealed(members, trick=1),
    "members": lambda members: sealed(members, training=7),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_consistent_forgeries_fail(whole: Path, tmp_path: Path, name: str) -> None:
    """Digests that match do not make contradictory contents true."""
    forged = FORGERIES[name](bundles.members_of(whole))

    with pytest.raises(BundleError):
        read.inspect(written(tmp_path, archive.pack(forged)))


@pytest.mark.parametrize("text", [b"", b"[1]", b"{", b'{"schema": NaN}', b"[" * 100_000])
def test_broken_json_is_refused(whole: Path, tmp_path: Path, text: bytes) -> None:
    """A manifest that is no JSON object ends in one line, not in a traceback."""
    members = {**bundles.members_of(whole), archive.MANIFEST: text}

    with pytest.raises(BundleError):
        read.inspect(written(tmp_path, archive.pack(members)))


def altered_weights(change: Callable[[dict[str, Any]], Any]) -> Callable[[bytes], bytes]:
    def rewrite(content: bytes) -> bytes:
        arrays = {name: value.copy() for name, value in load(content).items()}
        change(arrays)
        return save(arrays)

    return rewrite


BIAS = "amp.centre.bias"
WRONG_WEIGHTS: dict[str, Callable[[bytes], bytes]] = {
    "one missing": altered_weights(lambda arrays: arrays.pop(BIAS)),
    "one more": altered_weights(lambda arrays: arrays.update(extra=np.zeros(2, np.float32))),
    "another shape": altered_weights(lambda arrays: arrays.update({BIAS: arrays[BIAS][:-1]})),
    "another kind": altered_weights(
        lambda arrays: arrays.update({BIAS: arrays[BIAS].astype(np.float64)})
    ),
    "not finite": altered_weights(lambda arrays: arrays[BIAS].fill(np.nan)),
    "huge header": lambda content: struct.pack("<Q", 1 << 40) + content[8:],
    "header is no object": lambda _content: struct.pack("<Q", 2) + b"[]",
    "empty": lambda _content: b"",
    "short data": lambda content: content[:-4],
}


@pytest.mark.parametrize("name", WRONG_WEIGHTS)
def test_weights_must_fit_exactly(whole: Path, tmp_path: Path, name: str) -> None:
    """Weights that do not fit are an error, never a warning."""
    members = bundles.members_of(whole)
    members[archive.MODEL] = WRONG_WEIGHTS[name](members[archive.MODEL])

    with pytest.raises(BundleError):
        read.read(written(tmp_path, archive.pack(sealed(members))))


@pytest.mark.parametrize("name", ["probe_real", "weight"])
def test_the_probe_must_be_normalised(whole: Path, tmp_path: Path, name: str) -> None:
    """A probe of another energy, or a weight that is not its own, is refused."""
    members = bundles.members_of(whole)
    arrays = dict(load(members[archive.PROBE]))
    arrays[name] = arrays[name] * np.float32(1.5)
    members[archive.PROBE] = save(arrays)

    with pytest.raises(BundleError):
        read.read(written(tmp_path, archive.pack(sealed(members))))


def test_inference_ends_with_four(
    whole: Path, scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The program says so in one line and leaves the folder untouched."""
    content = bytearray(whole.read_bytes())
    content[-1000] ^= 1
    path = written(tmp_path, bytes(content))
    out = tmp_path / "out"

    words = ["--model_path", str(path), "--test_data", str(scan), "--output_dir", str(out)]
    code = infer([*words, "--accelerator", "cpu"])

    said = capsys.readouterr().err.strip().splitlines()
    assert code == 4
    assert len(said) == 1
    assert said[0].startswith("error: ")
    assert not out.exists()
