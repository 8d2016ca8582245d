"""The child of the process executor: requests in as lines, answers out as lines.

The end of its input is the end of whoever started it: the unit under way is told to stop.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from typing import Any

from harness.experiments.execute.unit import perform
from harness.runner.stages.child import Stop

Requests = queue.SimpleQueue[dict[str, Any] | None]


def main() -> None:
    """Answer requests until the input ends."""
    # What a task prints must not stand between the answers.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    requests: Requests = queue.SimpleQueue()
    stop = Stop()
    threading.Thread(target=_listen, args=(requests, stop), daemon=True).start()
    while (request := requests.get()) is not None:
        text = perform(request["task"], request["payload"], stop)
        answers.write(json.dumps(text).encode() + b"\n")


def _listen(requests: Requests, stop: Stop) -> None:
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if "stop" in message:
            stop.request(message["stop"])
        else:
            requests.put(message)
    stop.request(signal.SIGTERM)
    requests.put(None)


if __name__ == "__main__":
    main()
