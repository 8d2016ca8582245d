"""A harmonic oscillator, integrated and held to its closed form → the error over time."""

import argparse
import pathlib

import torch
from torchdiffeq import odeint

parser = argparse.ArgumentParser()
parser.add_argument("--output")
flags = parser.parse_args()
turn = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)
times = torch.linspace(0, 10, 41, dtype=torch.float64)
start = torch.tensor([1.0, 0.0], dtype=torch.float64)
states = odeint(lambda _, state: turn @ state, start, times, rtol=1e-8, atol=1e-10)
errors = (states[:, 0] - torch.cos(times)).abs()
folder = pathlib.Path(flags.output)
folder.mkdir(parents=True, exist_ok=True)
lines = [f"{float(t)},{float(e)}" for t, e in zip(times, errors, strict=True)]
(folder / "oscillator.csv").write_text("\n".join(["time,error", *lines]) + "\n")
print("worst error =", float(errors.max()))
