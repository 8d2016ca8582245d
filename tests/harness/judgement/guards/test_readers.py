"""Arrays, YAML, HDF5, event files, benchmarks and logs: a number, a default rule, damage."""

from __future__ import annotations

import io
import struct
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from harness.evidence.hub.evidence import Facts, HubEvidence
from harness.judgement.guards import metrics, registry
from harness.judgement.guards.metrics import MetricError
from harness.judgement.guards.readers import catalogue, events
from harness.verdict import Verdict
from tests.builders.evidence import evidence

ASSETS = Path(__file__).parents[3] / "assets/metrics"
# Written by tensorboardX 2.6 (plain values) and by tensorboard 2.20 (values as tensors).
PLAIN = (ASSETS / "tensorboardx.tfevents").read_bytes()
TENSORS = (ASSETS / "tensorboard2.tfevents").read_bytes()
RAMP = np.arange(12, dtype=np.float32).reshape(3, 4) - 2
YAML = b"""\
# as a trainer writes it
epochs: 3
lr: 1e-5
run: {loss: [3.5, 2.5], note: "1e-5", ok: no}
last:
  - {step: 1, mean: .5, std: 0x1}
"""
BENCHMARK = {
    "machine_info": {"cpu": {"count": 2}},
    "benchmarks": [
        {"name": "test_x[1-2]", "stats": {"mean": 2.5e-3, "stddev": 1e-4, "rounds": 40}},
        {"name": "test_once", "stats": {"mean": 7e-3, "stddev": 0, "rounds": 1}},
    ],
    "version": "5.1.0",
}
ASV = {
    "version": 2,
    "result_columns": ["result", "params", "version"],
    "results": {"suite.Time.time_fit": [[0.25, None], [["'a'", "'b'"]], "f3"]},
}


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def npz(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def hdf5(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        for name, value in arrays.items():
            file[name.replace("__", "/")] = value
    return stream.getvalue()


def make_events(*points: tuple[str, float]) -> bytes:
    """Write an event file; its checksums are those of the reader, held to RFC 3720 below."""

    def field(number: int, content: bytes) -> bytes:
        return bytes([number << 3 | 2, len(content)]) + content

    def frame(data: bytes) -> bytes:
        head = struct.pack("<Q", len(data))
        checks = [
            struct.pack("<I", events.mask_crc(events.compute_crc32c(b))) for b in (head, data)
        ]
        return head + checks[0] + data + checks[1]

    values = (field(1, tag.encode()) + b"\x15" + struct.pack("<f", x) for tag, x in points)
    return b"".join(
        frame(b"\x10" + bytes([i]) + field(5, field(1, v))) for i, v in enumerate(values)
    )


def flip(content: bytes, place: int) -> bytes:
    changed = bytearray(content)
    changed[place] ^= 1
    return bytes(changed)


@pytest.mark.parametrize(
    ("name", "content", "expression", "aggregate", "expected"),
    [
        ("x.yaml", YAML, "x:lr", None, 1e-5),
        ("x.yml", YAML, "x:run.loss[*]", "last", 2.5),
        ("x.yaml", YAML, "x:last[step=1].mean", None, 0.5),
        ("x.npy", npy(RAMP), "x:max", None, 9.0),
        ("x.npy", npy(RAMP.T), "x:mean", None, 3.5),
        ("x.npz", npz(a=RAMP, b=np.array(4)), "x:a.std", None, float(RAMP.astype(float).std())),
        ("x.npz", npz(a=RAMP, b=np.array(4)), "x:b.values[0]", None, 4.0),
        ("x.npz", npz(a=np.array([3 + 4j, 0])), "x:a.max", None, 5.0),
        ("x.npz", npz(a=RAMP, names=np.array(["p", "q"])), "x:a.shape[1]", None, 4.0),
        ("x.npy", npy(np.array([1e300, 3e300])), "x:std", None, 1e300),
        ("x.h5", hdf5(run__psi=RAMP), "x:run.psi.min", None, -2.0),
        ("x.hdf5", hdf5(loss=np.float64(2.5)), "x:loss.values[0]", None, 2.5),
        ("x.tfevents", PLAIN, "x:loss/train[*].value", "last", 0.75),
        ("x.tfevents.17.host.0", TENSORS, "x:[loss/train][step=1].value", None, 1.5),
        ("x.json", BENCHMARK, 'x:benchmarks[name="test_x[1-2]"].stats.mean', None, 2.5e-3),
        ("x.json", ASV, 'x:results["suite.Time.time_fit"][0][0]', None, 0.25),
    ],
)
def test_a_format_gives_its_number(
    tmp_path: Path, name: str, content: Any, expression: str, aggregate: str, expected: float
) -> None:
    """The name says the format; truth is what was written."""
    run = evidence(tmp_path, {name: content})
    run = _rename(run, "x")

    assert metrics.select(run, expression, aggregate) == pytest.approx(expected, rel=1e-12)


def _rename(run: HubEvidence, name: str) -> HubEvidence:
    """Call the only artifact by another id than the stem, which an event file lacks."""
    (record,) = run.artifacts.values()
    facts = Facts(stages=(), artifacts=(replace(record, id=name),), datasets=(), environment={})
    return HubEvidence(run.root, facts, project=run.root)


@pytest.mark.parametrize(
    ("name", "content", "expression"),
    [
        ("x.yaml", YAML, "x:run.note"),  # a text in quotes
        ("x.yaml", b"a: NaN\n", "x:a"),  # a word of other languages
        ("x.yaml", b"a: null\n", "x:a"),
        ("x.yaml", b"a: 1:30\n", "x:a"),
        ("x.yaml", b"a: 1\na: 2\n", "x:a"),
        ("x.yaml", b"a: &x [1]\nb: [*x, *x]\n", "x:a[0]"),
        ("x.yaml", b"a: !!python/object/apply:os.getcwd []\n", "x:a"),
        ("x.yaml", b"a: 1\n---\na: 2\n", "x:a"),
        ("x.yaml", b"a: [1, 2", "x:a[0]"),
        ("x.yaml", b"? [1]\n: 2\n", "x:a"),
        ("x.yaml", b"", "x:a"),
        ("x.yaml", b"\xff\xfe\xff", "x:a"),
        ("x.yaml", b"[" * 5000, "x:a"),
        ("x.npy", npy(RAMP)[:-1], "x:max"),
        ("x.npy", npy(np.array([object()], dtype=object)), "x:max"),
        ("x.npz", npz(a=RAMP)[:-30], "x:a.max"),
        ("x.npz", npz(a=np.array(["p"])), "x:a.max"),
        ("x.npz", b"PK\x03\x04", "x:a.max"),
        ("x.h5", hdf5(a=RAMP)[:900], "x:a.max"),
        ("x.h5", hdf5(a="text"), "x:a.max"),
        ("x.h5", b"\x89HDF\r\n\x1a\n", "x:a.max"),
        ("x.tfevents", PLAIN[:-5], "x:lr[0].value"),
        ("x.tfevents", flip(PLAIN, 3), "x:lr[0].value"),
        ("x.tfevents", flip(PLAIN, 80), "x:lr[0].value"),
        ("x.tfevents", b"", "x:lr[0].value"),
        ("x.tfevents", PLAIN, "x:weights[0].value"),  # a histogram is no number
        ("x.json", {"loss": "NaN"}, "x:loss"),
        ("x.json", {"loss": None}, "x:loss"),
        ("x.json", ASV, 'x:results["suite.Time.time_fit"][0][1]'),  # a benchmark that failed
    ],
)
def test_no_number_is_made_of_damage(
    tmp_path: Path, name: str, content: Any, expression: str
) -> None:
    """Cut, doubled, forged, foreign: inconclusive, in one line, and nothing is executed."""
    with pytest.raises(MetricError) as caught:
        metrics.select(evidence(tmp_path, {name: content}), expression)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("x.yaml", b"a: [1.5, .nan]\n", "non-finite"),
        ("x.yaml", b"loss: NaN\n", "non-finite"),
        ("x.yaml", b"out: {avg: 0.5, sigma: 0}\n", "constant"),
        ("x.yaml", b"out: {mean: 0, std: 0.0}\n", "all-zero"),
        ("x.json", {"loss": "NaN"}, "non-finite"),
        ("x.npy", npy(np.array([1.0, np.inf])), "non-finite"),
        ("x.npz", npz(a=RAMP, b=np.array([1j * np.nan])), "non-finite"),
        ("x.npz", npz(a=np.zeros(5), b=np.zeros(2)), "all-zero"),
        ("x.npz", npz(a=np.full(5, 0.1), b=np.ones((2, 3))), "constant"),
        ("x.h5", hdf5(g__a=np.array([1.0, np.nan])), "non-finite"),
        ("x.h5", hdf5(a=np.zeros((2, 2))), "all-zero"),
        ("x.h5", hdf5(a=np.full((2, 2), 3)), "constant"),
        ("x.tfevents", make_events(("a", 1.5), ("a", float("nan"))), "non-finite"),
        ("x.tfevents", make_events(("a", 1.5), ("a", float("-inf"))), "non-finite"),
        ("x.tfevents", make_events(("a", 0.0), ("b", 0.0)), "all-zero"),
        ("x.tfevents", make_events(*[("a", 0.5)] * 3), "constant"),
        ("x.json", {"benchmarks": [{"stats": {"mean": 1.0, "stddev": 0, "rounds": 5}}]}, "constant"),  # noqa: E501
    ],
)  # fmt: skip
def test_defaults_judge_each_format(tmp_path: Path, name: str, content: Any, rule: str) -> None:
    """A hollow file is red though nobody declared a guard."""
    (result,) = registry.judge([], evidence(tmp_path, {name: content}), None)

    assert (result.verdict, result.found) == (Verdict.RED, rule)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.yaml", YAML),
        ("x.npz", npz(a=RAMP, mask=np.ones(9), empty=np.zeros(0))),
        ("x.h5", hdf5(a=RAMP, flag=np.float32(0))),
        ("x.tfevents", PLAIN),
        ("x.tfevents", make_events(("lr", 0.5), ("lr", 0.5), ("lr", 0.5), *[("a", i) for i in range(3)])),  # noqa: E501
        ("x.json", BENCHMARK),
        ("x.json", ASV),
    ],
)  # fmt: skip
def test_defaults_pass_honest_files(tmp_path: Path, name: str, content: Any) -> None:
    """One constant among varying arrays or curves, and one round alone, raise no alarm."""
    (result,) = registry.judge([], evidence(tmp_path, {name: content}), None)

    assert result.verdict is Verdict.GREEN


