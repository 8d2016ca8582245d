"""The campaigns in the order of the table."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from proofs.faults import crowds, damage, hostility, parsers, roads, stops, trees
from proofs.faults.figures import Campaign, Runner, Scale

CAMPAIGNS: Mapping[str, Runner] = {
    "flips": damage.flips,
    "truncations": damage.truncations,
    "structures": damage.structures,
    "calls": roads.calls,
    "kills-at-calls": roads.kills_at_calls,
    "kills-at-random": roads.kills_at_random,
    "stops-at-random": stops.stops_at_random,
    "appends": crowds.appends,
    "malicious-hubs": hostility.hubs,
    "hostile-words": hostility.words,
    "merkle": trees.campaign,
    "parsers": parsers.campaign,
}
# Which rows take long, so that they begin first: seconds on one core.
WEIGHTS: Mapping[str, float] = {
    "calls": 500,
    "kills-at-random": 400,
    "flips": 250,
    "parsers": 200,
    "stops-at-random": 130,
    "kills-at-calls": 120,
}


def run(name: str, folder: Path, scale: Scale) -> Campaign:
    """Run one campaign in a folder of its own and note how long it took."""
    place = folder / name
    place.mkdir(parents=True)
    began = time.monotonic()
    made = CAMPAIGNS[name](place, scale)
    made.seconds = time.monotonic() - began
    return made
