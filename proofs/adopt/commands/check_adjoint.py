"""The non-uniform Fourier transform and its adjoint on seeded noise → how far they disagree."""

import argparse
import json
import os
import pathlib

# TorchScript's threads abort one of three interpreters at their end (torch 2.13).
os.environ["PYTORCH_JIT"] = "0"
import torch
import torchkbnufft as tkbn

parser = argparse.ArgumentParser()
parser.add_argument("--output")
parser.add_argument("--seed", type=int)
flags = parser.parse_args()
torch.manual_seed(flags.seed)
shape, count = (24, 20), 300
image = torch.randn(1, 1, *shape, dtype=torch.complex128)
data = torch.randn(1, 1, count, dtype=torch.complex128)
places = (torch.rand(2, count, dtype=torch.float64) - 0.5) * 2 * torch.pi
forward = tkbn.KbNufft(im_size=shape, dtype=torch.complex128)
adjoint = tkbn.KbNufftAdjoint(im_size=shape, dtype=torch.complex128)
there = torch.vdot(data.flatten(), forward(image, places).flatten())
back = torch.vdot(adjoint(data, places).flatten(), image.flatten())
rows, columns = (torch.arange(n) - n // 2 for n in shape)
waves = torch.exp(-1j * (places[0][:, None] * rows))[:, :, None]
waves = waves * torch.exp(-1j * (places[1][:, None] * columns))[:, None, :]
exact = (waves * image[0, 0]).sum((1, 2))
error = (forward(image, places)[0, 0] - exact).norm() / exact.norm()
folder = pathlib.Path(flags.output)
folder.mkdir(parents=True, exist_ok=True)
values = {"adjoint_error": float(abs(there - back) / abs(there)), "forward_error": float(error)}
(folder / "nufft.json").write_text(json.dumps(values))
