"""Train the network for some seconds and write the history of its loss.

python -m tiny_net.train OUTPUT_FOLDER --seed 1 --steps 300
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch


def build(width: int) -> torch.nn.Module:
    """Make the network: one hidden layer of ``width`` units."""
    return torch.nn.Sequential(
        torch.nn.Linear(1, width), torch.nn.Tanh(), torch.nn.Linear(width, 1)
    )


def train(seed: int, steps: int, width: int = 32, perturb: int = 0) -> list[float]:
    """Return the loss after each step; ``perturb`` starts it half an ulp away."""
    torch.manual_seed(seed)
    model = build(width)
    if perturb:  # a stream of its own, so that nothing else changes
        draw = torch.Generator().manual_seed(perturb)
        for weight in model.parameters():
            weight.data *= 1 + 2.0**-23 * torch.randint(2, weight.shape, generator=draw)
    x = torch.linspace(-3.0, 3.0, 200).unsqueeze(1)
    y = torch.sin(x)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(steps):
        loss = torch.nn.functional.mse_loss(model(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss))
    return losses


def main() -> None:
    """Train and write the record."""
    parser = argparse.ArgumentParser()
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--perturb", type=int, default=0)
    arguments = parser.parse_args()
    losses = train(arguments.seed, arguments.steps, perturb=arguments.perturb)
    arguments.output.mkdir(parents=True, exist_ok=True)
    rows = [{"step": step, "loss": loss} for step, loss in enumerate(losses)]
    (arguments.output / "history.json").write_text(json.dumps(rows))
    print(f"loss {losses[0]:.4f} -> {losses[-1]:.6f}")


if __name__ == "__main__":
    main()
