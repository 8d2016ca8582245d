"""The keys of ``harness.toml``, as the parser asks for them while it reads an example."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from harness.config import config_file
from harness.config.toml_table import Table
from harness.judgement.declaration import load_project
from proofs.docs import regions

PAGE = regions.DOCS / "configuration.md"
TABLES = {
    "": "Top level",
    "gate": "`[gate]`",
    "datasets.*": "`[datasets.<role>]`",
    "suites.*": "`[suites.<name>]`",
    "suites.*.stages[*]": "`[[suites.<name>.stages]]`",
    "suites.*.stages[*].artifacts[*]": "`artifacts` of a stage",
    "suites.*.guards[*]": "`[[suites.<name>.guards]]`",
    "suites.*.quarantine[*]": "`[[suites.<name>.quarantine]]`",
}
_KINDS = {
    "text": "string",
    "texts": "list of strings",
    "strings": "table of strings",
    "tables": "array of tables",
    "named": "table of tables",
}
_ASKED_WHERE_GIVEN = ("extends",)
_PLAIN = {
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "list of strings",
    dt.date: "date",
}
MEANING = {
    ("", "schema"): "Version of this file's layout.",
    ("", "name"): "Name of the project, shown in reports.",
    ("", "policies"): "Text of each policy by id; a guard may name the ids.",
    ("", "trusted_keys"): "Ed25519 keys that may sign ledger checkpoints.",
    ("", "gate"): "Who may waive a weaker rule, see below.",
    ("gate", "signers"): "Keys whose waivers count; `trusted_keys` where it is left out.",
    ("gate", "unsigned_waivers"): "Whether a waiver that nobody signed counts.",
    ("", "datasets"): "Datasets by role, see below.",
    ("", "suites"): "Suites by name, see below.",
    ("", "hubs"): "Folder of the hub store and of the ledger.",
    ("", "golden"): "Folder of the goldens, one sub-folder per suite.",
    (
        "",
        "work",
    ): "Scratch, caches, calibrations, external artifacts; not for git.",
    (
        "datasets.*",
        "generate",
    ): "Writes the dataset to `{output}` when no file is given.",
    ("datasets.*", "inputs"): "Globs of the files that make it; a change makes it anew.",
    ("datasets.*", "file"): "Name of the generated file; its ending says its format.",
    ("suites.*", "extends"): "Suite to inherit from, see [Inheritance](#inheritance).",
    ("suites.*", "without"): "Ids of inherited stages and guards to leave out.",
    ("suites.*", "description"): "One sentence; may be left out where it is inherited.",
    ("suites.*", "inputs"): "Globs of the files whose change makes a hub stale.",
    (
        "suites.*",
        "parameters",
    ): "Values for `{name}`; `--set name=value` changes one.",
    ("suites.*", "datasets"): "Roles that the suite uses, in order.",
    ("suites.*", "environment"): "Variables of the environment that a hub records.",
    ("suites.*", "max_age_days"): "Age at which a hub is stale whatever else holds.",
    (
        "suites.*",
        "requires",
    ): "Module and the command that installs it; without it the suite is inconclusive.",
    ("suites.*", "goldens_of"): "Suite whose goldens judge this one; without it, its own.",
    ("suites.*", "stages"): "Stages, see below.",
    ("suites.*", "guards"): "Guards, see below.",
    ("suites.*", "matrix"): "Matrices by name, see [Matrices](#matrices).",
    ("suites.*", "quarantine"): "What is known to be flaky, see below; never inherited.",
    ("suites.*.stages[*]", "id"): "Name of the stage, unique in the suite.",
    ("suites.*.stages[*]", "kind"): "`pytest` or `command`.",
    ("suites.*.stages[*]", "argv"): "`command`: the argument vector. No shell is involved.",
    ("suites.*.stages[*]", "selectors"): "`pytest`: files, folders or node ids.",
    ("suites.*.stages[*]", "min_tests"): "`pytest`: tests that must have passed, at least 1.",
    ("suites.*.stages[*]", "min_collected"): (
        "`pytest`: tests that must be there, skipped ones included, at least 1. Set to their "
        "number, it tells of each that goes away."
    ),
    (
        "suites.*.stages[*]",
        "needs",
    ): "Stages that must pass first, or this one is skipped.",
    ("suites.*.stages[*]", "timeout_s"): "Seconds until TERM, then KILL.",
    ("suites.*.stages[*]", "artifacts"): "Files that the stage promises, see below.",
    ("suites.*.stages[*]", "retries"): "Further attempts of a stage that failed, at most 5.",
    (
        "suites.*.stages[*]",
        "test_retries",
    ): "`pytest`: further attempts of a test that failed, at most 5.",
    (
        "suites.*.stages[*]",
        "test_timeout_s",
    ): "`pytest`: seconds for set-up, call and tear-down of a test, each.",
    ("suites.*.stages[*].artifacts[*]", "id"): "Name that guards use.",
    ("suites.*.stages[*].artifacts[*]", "path"): "Path below `{work}`.",
    (
        "suites.*.stages[*].artifacts[*]",
        "external",
    ): "Stays outside the hub; digest, size and path are recorded.",
    ("suites.*.stages[*].artifacts[*]", "optional"): "May be absent; otherwise absence is red.",
    ("suites.*.guards[*]", "id"): "Name of the guard, unique in the suite.",
    (
        "suites.*.guards[*]",
        "kind",
    ): "Its own keys are in [Guards](guards.md).",
    (
        "suites.*.guards[*]",
        "severity",
    ): "`fail`, or `warn`: said, no part of the verdict.",
    ("suites.*.guards[*]", "policies"): "Policy ids that the guard enforces.",
    ("suites.*.guards[*]", "remedy"): "What to look at when it is red; goes into the blocker.",
    (
        "suites.*.quarantine[*]",
        "test",
    ): "Id of a test, class, file or folder. One of these three.",
    ("suites.*.quarantine[*]", "stage"): "Id of a stage.",
    ("suites.*.quarantine[*]", "guard"): "Id of a guard.",
    ("suites.*.quarantine[*]", "owner"): "Who repairs it.",
    ("suites.*.quarantine[*]", "reason"): "Why it is not counted.",
    ("suites.*.quarantine[*]", "expires"): "Last day on which it holds, at most 90 days ahead.",
    ("suites.*.quarantine[*]", "clean_runs"): "Clean runs in a row that lift it before.",
}


def example() -> str:
    """Return the first complete declaration on the page."""
    blocks = re.findall(r"```toml\n(schema = .*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return str(blocks[0])


def keys(folder: Path) -> dict[tuple[str, str], tuple[str, Any, bool]]:
    """Read the example and return what was asked for: type, default and whether required."""
    (folder / config_file.FILE).write_text(example(), "utf-8")
    with _recording() as asked:
        load_project(folder)
    return asked


@contextmanager
def _recording() -> Iterator[dict[tuple[str, str], tuple[str, Any, bool]]]:
    asked: dict[tuple[str, str], tuple[str, Any, bool]] = {}

    def watch(name: str) -> Callable[..., Any]:
        original = getattr(Table, name)

        def call(self: Table, key: str, *args: Any, **more: Any) -> Any:
            kind = _KINDS.get(name) or _PLAIN.get(args[0], "table")
            given = args[0 if name in _KINDS else 1 :]
            default = given[0] if given else more.get("default")
            where = _shape(self.path)
            # A key that is only asked for where it stands can be left out.
            required = more.get("required", False) and key not in _ASKED_WHERE_GIVEN
            if where in TABLES:
                asked.setdefault((where, key), (kind, default, required))
            return original(self, key, *args, **more)

        return call

    with mock.patch.multiple(Table, **{name: watch(name) for name in (*_KINDS, "take")}):
        yield asked


def _shape(path: str) -> str:
    path = re.sub(r"\[\d+\]", "[*]", path)
    return re.sub(r"^(suites|datasets)\.[^.\[]+", r"\1.*", path)


def tables(folder: Path) -> str:
    """Write one table per TOML table: key, type, default, meaning.

    Raises:
        KeyError: The parser knows a key that has no meaning here.
    """
    asked = keys(folder)
    parts = []
    for where, title in TABLES.items():
        rows = [
            (f"`{key}`", kind, _shown(default, required=required), MEANING[where, key])
            for (at, key), (kind, default, required) in sorted(asked.items(), key=_order)
            if at == where
        ]
        parts.append(
            f"### {title}\n\n" + regions.table(("key", "type", "default", "meaning"), rows)
        )
    return "\n".join(parts)


def _order(item: tuple[tuple[str, str], Any]) -> int:
    return list(MEANING).index(item[0])


def _shown(default: Any, *, required: bool) -> str:
    if required:
        return "required"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, int | float):
        return f"`{default:g}`"
    text = str(default or "").replace("train.npz", "<role>.npz")
    return f'`"{text}"`' if text else "—"
