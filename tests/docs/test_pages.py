"""The pages agree with the code, and with each other."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest

from harness.config import keys
from harness.judgement.golden import tolerance
from harness.judgement.guards import defaults, metrics, registry
from harness.verdict import Verdict
from proofs.docs import (
    changelog,
    configuration,
    exit_codes,
    guards,
    page_text,
    pages,
    regions,
    schema,
)
from tests.builders import declarations

PLACES = re.compile(r"(?<![\w.<])(/(?:home|root|work|opt|usr|var|Users|tmp/tut)/[\w.-]+)")

RECORDS = tuple(configuration.TABLES.values())


@pytest.mark.parametrize(
    "page",
    # The Python names need Lightning, which takes its time to import.
    [pytest.param(p, marks=pytest.mark.slow) if p == "api.md" else p for p in pages.REGIONS],
)
def test_reference_is_what_the_code_says(page: str) -> None:
    """A generated region is what its writer writes; renew it with python -m proofs.docs."""
    text = (regions.DOCS / page).read_text("utf-8")
    writers = pages.REGIONS[page]

    assert sorted(regions.names(text)) == sorted(writers)
    assert regions.renewed(text, {name: write() for name, write in writers.items()}) == text


def test_a_region_that_differs_is_renewed() -> None:
    """The writer replaces what stands in a region, and nothing else."""
    text = "a\n<!-- begin: x -->\n\nold\n\n<!-- end: x -->\nb\n"

    assert regions.renewed(text, {"x": "new\n"}) == text.replace("old", "new")


def test_schema_is_what_the_declarations_say() -> None:
    """The schema for editors is the one of the declared keys, and valid itself."""
    assert schema.PATH.read_text("utf-8") == schema.text()
    jsonschema.Draft7Validator.check_schema(schema.schema())


def test_every_declared_key_is_documented() -> None:
    """The page has a row for each key that is declared, and for no other."""
    declared = [(record, one.name) for record in RECORDS for one in keys.keys_of(record)]
    text = configuration.tables()

    assert {record.__name__ for record in RECORDS} | {
        guard.options.__name__ for guard in registry.built_in().values()
    } == {record for record, _ in declarations.every_key()}
    assert len(re.findall(r"^\| `", text, re.MULTILINE)) == len(declared)
    assert all(f"| `{name}` |" in text for _, name in declared)


def test_every_documented_option_exists() -> None:
    """Each option of each kind, each aggregate and each rule is described."""
    text = guards.kinds()

    for guard in registry.built_in().values():
        assert all(f"| `{one.name}` |" in text for one in keys.keys_of(guard.options))
    assert all(f"| `{name}` |" in guards.aggregates() for name in metrics.AGGREGATE_NAMES)
    assert all(f"| `{name}` |" in guards.rules() for name in defaults.RULES)


def test_exit_codes_of_verdicts_are_the_documented_ones() -> None:
    """The words for 0, 1 and 3 begin with the verdict they stand for."""
    assert set(exit_codes.VERDICTS) == set(Verdict)
    for verdict, code in exit_codes.VERDICTS.items():
        assert exit_codes.HARNESS[code].startswith(verdict.value)


@pytest.mark.parametrize("page", page_text.PAGES, ids=page_text.name)
def test_blocks_of_data_can_be_read(page: Path) -> None:
    """Every TOML and JSON block is valid."""
    text = page.read_text("utf-8")
    blocks = re.findall(r"^ *```(toml|json)\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    for language, body in blocks:
        plain = re.sub(r"^ {4}", "", body, flags=re.MULTILINE)
        {"toml": tomllib.loads, "json": json.loads}[language](plain)


@pytest.mark.parametrize("page", page_text.PAGES, ids=page_text.name)
def test_pages_name_no_place_of_a_machine(page: Path) -> None:
    """Outputs are shown without the folders of the machine that made them."""
    assert PLACES.findall(page.read_text("utf-8")) == []


def test_metric_examples_can_be_read() -> None:
    """Each example of a path on the guards page is one that the guards accept."""
    text = (regions.DOCS / "guards.md").read_text("utf-8")
    table = text[text.index("| part | selects") : text.index("`@stages:")]
    examples = re.findall(r"\| `([\w-]+:[^`]+)` \|", table)

    assert len(examples) == table.count("\n| `")
    for example in examples:
        metrics.parse(example)


def test_every_dependency_has_a_reason() -> None:
    """Each package that a pyproject.toml names is on the page of dependencies, and locked."""
    wanted = []
    for folder in (page_text.ROOT, page_text.ROOT / "packaging" / "ptycho-torch"):
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
        extras = project["optional-dependencies"].values()
        wanted += [*project["dependencies"], *(text for extra in extras for text in extra)]
    names = {re.split(r"[<>=!\[ ]", text)[0].lower() for text in wanted}
    page = (regions.DOCS / "dependencies.md").read_text("utf-8").lower()
    lock = (page_text.ROOT / "requirements.lock").read_text("utf-8").lower().replace("_", "-")

    assert sorted(name for name in names if name not in page) == []
    assert sorted(name for name in names if f"\n{name}==" not in lock) == []


def test_printed_tolerance_factors_are_those_in_use() -> None:
    """The table of factors is what the goldens are made with, to the digits printed."""
    text = (regions.DOCS / "explanation" / "golden-statistics.md").read_text("utf-8")
    counts, factors = (
        [float(cell) for cell in row.split("|")[2:-1]]
        for row in re.findall(r"^\| (?:n|k, two-sided[^|]*) \|.*$", text, re.MULTILINE)
    )

    for n, factor in zip(counts, factors, strict=True):
        assert abs(tolerance.two_sided(int(n), 0.95, 0.95) - factor) < 0.006


def test_fragments_have_a_number_and_a_kind() -> None:
    """Every file of changelog.d can be gathered."""
    kinds = changelog.fragments(changelog.ROOT / "changelog.d").values()

    assert set(kinds) <= set(changelog.KINDS)


def test_fragments_are_gathered_above_the_last_release(tmp_path: Path) -> None:
    """A release begins with what was added; older releases stay below."""
    (tmp_path / "12.fixed.md").write_text("Mended\nit.\n")
    (tmp_path / "7.added.md").write_text("Made it.\n")

    new = changelog.section(tmp_path, "1.0", "2030-01-02")
    text = changelog.gathered("# Changelog\n\nHead.\n\n## 0.1 (then)\n\n- x\n", new)

    assert text == (
        "# Changelog\n\nHead.\n\n## 1.0 (2030-01-02)\n\n### Added\n\n- Made it.\n\n"
        "### Fixed\n\n- Mended it.\n\n## 0.1 (then)\n\n- x\n"
    )


def test_a_fragment_of_no_kind_is_refused(tmp_path: Path) -> None:
    """A name that says no kind of change is an error that names the file."""
    (tmp_path / "12.improved.md").write_text("It is better.\n")

    with pytest.raises(ValueError, match=r"12\.improved\.md"):
        changelog.section(tmp_path, "1.0", "2030-01-02")
