"""The records a hub is made of, and their strict reading from JSON."""

from __future__ import annotations

import dataclasses
import enum
import sys
import types
from dataclasses import field
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from harness.errors import IntegrityError
from harness.frozen import dataclass
from harness.identifiers import IDENTIFIER, INSIDE, INSTANT, RUN, SIZE, WORD, require_text
from harness.verdict import Verdict

T = TypeVar("T")
SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Where the source stood when the run began.

    ``dirty`` speaks of tracked changes and of untracked files that git does not
    ignore, the hub store left out; ``diff_sha256`` is the digest of that difference.
    """

    commit: str
    tree: str
    branch: str | None
    dirty: bool
    diff_sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRecord:
    """One dataset: its identity is the digest, never the name.

    ``undeclared`` are files of the project that a generated one was read from and that no input
    names.
    """

    role: str = field(metadata=WORD)
    name: str
    sha256: str
    size: int = field(metadata=SIZE)
    generated: bool
    undeclared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRecord:
    """One declared artifact as collected.

    ``path`` is relative to the hub, or to the project for an ``external`` one.
    ``fresh`` says that the stage wrote it during this run.
    """

    id: str = field(metadata=IDENTIFIER)
    stage: str = field(metadata=WORD)
    path: str = field(metadata=INSIDE)
    sha256: str
    size: int = field(metadata=SIZE)
    external: bool
    fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One attempt of a stage before its last; its log stays in the hub."""

    outcome: str
    exit_code: int | None
    duration_s: float
    log: str | None = field(metadata=INSIDE)
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRecord:
    """One stage as it went; of several attempts, the last.

    ``outcome`` is ``passed``, ``failed``, ``timeout``, ``interrupted``, ``no-tests``,
    ``unfinished`` (something that was collected did not run) or ``skipped`` (an earlier stage
    it needs did not pass). Test counts are of a pytest stage, and so is ``selection``: what
    decided which tests ran, beside the selectors.
    ``attempts`` are those before, ``flaky`` the tests that passed only when run again, and
    ``quarantined`` how each test in quarantine went, by its declared id. ``undeclared`` are
    files of the project that it read and no input names.
    """

    id: str = field(metadata=WORD)
    kind: str
    argv: tuple[str, ...]
    outcome: str
    verdict: Verdict
    exit_code: int | None
    started: str
    duration_s: float
    peak_memory_bytes: int | None
    log: str | None = field(metadata=INSIDE)
    reason: str
    tests: dict[str, int] = field(default_factory=dict)
    attempts: tuple[AttemptRecord, ...] = ()
    flaky: tuple[str, ...] = ()
    quarantined: dict[str, str] = field(default_factory=dict)
    selection: tuple[str, ...] = ()
    undeclared: tuple[str, ...] = ()

    @property
    def retries(self) -> int:
        """How often the stage was run again."""
        return len(self.attempts)

    @property
    def is_flaky(self) -> bool:
        """Whether it passed, but something in it only when it was run again."""
        return self.verdict is Verdict.GREEN and bool(self.attempts or self.flaky)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineRecord:
    """One quarantine as it stood in a run.

    ``state`` is ``active``, ``expired`` (the day has passed) or ``lifted`` (enough clean runs);
    only an active one excuses. ``outcome`` is ``clean``, ``flaky``, ``failed`` or
    ``not judged``; ``clean`` counts the clean runs in a row up to this one, of ``clean_runs``.
    """

    kind: str
    id: str
    owner: str
    reason: str
    expires: str
    clean_runs: int
    state: str
    outcome: str
    clean: int

    @property
    def is_waived(self) -> bool:
        """Whether a failure was shown and not counted."""
        return self.state == "active" and self.outcome == "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardResult:
    """What one guard found, against what it expected."""

    id: str
    kind: str
    verdict: Verdict
    severity: str
    found: str
    expected: str
    reason: str
    remedy: str
    policies: tuple[str, ...]
    metric: str | None
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseRecord:
    """What explains a run that is not green.

    ``verdict`` is red, or inconclusive for what proves nothing (an interruption, a stage that
    was not asked for). ``stage`` is where it stands and ``guards`` the red guards it consists
    of, empty for a stage that did not pass. ``follows`` are the stages (``stage <id>``) and red
    guards that it explains, ``unjudged`` the guards that could not be judged because of it.
    """

    verdict: Verdict
    stage: str | None
    guards: tuple[str, ...]
    sentence: str
    remedy: str
    follows: tuple[str, ...]
    unjudged: tuple[str, ...]

    @property
    def also(self) -> tuple[str, ...]:
        """What a reader need not look at first: the cause's other guards, and what follows."""
        return (*self.guards[1:], *self.follows)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRecord:
    """A further run, of another seed; ``unfinished`` are stages that proved nothing."""

    seed: str
    run_id: str = field(metadata=RUN)
    hub: str = field(metadata=INSIDE)
    manifest_sha256: str
    values: dict[str, float]
    failed: tuple[str, ...]
    unfinished: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubRecord:
    """The record of one run, stored as ``hub.json``.

    ``inputs_meaning`` says what the digests of the inputs stand for: ``bytes``, or ``code-1``;
    ``default_rules`` is the edition of the rules for every artifact. ``answer`` is how the
    numbers stand to the fingerprint, ``expects`` the most that was declared, ``expected_by``
    who did; empty without. ``runs`` is how many the verdict stands on, ``members`` the others.
    """

    schema: int
    suite: str = field(metadata=IDENTIFIER)
    run_id: str = field(metadata=RUN)
    started: str = field(metadata=INSTANT)
    finished: str = field(metadata=INSTANT)
    duration_s: float
    verdict: Verdict
    reason: str
    stamp: Stamp
    environment: dict[str, str]
    parameters: dict[str, str]
    datasets: tuple[DatasetRecord, ...]
    stages: tuple[StageRecord, ...]
    artifacts: tuple[ArtifactRecord, ...]
    guards: tuple[GuardResult, ...]
    metrics: dict[str, float]
    config_sha256: str
    golden_sha256: str | None
    inputs_sha256: str
    previous: str | None = field(metadata=INSIDE)
    quarantine: tuple[QuarantineRecord, ...] = ()
    inputs_meaning: str = "bytes"
    causes: tuple[CauseRecord, ...] = ()
    default_rules: int = 1
    answer: str = ""
    expects: str = ""
    expected_by: str = ""
    runs: int = 1
    members: tuple[MemberRecord, ...] = ()


