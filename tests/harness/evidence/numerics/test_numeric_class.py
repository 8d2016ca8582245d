"""What an interpreter computes is asked of it, once, and tells its machines apart."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from harness.evidence.numerics import numeric_class

PLAIN = {"PATH": os.environ["PATH"]}
DETAILS = {"cpu", "isa", "threads", "libraries", "digest"}


def describe(
    versions: dict[str, str] | None = None,
    program: str = sys.executable,
    **variables: str,
) -> dict[str, str]:
    return numeric_class.describe(
        (program,), versions or {}, "cpu", PLAIN | variables, may_start=True
    )


def forget() -> None:
    """Be another process: nothing is known but what was kept."""
    for each in (numeric_class._ask, numeric_class._read_earlier, numeric_class._run):
        each.cache_clear()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test starts without an earlier answer."""
    monkeypatch.setenv(numeric_class.CACHE, str(tmp_path / "cache"))
    forget()
    return tmp_path / "cache"


def script(tmp_path: Path, body: str) -> str:
    """Return an interpreter of our own making."""
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_class_says_what_it_is_made_of() -> None:
    """Without any library there is a class too: of libm and of the processor."""
    made = describe()

    assert len(made[numeric_class.KEY]) == 16
    assert {k.removeprefix(numeric_class.DETAIL) for k in made} >= DETAILS
    assert "python" in made["numeric.digest"]
    assert numeric_class.is_one_class(made, describe())


def test_answers_are_kept_for_the_user(tmp_path: Path, cache: Path) -> None:
    """The probe is started once for one interpreter, and again after its program changed."""
    words = f'echo x >> {tmp_path}/calls; exec {sys.executable} "$@"'
    program = script(tmp_path, words)
    for _ in range(2):
        describe(program=program)
        forget()

    assert (tmp_path / "calls").read_text().split() == ["x"]
    script(tmp_path, f"{words} # another build")
    describe(program=program)
    assert (tmp_path / "calls").read_text().split() == ["x", "x"]
    assert len(list(cache.glob("*.json"))) == 2


@pytest.mark.parametrize("content", ["", "[]", '{"digest": 1}', "[" * 100_000])
def test_a_damaged_answer_is_no_answer(cache: Path, content: str) -> None:
    """Whatever lies in the cache, the class is what the probe says."""
    before = describe()
    (answer,) = cache.glob("*.json")
    answer.write_text(content)
    forget()

    assert describe() == before


@pytest.mark.parametrize("body", ["exit 3", "echo nonsense", "echo '{}'"])
def test_a_silent_interpreter_has_no_class(tmp_path: Path, body: str) -> None:
    """What cannot be asked is unknown, with the reason, and like no other machine."""
    made = describe(program=script(tmp_path, body))

    assert made[numeric_class.KEY] == numeric_class.UNKNOWN
    assert made["numeric.reason"]
    assert not numeric_class.is_one_class(made, made)


def test_instruction_sets_of_numpy_are_told_apart() -> None:
    """Another kernel of one BLAS is another class, by its bits and not only by its name."""
    pytest.importorskip("numpy")
    cores = ("Haswell", "Prescott")
    one, two = (describe({"numpy": "2"}, OPENBLAS_CORETYPE=core) for core in cores)

    assert not numeric_class.is_one_class(one, two)
    assert one["numeric.digest"] != two["numeric.digest"]
    assert "OPENBLAS_CORETYPE=Haswell → " in numeric_class.tell_difference(one, two)


@pytest.mark.long
def test_every_pair_of_torch_is_told_apart() -> None:
    """Instruction sets of torch and oneDNN, and thread counts: each pair differs in bits."""
    pytest.importorskip("torch")
    settings = (
        {"OMP_NUM_THREADS": "1"},
        {"OMP_NUM_THREADS": "2"},
        {"OMP_NUM_THREADS": "1", "ATEN_CPU_CAPABILITY": "avx2"},
        {"OMP_NUM_THREADS": "1", "ATEN_CPU_CAPABILITY": "default"},
        {"OMP_NUM_THREADS": "1", "ONEDNN_MAX_CPU_ISA": "AVX2"},
        {"OMP_NUM_THREADS": "1", "ONEDNN_MAX_CPU_ISA": "SSE41"},
    )
    made = [describe({"torch": "2"}, **one) for one in settings]

    assert len({one["numeric.digest"] for one in made}) == len(settings)
    assert describe({"torch": "2"}, **settings[0]) == made[0]


def test_class_comes_before_other_differences() -> None:
    """Whoever compares environments reads of the machine first."""
    keys = ["torch", "numeric.isa", "python", "numeric_class"]

    assert numeric_class.sort_first(keys)[:2] == ["numeric_class", "numeric.isa"]
    before, after = {"numeric.isa": "AVX2"}, {"numeric.isa": "AVX512"}
    assert numeric_class.tell_difference(before, after) == "isa AVX2 → AVX512"
    assert numeric_class.tell_difference(before, before) == ""


@pytest.mark.parametrize("name", ["LC_CTYPE", "LC_ALL", "LANG", "HOME"])
def test_a_language_is_no_other_question(cache: Path, name: str) -> None:
    """Python sets LC_CTYPE where no language is set: it computes the same, and is not asked."""
    before = describe()
    forget()

    assert describe(**{name: "C.UTF-8"}) == before
    assert len(list(cache.glob("*.json"))) == 1
