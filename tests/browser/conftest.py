"""One Chromium for all tests here, and the pages that they open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.hub.store import HubStore
from harness.judgement.verify import verify
from harness.reporting import html
from harness.reporting.website import build
from harness.verdict import Verdict
from proofs.browser import chromium
from tests.builders import reports, stores

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"
RUNS = 70


@pytest.fixture(scope="session")
def running() -> Iterator[Any]:
    """Chromium, started once; the tests are skipped where it cannot be."""
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if chromium.program() is None:
        pytest.skip("chromium is not installed")
    with chromium.browser() as started:
        yield started


@pytest.fixture(scope="session")
def green(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a green hub."""
    return _page(tmp_path_factory.mktemp("green"), reports.record())


@pytest.fixture(scope="session")
def red(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a red hub."""
    return _page(tmp_path_factory.mktemp("red"), reports.red_record())


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of several suites, verdicts and environments."""
    folder = tmp_path_factory.mktemp("site")
    stores.fill(folder / "hubs", RUNS)
    store, judge = HubStore(folder / "hubs", folder / "work"), partial(verify, None)
    build.build("project", store, folder / "out", "", judge)
    return folder / "out"


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of one red hub whose every text is markup or script."""
    folder = tmp_path_factory.mktemp("hostile")
    base = reports.red_record()
    guard = replace(
        reports.guard(HOSTILE, Verdict.RED), reason=HOSTILE, remedy=HOSTILE, metric=HOSTILE
    )
    record = replace(
        base,
        reason=HOSTILE,
        guards=(guard,),
        stages=(reports.stage("train", 0, reason=HOSTILE, argv=(HOSTILE,)),),
        stamp=replace(base.stamp, branch=HOSTILE),
        environment={"device": HOSTILE},
        parameters={HOSTILE: HOSTILE},
        metrics={HOSTILE: 1.0},
    )
    later = replace(record, run_id="20260103T030405Z-a1b2c3", metrics={HOSTILE: 2.0})
    for made in (record, later):
        hub = reports.write(folder / "hubs", made)
        (hub / "cli" / "train.log").write_text(f"{HOSTILE}\n\x1b[2J</pre></script>\n")
        hostile_cause = replace(
            reports.cause(),
            title="hostile",
            issue=HOSTILE,
            excerpt=f"{HOSTILE}\n# {HOSTILE}",
            fix=HOSTILE,
        )
        reports.block(hub, made, hostile_cause)
    store = HubStore(folder / "hubs", folder / "work")
    build.build(HOSTILE, store, folder / "out")
    return folder / "out"


def _page(folder: Path, record: Any) -> Path:
    hub = reports.write(folder / "hubs", record)
    (hub / "report.html").write_text(html.render(hub))
    (hub / "manifest-sha256.txt").write_text("")
    return hub / "report.html"
