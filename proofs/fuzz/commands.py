"""The commands that read, and what each may end with."""

from __future__ import annotations

from collections.abc import Mapping

from proofs.fuzz.place import Place

MADE = "made"
# Every way of ending that is documented; 6 is a bug of ours.
DOCUMENTED = frozenset({0, 1, 2, 3, 4, 5, 10, 11})


def table(place: Place) -> Mapping[str, tuple[str, ...]]:
    """Return the words of each reading command; what they write goes below ``made``."""
    root = str(place.root)
    out = f"{root}/{MADE}"
    green, red = place.green, place.red
    weights = f"{root}/.harness/runs/{green}/measure/weights.bin"
    commands: dict[str, tuple[str, ...]] = {
        "status": ("status",),
        "status --check": ("status", "--check", "--json"),
        "verify": ("verify", "--hub", green),
        "verify --hub FOLDER": ("verify", "--hub", f"{root}/hubs/tiny/{red}", "--json"),
        "verify --base": ("verify", "latest", "--base", "HEAD~1", "--allow-stale"),
        "verify --all": ("verify", "--all"),
        "verify --sample": ("verify", "--all", "--sample", "30%"),
        "gate": ("gate", "--base", "HEAD~2", "--hub", green, "--tests", "hub"),
        "diff": ("diff", "--json"),
        "diff --maps": ("diff", green, red, "--maps", f"{out}/maps"),
        "diff golden": ("diff", "golden", green),
        "explain": ("explain", red),
        "explain --output": ("explain", "tiny", "--output", f"{out}/why.html"),
        "find": ("find", weights),
        "find DIGEST": ("find", "sha256:" + "0" * 64, "--json"),
        "blockers list": ("blockers", "list", "--all"),
        "blockers show": ("blockers", "show", place.blocker),
        "golden show": ("golden", "show", "tiny"),
        "golden explain": ("golden", "explain", "tiny", "stats:variance"),
        "ledger log": ("ledger", "log"),
        "ledger verify": ("ledger", "verify"),
        "ledger proof": ("ledger", "proof", f"tiny/{green}"),
        "report html": ("report", "--hub", green, "-o", f"{out}/report.html"),
        "report md": ("report", "--hub", red, "--format", "md", "--base", "HEAD~1"),
        "report junit": ("report", "--hub", red, "--format", "junit"),
        "report sarif": ("report", "--hub", red, "--format", "sarif"),
        "report github": ("report", "--hub", red, "--format", "github"),
        "report summary": ("report", "--hub", red, "--format", "summary"),
        "report text": ("report", "--hub", green, "--format", "text"),
        "report --site": ("report", "--site", f"{out}/site"),
        "export bagit": ("export", "--hub", green, "--format", "bagit", "-o", f"{out}/bag"),
        "export ro-crate": (
            "export",
            "--hub",
            red,
            "--format",
            "ro-crate",
            "-o",
            f"{out}/crate",
        ),
        "export in-toto": (
            "export",
            "--hub",
            red,
            "--format",
            "in-toto",
            "-o",
            f"{out}/a.jsonl",
        ),
        "gc": ("gc",),
        "doctor": ("doctor",),
        "store push": ("store", "push", f"file://{out}/bucket"),
        "store pull": ("store", "pull", f"file://{root}/bucket"),
        "publish": ("publish", "--all-suites"),
    }
    return {name: ("-C", root, *words) for name, words in commands.items()}
