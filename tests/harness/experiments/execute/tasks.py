"""Units for tests of executors: functions that a worker finds by name."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import ConfigError
from harness.runner.stages.child import Stop

_STEP_S = 0.02


def double(payload: Mapping[str, Any], stop: Stop) -> dict[str, Any]:
    """Give a number twice; a word on standard output must not disturb anybody."""
    del stop
    os.write(1, b"a word\n")
    return {"value": 2 * payload["value"], "pid": os.getpid()}


def refuse(payload: Mapping[str, Any], stop: Stop) -> dict[str, Any]:
    """Refuse as a person's mistake is refused."""
    del stop
    raise ConfigError("here", found=str(payload["value"]), expected="less", remedy="Mend it.")


def die_once(payload: Mapping[str, Any], stop: Stop) -> dict[str, Any]:
    """End the worker with SIGKILL, as often as there is a file to remove."""
    mark = Path(payload["folder"]) / "deaths"
    left = int(mark.read_text()) if mark.exists() else 0
    if left:
        mark.write_text(str(left - 1))
        os.kill(os.getpid(), signal.SIGKILL)
    return double(payload, stop)


def wait(payload: Mapping[str, Any], stop: Stop) -> dict[str, Any]:
    """Wait for the stop, and leave a file that says it was seen."""
    (Path(payload["folder"]) / f"began-{payload['value']}").touch()
    end = time.monotonic() + 20
    while stop.signal is None and time.monotonic() < end:
        time.sleep(_STEP_S)
    (Path(payload["folder"]) / f"stopped-{payload['value']}").touch()
    return {"interrupted": stop.signal}


def where(payload: Mapping[str, Any], stop: Stop) -> dict[str, Any]:
    """Take as long as asked [s], and tell which Dask worker that was."""
    from distributed import get_worker

    del stop
    time.sleep(payload["pause_s"])
    return {"worker": get_worker().name}
