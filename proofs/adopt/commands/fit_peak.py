"""A peak of lmfit's own example data, fitted under seeded noise → its parameters."""

import argparse
import json
import pathlib

import numpy as np
from lmfit.models import GaussianModel

parser = argparse.ArgumentParser()
parser.add_argument("--output")
parser.add_argument("--seed", type=int)
flags = parser.parse_args()
x, y = np.loadtxt("examples/test_peak.dat", unpack=True)
y = y + np.random.default_rng(flags.seed).normal(0, 0.05, y.size)
model = GaussianModel()
result = model.fit(y, model.guess(y, x=x), x=x)
folder = pathlib.Path(flags.output)
folder.mkdir(parents=True, exist_ok=True)
values = {**result.best_values, "residual": float(np.sqrt(result.redchi))}
(folder / "peak.json").write_text(json.dumps(values))
