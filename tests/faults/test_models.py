"""The table of models that travel: every row was counted, held, and its tests exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from proofs.models import __main__ as program
from proofs.models import table


def test_every_claim_was_counted_and_held() -> None:
    """No row is missing, and none was written with something that did not hold."""
    counts = table.read()

    assert list(counts) == list(table.CLAIMS)
    assert {name for name, count in counts.items() if count.held != count.tried} == set()
    assert min(count.tried for count in counts.values()) > 0


@pytest.mark.parametrize("name", table.CLAIMS)
def test_the_tests_of_a_claim_exist(name: str) -> None:
    """A test that was renamed would leave a row that nobody can count again."""
    for node in table.CLAIMS[name].tests:
        path, _, function = node.partition("::")
        text = (table.ROOT / path).read_text("utf-8")
        assert re.search(rf"^def {re.escape(function.partition('[')[0])}", text, re.MULTILINE)


def test_a_skipped_test_counts_nothing(tmp_path: Path) -> None:
    """What a machine cannot run is no proof: the row is refused, not written smaller."""
    path = tmp_path / "test_row.py"
    path.write_text("import pytest\ndef test_a(): pytest.skip('no Go')\ndef test_b(): pass\n")
    claim = table.Claim(tried="", promised="", tests=(str(path),))

    with pytest.raises(program.click.ClickException) as caught:
        program.run(claim)

    assert "no Go" in caught.value.message
