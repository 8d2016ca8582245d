"""SIGINT and SIGTERM as a wish to stop, for commands that start runs of their own."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

from harness.runner.stages.child import Stop


@contextlib.contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Pass SIGINT and SIGTERM on to the runs, which then end in order."""
    stop = Stop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        signal.signal(number, lambda caught, _frame: stop.request(caught))
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        stop.close()
