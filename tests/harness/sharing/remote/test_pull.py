"""What a listed hub may be, before a byte of it is fetched."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import IntegrityError
from harness.evidence.hub import comparison, inventory
from harness.sharing.remote import pull

SHAPES = [
    (["a", "b/c", "b/d"], True),
    (["a", "b/c", "b/d", "e"], False),  # more than a hub may hold
    (["a", "a/b"], False),
    (["a/b", "a/b/c/d"], False),
    (["a", "ab/c"], True),
    ([], True),
]


@pytest.mark.parametrize(("names", "is_hub"), SHAPES)
def test_a_list_is_of_so_many_files_of_which_none_lies_below_another(
    monkeypatch: pytest.MonkeyPatch, names: list[str], *, is_hub: bool
) -> None:
    """The largest number of files is still a hub."""
    monkeypatch.setattr(inventory, "FILE_LIMIT", 3)
    listed = dict.fromkeys(names, "0" * 64)
    if is_hub:
        pull._refuse_shapes(listed)
    else:
        with pytest.raises(IntegrityError):
            pull._refuse_shapes(listed)


LIMIT = comparison.SIZE_LIMIT
SIZES = [
    ({"a": 3}, True),
    ({"a": 0}, True),
    ({"a": 3, "more": LIMIT + 1}, True),  # which nobody fetches
    ({"a": LIMIT + 1}, False),
    ({"a": -1}, False),
    ({}, False),
]


@pytest.mark.parametrize(("sizes", "is_hub"), SIZES)
def test_each_file_has_a_size_that_a_hub_may_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sizes: dict[str, int], *, is_hub: bool
) -> None:
    """As the inventory says it."""
    monkeypatch.setattr(inventory, "read_sizes", lambda _: sizes)
    if is_hub:
        assert pull._sizes(tmp_path, {"a": "0" * 64})["a"] == sizes["a"]
    else:
        with pytest.raises(IntegrityError):
            pull._sizes(tmp_path, {"a": "0" * 64})
