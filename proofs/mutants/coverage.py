"""Which tests judge which module, the nearest first: the first that fails kills a mutant."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
_GUARDS = "tests/harness/judgement/guards/test_"
_VERIFY = "tests/harness/judgement/verify"
_LEDGER = "tests/harness/evidence/ledger/test_"
_REGISTRY, _READERS = f"{_GUARDS}registry.py", f"{_GUARDS}readers.py"
_EDGES, _PARTS = f"{_GUARDS}small_edges.py", f"{_GUARDS}small_parts.py"
_METRICS = (f"{_GUARDS}metrics.py", f"{_GUARDS}missing_metrics.py", f"{_GUARDS}log_metrics.py")

# Patterns of modules in order; the first that fits says which tests are run, after the module's
# own. Few on purpose: what only a distant test would notice counts as alive.
TESTS: Mapping[str, tuple[str, ...]] = {
    "harness/judgement/guards/readers/*": (
        f"{_GUARDS}reader_edges.py",
        _READERS,
        f"{_GUARDS}metric_formats.py",
        *_METRICS,
    ),
    "harness/judgement/guards/count.py": (f"{_GUARDS}counts_and_tiles.py", _REGISTRY),
    "harness/judgement/guards/images.py": (f"{_GUARDS}counts_and_tiles.py",),
    "harness/judgement/guards/png.py": (f"{_GUARDS}images.py",),
    "harness/judgement/guards/patterns.py": (
        _EDGES,
        f"{_GUARDS}logs.py",
        "tests/outside/test_text_cut_or_merged.py",
    ),
    "harness/judgement/guards/logs.py": (
        _EDGES,
        "tests/outside/test_text_cut_or_merged.py",
    ),
    "harness/judgement/guards/metrics.py": (_EDGES, *_METRICS, _READERS, _REGISTRY),
    "harness/judgement/guards/aggregates.py": _METRICS,
    "harness/judgement/guards/defaults.py": (_EDGES, _REGISTRY, _READERS, *_METRICS),
    "harness/judgement/guards/golden.py": (
        "tests/harness/judgement/golden/test_classes.py",
        "tests/harness/judgement/golden/test_store.py",
        _EDGES,
        _REGISTRY,
    ),
    "harness/judgement/guards/remedies.py": (
        _EDGES,
        f"{_VERIFY}/test_red_today.py",
        _REGISTRY,
    ),
    **{
        f"harness/judgement/guards/{name}.py": (f"{_GUARDS}fingerprint.py",)
        for name in ("fingerprint", "numbers", "answers")
    },
    "harness/judgement/guards/*": (_EDGES, _PARTS, _REGISTRY, *_METRICS),
    "harness/judgement/verify/starting.py": (
        "tests/harness/evidence/hub/test_starts.py",
        _VERIFY,
    ),
    "harness/judgement/verify/*": (_VERIFY, _PARTS),
    **{
        f"harness/judgement/golden/{name}.py": (f"{_GUARDS}fingerprint.py",)
        for name in ("fingerprint", "ensemble")
    },
    "harness/judgement/golden/*": (_PARTS, _REGISTRY),
    "harness/judgement/freshness.py": ("tests/harness/judgement/test_acceptance.py",),
    "harness/judgement/quarantine.py": (
        "tests/harness/judgement/test_quarantine_states.py",
        "tests/harness/judgement/test_flaky_names.py",
    ),
    "harness/evidence/ledger/keys.py": (f"{_LEDGER}edges.py", f"{_LEDGER}checkpoint.py"),
    "harness/evidence/ledger/merge.py": (f"{_LEDGER}edges.py", f"{_LEDGER}history.py"),
    "harness/evidence/ledger/*": (f"{_LEDGER}log.py", f"{_LEDGER}edges.py", _PARTS),
    "ptycho_torch/physics/*": (),
}


def tests_of(module: str) -> tuple[str, ...]:
    """Return the tests of a module.

    Raises:
        KeyError: No pattern fits.
    """
    for pattern, tests in TESTS.items():
        if fnmatchcase(module, pattern):
            mirror = PurePosixPath("tests", module)
            own = str(mirror.with_name(f"test_{mirror.name}"))
            first = (own,) if (ROOT / own).is_file() else ()
            return tuple(dict.fromkeys((*first, *tests)))
    raise KeyError(module)