def encode(value: Any) -> Any:
    """Turn records into what ``json.dumps`` takes."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    return value


def decode(cls: type[T], value: Any, where: str) -> T:
    """Read one record from parsed JSON; unknown, missing or mistyped fields are damage.

    Raises:
        IntegrityError: The value is not what ``cls`` declares; ``where`` names the key path.
    """
    return cast("T", _decode(cls, value, where))


@cache
def _shape(cls: type) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the types of a record's fields by name, and the names that must be there."""
    required = frozenset(
        f.name
        for f in dataclasses.fields(cls)
        # A field with a default came later: records that were sealed without it must be read.
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    )
    return get_type_hints(cls), required


@cache
def _rules(cls: type) -> dict[str, Any]:
    """Return what the values of a record's fields must be, by name; most may be anything."""
    return {f.name: f.metadata for f in dataclasses.fields(cls) if "is" in f.metadata}


def _damage(where: str, found: str, expected: str) -> IntegrityError:
    remedy = "Restore the file from a copy, or run the suite again."
    return IntegrityError(where, found=found, expected=expected, remedy=remedy)


def _decode(kind: Any, value: Any, where: str) -> Any:
    if kind is Any or type(value) is kind:
        return require_text(value, where) if type(value) is str else value
    origin, args = get_origin(kind), get_args(kind)
    if origin in (types.UnionType, Union):
        if value is None and type(None) in args:
            return None
        return _decode(next(a for a in args if a is not type(None)), value, where)
    if origin is tuple:
        _require(value, list, where)
        return tuple(_decode(args[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is dict:
        _require(value, dict, where)
        return {
            require_text(key, where): _decode(args[1], item, f"{where}.{key}")
            for key, item in value.items()
        }
    if dataclasses.is_dataclass(kind):
        return _decode_record(cast("type", kind), value, where)
    if issubclass(kind, enum.Enum):
        return _decode_enum(kind, value, where)
    return _decode_scalar(kind, value, where)


def _decode_record(cls: type, value: Any, where: str) -> Any:
    _require(value, dict, where)
    kinds, required = _shape(cls)
    # An unknown key is damage, not the future: a seal covers it, and a reader would skip it.
    if unknown := sorted(value.keys() - kinds.keys()):
        raise _damage(f"{where}.{unknown[0]}", "an unknown key", f"one of {', '.join(kinds)}")
    if missing := sorted(required - value.keys()):
        raise _damage(f"{where}.{missing[0]}", "nothing", "a value")
    fields = {key: _decode(kinds[key], item, f"{where}.{key}") for key, item in value.items()}
    for key, rule in _rules(cls).items():
        if key in fields and not rule["is"](fields[key]):
            raise _damage(f"{where}.{key}", repr(fields[key])[:80], rule["expected"])
    return cls(**fields)


def _decode_enum(cls: type[enum.Enum], value: Any, where: str) -> enum.Enum:
    for member in cls:
        if member.value == value:
            return member
    choices = ", ".join(str(member.value) for member in cls)
    raise _damage(where, repr(value)[:80], f"one of {choices}")


def _decode_scalar(kind: type, value: Any, where: str) -> Any:
    # JSON has one kind of number, and other writers print 1.0 as 1.
    if kind is float and type(value) is int and abs(value) <= sys.float_info.max:
        return float(value)
    # Not isinstance: to Python True is an int, to a reader it is no count.
    if type(value) is not kind:
        raise _damage(where, f"{type(value).__name__} {value!r}"[:80], kind.__name__)
    return value


def _require(value: Any, kind: type, where: str) -> None:
    if not isinstance(value, kind):
        raise _damage(where, f"{type(value).__name__} {value!r}"[:80], kind.__name__)
