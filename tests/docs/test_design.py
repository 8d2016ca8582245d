"""Every citation of the design leads to a section of a page in this repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_CITATION = re.compile(
    r"[Dd]esign of the (harness|model),\s+sections?\s+([0-9., and to]+)", re.DOTALL
)
_BARE = re.compile(r"\(section (\d+(?:\.\d+)?)\)")


def _sections(page: str) -> set[str]:
    text = (ROOT / "docs/design" / f"{page}.md").read_text("utf-8")
    return set(re.findall(r"^#{2,3} (\d+(?:\.\d+)?)[. ]", text, re.MULTILINE))


def _sources() -> list[Path]:
    folders = ("harness", "ptycho_torch", "tests", "proofs", "benchmarks")
    return sorted(p for name in folders for p in (ROOT / name).rglob("*.py"))


def _cited(text: str) -> list[tuple[str, str]]:
    plain = re.sub(r"\s*\n\s*#?\s*", " ", text)
    return [
        (page, number)
        for page, numbers in _CITATION.findall(plain)
        for number in re.findall(r"\d+(?:\.\d+)?", numbers)
    ]


def test_citations_lead_somewhere() -> None:
    """A section that is cited stands on its page."""
    known = {page: _sections(page) for page in ("harness", "model")}
    dead = [
        f"{path.relative_to(ROOT)}: {page} {number}"
        for path in _sources()
        for page, number in _cited(path.read_text("utf-8"))
        if number not in known[page]
    ]

    assert dead == []


def test_sections_of_the_oracle_lead_somewhere() -> None:
    """The oracle cites bare numbers, which are those of the model's page."""
    text = (ROOT / "ptycho_torch/oracle.py").read_text("utf-8")

    assert set(_BARE.findall(text)) <= _sections("model")
    assert len(_BARE.findall(text)) >= 5


def test_the_code_cites_the_design() -> None:
    """The check has something to look at, in both packages."""
    cited = [one for path in _sources() for one in _cited(path.read_text("utf-8"))]

    assert len(cited) >= 50
    assert {page for page, _ in cited} == {"harness", "model"}


@pytest.mark.parametrize("numbers", [" 99.", "s 2 and 44", "s 5.1,\n    # 7.9 and 3"])
def test_a_dead_citation_is_seen(numbers: str) -> None:
    """A number that no page has is what the check is for, also on the next line."""
    cited = _cited(f"Design of the model, section{numbers}")

    assert any(number not in _sections(page) for page, number in cited)