def test_checksums_are_those_of_the_standard() -> None:
    """RFC 3720, appendix B.4."""
    assert events.compute_crc32c(bytes(32)) == 0x8A9136AA
    assert events.compute_crc32c(b"\xff" * 32) == 0x62A8AB43
    assert events.compute_crc32c(bytes(range(32))) == 0x46DD794E


def test_nothing_outside_of_a_file_is_opened(tmp_path: Path) -> None:
    """Links to another file, external storage and virtual data are refused."""
    (tmp_path / "other.h5").write_bytes(hdf5(secret=RAMP))
    (tmp_path / "raw.bin").write_bytes(RAMP.tobytes())

    def link(file: Any) -> None:
        file["a"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "secret")

    def store(file: Any) -> None:
        raw = [(str(tmp_path / "raw.bin"), 0, RAMP.nbytes)]
        file.create_dataset("a", RAMP.shape, RAMP.dtype, external=raw)

    def refer(file: Any) -> None:
        layout = h5py.VirtualLayout(RAMP.shape, RAMP.dtype)
        layout[...] = h5py.VirtualSource(str(tmp_path / "other.h5"), "secret", RAMP.shape)
        file.create_virtual_dataset("a", layout)

    for make in (link, store, refer):
        stream = io.BytesIO()
        with h5py.File(stream, "w") as file:
            make(file)
        run = evidence(tmp_path, {"x.h5": stream.getvalue()})

        with pytest.raises(MetricError):
            metrics.select(run, "x:a.max")


