"""A comment edited in the physics leaves all suites fresh; a line of code makes them stale."""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.judgement import freshness
from harness.judgement.declaration import load_project
from tests.builders import hubs

ROOT = Path(__file__).parents[2]
EDITED = "ptycho_torch/physics/probe.py"


def test_a_comment_in_the_physics_changes_no_suite(tmp_path: Path) -> None:
    """Held to this repository's own declaration, with every suite that looks at the file."""
    for name in hubs.git(ROOT, "ls-files").splitlines():
        if not name.startswith(("hubs/", "docs/", "harness/")) and (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    project = load_project(tmp_path)
    source = (tmp_path / EDITED).read_text("utf-8")

    def take() -> dict[str, dict[str, str]]:
        cache = freshness.cache_of(project)
        return {
            name: freshness.digests_now(project, suite, cache)
            for name, suite in project.suites.items()
        }

    before = take()
    (tmp_path / EDITED).write_text(
        f"# Another thought.\n{source}\n\n# And one more.\n", "utf-8"
    )
    with_comment = take()
    (tmp_path / EDITED).write_text(f"{source}\nANOTHER = 1\n", "utf-8")
    with_code = take()

    looking = {name for name, digests in before.items() if EDITED in digests}
    assert len(looking) >= 7
    assert with_comment == before
    for name in looking:
        changed = {p for p, d in with_code[name].items() if d != before[name].get(p)}
        assert changed == {EDITED}


def test_a_changed_line_is_named(tmp_path: Path) -> None:
    """The cause says which file; the comment before it said nothing."""
    project = hubs.project(tmp_path, tiny=hubs.suite())
    outcome = hubs.run(project)
    suite, model = project.suites["tiny"], tmp_path / "source/model.py"

    def look() -> freshness.Freshness:
        moment = freshness.now(project, suite)
        cache = freshness.cache_of(project)
        return freshness.check(project, outcome.hub, outcome.record, moment, cache)

    source = model.read_text()
    model.write_text(f"{source}# only words\n")
    assert look().is_fresh
    model.write_text(f"{source}OTHER = 2\n")
    (cause,) = look().causes
    assert (cause.kind, cause.items) == ("source", ("source/model.py",))
