"""SIGINT, SIGTERM and SIGHUP as a wish to stop, for commands that start runs of their own."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

from harness.runner.stages.child import Stop

_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Pass the signals on to the runs, which then end in order."""
    stop = Stop()
    numbers = [n for n in _STOPS if signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        signal.signal(number, lambda caught, _frame: stop.request(caught))
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        stop.close()