def test_more_than_is_read_is_said(tmp_path: Path) -> None:
    """A small file that stands for very many numbers is refused before they are made."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.create_dataset("a", (1 << 40,), "f8", chunks=(1 << 16,), compression="gzip")
    run = evidence(
        tmp_path, {"x.h5": stream.getvalue(), "y.npz": npz(a=np.zeros(9_000_000, np.uint8))}
    )

    for expression in ("x:a.max", "y:a.max"):
        with pytest.raises(metrics.TooManyError):
            metrics.select(run, expression)


def test_a_reader_that_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A metric says what to install; the default rule warns, for it saw nothing."""
    monkeypatch.setitem(sys.modules, "yaml", None)
    monkeypatch.setattr(catalogue, "is_installed", lambda reader: reader.module != "yaml")
    run = evidence(tmp_path, {"x.yaml": YAML})

    with pytest.raises(MetricError, match=r"ptycho-harness\[yaml\]"):
        metrics.select(run, "x:lr")
    (result,) = registry.judge([], run, None)
    assert (result.verdict, result.severity) == (Verdict.INCONCLUSIVE, "warn")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.npz", npz(a=np.zeros(5))),
        ("x.json", {"avg": 1.0, "sigma": 0.0}),
        ("x.tsv", "a\n0\n"),
    ],
)
def test_old_evidence_is_judged_by_the_rules_of_its_time(
    tmp_path: Path, name: str, content: Any
) -> None:
    """A hub that was green under the first edition stays so."""
    run = evidence(tmp_path, {name: content})
    facts = Facts(
        stages=(), artifacts=tuple(run.artifacts.values()), datasets=(), environment={}
    )
    old = HubEvidence(tmp_path, replace(facts, edition=1), project=tmp_path)

    assert [r for r in registry.judge([], old, None) if r.verdict is not Verdict.GREEN] == []
    assert [r for r in registry.judge([], run, None) if r.verdict is Verdict.RED]


def test_evidence_is_parsed_once(tmp_path: Path) -> None:
    """Fifty guards on one file read it once; another reader gives another value."""
    run = evidence(tmp_path, {"x.npy": npy(RAMP)})
    first = run.parse("x", catalogue.NPY.read, 1 << 20)

    assert run.parse("x", catalogue.NPY.read, 1 << 20) is first
    assert run.parse("x", bytes, 1 << 20) == npy(RAMP)
