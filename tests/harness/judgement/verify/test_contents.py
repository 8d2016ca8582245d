"""The files of a hub against its manifest, and the record against both."""

from __future__ import annotations

from dataclasses import replace

from harness.evidence.hub import inventory
from harness.evidence.hub.store import read_record
from harness.judgement.verify import contents
from harness.judgement.verify.report import Outcome
from tests.builders import sealed
from tests.builders.sealed import Store

STATS, ROWS = "analysis/measure/stats.json", "analysis/measure/rows.csv"


def test_whole_hub_is_one_row(store: Store) -> None:
    """How many files and bytes; how many were read where not all were."""
    listed = inventory.read_manifest(store.hub)
    # The manifest is no file that it lists, but one that is read.
    sizes = [(store.hub / name).stat().st_size for name in (*listed, inventory.MANIFEST)]
    seen: list[int] = []

    (row,) = contents.check(store.hub, read_record(store.hub), done=seen.append)
    (sample,) = contents.check(store.hub, fraction=1e-9)

    assert row.outcome is Outcome.PASSED
    assert row.found == f"{len(listed)} files, {sum(sizes)} bytes"
    assert sorted(seen) == sorted(sizes[:-1])
    assert sample.found.startswith(f"{row.found}; ")
    assert sample.found.endswith(" of them read")


def test_remedy_fits_the_damage(store: Store) -> None:
    """Restore what changed, remove what is not listed, and mend what git rewrote."""
    path = store.hub / ROWS
    sealed.write(path, path.read_bytes().replace(b"\n", b"\r\n"))
    sealed.write(store.hub / STATS, b"{}")
    (store.hub / "extra").write_text("")

    rows = {row.found.partition(":")[0]: row for row in contents.check(store.hub)}

    assert {row.outcome for row in rows.values()} == {Outcome.DAMAGED}
    assert rows[ROWS].remedy == inventory.LINE_ENDS
    assert rows[STATS].remedy.startswith("Restore the file")
    assert rows["extra"].remedy.startswith("Remove what is not listed")


def test_record_and_manifest_name_the_same_bytes(store: Store) -> None:
    """Another digest, a file that is not listed, and outside artifacts, which are not."""
    record = read_record(store.hub)
    assert not contents._check_listed(record, inventory.read_manifest(store.hub))

    first, *others = record.artifacts
    for digest in ("0" * 64, "f" * 64):
        bent = replace(record, artifacts=(replace(first, sha256=digest), *others))
        (row,) = contents.check(store.hub, bent)[1:]
        assert row.found == f"{first.path}: recorded as {digest[:12]}…"
        assert row.expected == f"{first.sha256[:12]}… as in the manifest"
        outside = replace(first, sha256=digest, external=True)
        assert len(contents.check(store.hub, replace(record, artifacts=(outside,)))) == 1
    stage = replace(record.stages[0], log="cli/none.log")
    (row,) = contents.check(store.hub, replace(record, stages=(stage,)))[1:]
    assert row.found == "cli/none.log: not in the manifest"


def test_files_that_were_judged_are_all_read(store: Store) -> None:
    """One row for all that are whole; what is changed or not listed is named."""
    (whole,) = contents.check_read(store.hub, [STATS, ROWS])
    assert (whole.outcome, whole.found) == (Outcome.PASSED, "2 files judged, all read")

    (store.hub / "new").write_text("x")
    sealed.write(store.hub / STATS, b"{}")
    rows = contents.check_read(store.hub, [STATS, ROWS, "new", "../x"])

    assert [row.outcome for row in rows] == [Outcome.DAMAGED] * 3
    assert [row.expected for row in rows[1:]] == [
        f"{inventory.read_manifest(store.hub)[STATS][:12]}…",
        "nothing…",
    ]
    (store.hub / inventory.MANIFEST).unlink()
    assert contents.check_read(store.hub, [STATS])[0].outcome is Outcome.DAMAGED
