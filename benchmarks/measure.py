"""Timing of variants side by side, and the floor that the machine sets."""

from __future__ import annotations

import ctypes
import statistics
import time
from collections.abc import Callable

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from ptycho_torch import process

Action = Callable[[], object]

_USUAL = {-3: 32 << 20, -1: 64 << 20}  # what the C library settles on by itself


def usual_allocator() -> None:
    """Give freed memory back, as the C library does unless asked otherwise."""
    libc = ctypes.CDLL(None)
    for name, value in _USUAL.items():
        libc.mallopt(name, value)
    libc.malloc_trim(0)


def side_by_side(variants: dict[str, Action], rounds: int) -> dict[str, float]:
    """Time actions turn by turn and return the median CPU seconds of each.

    The variant ``plain`` runs under the usual allocator, all others keep freed memory.
    """
    times_of: dict[str, list[float]] = {name: [] for name in variants}
    for turn in range(rounds + 1):
        for name, action in variants.items():
            if name == "plain":
                usual_allocator()
            else:
                process.keep_freed_memory()
            action()  # settles the allocator
            began = time.process_time()
            action()
            if turn:
                times_of[name].append(time.process_time() - began)
    return {name: statistics.median(times) for name, times in times_of.items()}


def convolution_rate(threads: int) -> float:
    """Measure the best rate of a 3 × 3 convolution of the network's sizes [FLOP/s]."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    best = 0.0
    for channels, side in ((64, 64), (128, 32), (256, 16)):
        maps = torch.rand(16, channels, side, side)
        maps = maps.contiguous(memory_format=torch.channels_last)
        kernel = torch.rand(channels, channels, 3, 3)
        flop = 2 * 9 * channels**2 * side**2 * len(maps)
        clock = time.process_time if threads == 1 else time.perf_counter
        with torch.inference_mode():
            for _ in range(10):
                began = clock()
                torch.conv2d(maps, kernel, padding=1)
                best = max(best, flop / (clock() - began))
    torch.set_num_threads(before)
    return best


def flop_count(action: Action) -> int:
    """Count the convolution FLOPs of an action."""
    with FlopCounterMode(display=False) as counter:
        action()
    by_operator = counter.get_flop_counts()["Global"]
    return sum(count for name, count in by_operator.items() if "conv" in str(name))


def operator_classes(action: Action) -> list[tuple[str, float]]:
    """Return the share of self CPU time of each class of operators, largest first."""
    action()
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        action()
    shares: dict[str, float] = {}
    for event in recorded.key_averages():
        shares[_class_of(event.key)] = (
            shares.get(_class_of(event.key), 0.0) + event.self_cpu_time_total
        )
    total = sum(shares.values())
    return sorted(((name, time / total) for name, time in shares.items()), key=lambda x: -x[1])


def _class_of(operator: str) -> str:
    classes = {
        "convolution": ("conv",),
        "rectifier": ("leaky_relu",),
        "pooling and doubling": ("pool", "upsample", "pixel_"),
        "optimiser": ("adam", "Optimizer"),
        "Fourier transform": ("fft",),
        "copies and fills": ("copy", "fill", "zero", "cat", "contiguous", "clone", "empty"),
        "loss": ("lgamma", "log"),
    }
    for name, parts in classes.items():
        if any(part in operator for part in parts):
            return name
    return "everything else"
