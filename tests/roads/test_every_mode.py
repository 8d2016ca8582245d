"""Every mode trains, leaves a bundle, and reconstructs every point from it, end to end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho_torch import inference, parity
from tests.builders import bundles

# gridsize, modes, loss, overlap: every pair of choices meets in some row.
MODES = [
    (1, 1, "poisson", None),
    (2, 2, "mae", None),
    (3, 2, "poisson", True),
    *(
        pytest.param(*mode, marks=pytest.mark.long)
        for mode in (
            (1, 2, "mae", False),
            (1, 3, "poisson", True),
            (2, 1, "mae", True),
            (2, 2, "poisson", False),
            (3, 1, "poisson", False),
            (3, 3, "mae", None),
        )
    ),
]
SIDES = [
    (64, "cnn"),
    (40, "cnn-lite"),
    *(
        pytest.param(*side, marks=pytest.mark.long)
        for side in ((128, "cnn"), (136, "cnn"), (256, "cnn-lite"))
    ),
]


def walk(folder: Path, recipe: dict[str, Any], *flags: str, **model: Any) -> dict[str, Any]:
    """Simulate, train, check parity, reconstruct; return what the runs recorded."""
    scan = bundles.write_scan(folder, **recipe)
    out, back = folder / "model", folder / "back"
    words = ("--val_split", "0", "--log-patch-stats", *flags)
    assert bundles.train(scan, out, *words, model={"n_filters_scale": 1, **model}) == 0

    verdict = folder / "parity.json"
    places = ["--model_path", str(out), "--data", str(scan), "--output", str(verdict)]
    assert parity.main(places) == 0
    places = ["--model_path", str(out), "--test_data", str(scan), "--output_dir", str(back)]
    assert inference.main([*places, "--accelerator", "cpu", "--quiet"]) == 0

    with np.load(back / "reconstruction.npz") as stored:
        arrays = dict(stored)
    rows = bundles.history(out)
    losses = [float(row["train_loss"]) for row in rows]
    record = json.loads((back / "run.json").read_text())
    return {"arrays": arrays, "losses": losses, "rows": rows, "record": record}


def judge(walked: dict[str, Any], points: int) -> None:
    """The loss fell, every point is covered, every number is finite and none is trivial."""
    assert walked["losses"][-1] < walked["losses"][0]
    arrays = walked["arrays"]
    origin, positions = arrays["origin_xy"], arrays["positions"]
    x, y = np.rint(positions - origin).astype(int).T
    assert len(positions) == points
    assert arrays["mask"][y, x].all()
    assert np.isfinite(arrays["object"]).all()
    assert arrays["object"][arrays["mask"]].std() > 0
    assert walked["record"]["groups"] == points
    assert 0 < walked["record"]["data_residual"] < 2


@pytest.fixture
def _undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the pictures to the sides, which make canvases of other sizes."""
    bundles.leave_undrawn(monkeypatch)


@pytest.mark.slow
@pytest.mark.road
@pytest.mark.parametrize(("gridsize", "modes", "loss", "overlap"), MODES)
@pytest.mark.usefixtures("_undrawn")
def test_mode_goes_all_the_way(
    tmp_path: Path, gridsize: int, modes: int, loss: str, *, overlap: bool | None
) -> None:
    """Each grid size, number of probe modes, loss and overlap choice works to the end."""
    flags = ("--gridsize", str(gridsize), "--torch-loss-mode", loss, "--max_epochs", "3")
    choice = {True: ("--object_big",), False: ("--no-object_big",), None: ()}[overlap]

    walked = walk(tmp_path, {"modes": modes}, *flags, *choice)

    judge(walked, 24)
    assert (walked["rows"][0]["train_deviance"] == "") == (loss == "mae")


@pytest.mark.slow
@pytest.mark.road
@pytest.mark.parametrize(("side", "architecture"), SIDES)
def test_side_goes_all_the_way(tmp_path: Path, side: int, architecture: str) -> None:
    """Each side of a frame works to the end, with both networks."""
    flags = ("--max_epochs", "2", "--n_images", "4", "--batch_size", "2")
    recipe = {"n": side, "n_points": 6}

    walked = walk(tmp_path, recipe, *flags, architecture=architecture)

    judge(walked, 6)
