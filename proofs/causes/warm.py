"""A Python that has the heavy libraries imported: stages are forked from it, not started anew.

Most of a short stage is the import of torch. The libraries are those of the environment, in
which nothing is planted; the model package is imported by each stage for itself. Run as a
program, this file is the interpreter of the stages: modules of the model go to the server,
everything else to the Python that it was started with.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from contextlib import contextmanager

TYPE_CHECKING = False  # that of typing costs an import in each stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

LIBRARIES = (
    *("torch", "torch.utils.data", "torch.optim.lr_scheduler", "torch.distributed"),
    *("lightning.pytorch", "lightning.pytorch.callbacks", "lightning.pytorch.loggers"),
    *("lightning.pytorch.strategies", "lightning.pytorch.plugins.io", "numpy"),
    *("scipy.fft", "scipy.ndimage", "scipy.spatial", "scipy.special", "safetensors.numpy"),
    *("matplotlib.figure", "matplotlib.backends.backend_agg", "PIL.Image", "PIL.ImageDraw"),
)
_MODULE = "ptycho_torch."
_LARGEST = 1 << 17
_PACE_S = 0.02


def list_words(place: Path) -> list[str]:
    """Return the words that start such an interpreter; ``place`` is the server's socket."""
    return [sys.executable, "-S", "-E", __file__, str(place)]


@contextmanager
def serving(
    place: Path,
    libraries: Sequence[str] = LIBRARIES,
    variables: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Have the server at a socket for a while, with variables that libraries read."""
    import subprocess
    import time

    place.unlink(missing_ok=True)
    environment = {**os.environ, **(variables or {}), "PYTHONHASHSEED": "0"}  # as stages have
    words = [sys.executable, "-P", __file__, "--serve", str(place), *libraries]
    with subprocess.Popen(words, env=environment) as server:
        while not place.exists() and server.poll() is None:
            time.sleep(_PACE_S)
        try:
            yield
        finally:
            server.terminate()


def serve(place: str, libraries: Sequence[str]) -> None:
    """Import the libraries, and fork a stage for every request until the caller is gone."""
    import importlib
    import signal

    for name in libraries:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who handle requests
    parent = os.getppid()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.bind(f"{place}.new")
        server.listen()
        os.replace(f"{place}.new", place)  # noqa: PTH105 - whoever sees it can connect
        server.settimeout(1.0)
        while os.getppid() == parent:
            try:
                client, _ = server.accept()
            except TimeoutError:
                continue
            if os.fork() == 0:
                server.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _handle(client)
                os._exit(0)
            client.close()


def _handle(client: socket.socket) -> None:
    """Run one request in a child, and tell its exit code; whoever hangs up ends it."""
    import select
    import signal

    client.setblocking(True)  # noqa: FBT003 - its name in the library
    message, streams, _, _ = socket.recv_fds(client, _LARGEST, 3)
    pid = os.fork()
    if pid == 0:
        client.close()
        os.setsid()
        _run(json.loads(message), streams)
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            client.send(str(os.waitstatus_to_exitcode(status)).encode())
            return
        if select.select([client], [], [], _PACE_S)[0]:
            os.killpg(pid, signal.SIGKILL)


def _run(request: dict[str, object], streams: list[int]) -> None:
    """Be the process that was asked for: its streams, folder, environment and arguments."""
    import runpy

    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for stream in streams:
        os.close(stream)
    os.environ.clear()
    os.environ.update(request["environment"])  # type: ignore[call-overload]
    os.chdir(str(request["folder"]))
    words = list(request["words"])  # type: ignore[call-overload]
    sys.argv = words
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as `python -m` does
    code: object = 0
    try:
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    except SystemExit as exit_:
        code = exit_.code
    except BaseException:  # noqa: BLE001 - what an interpreter does at its end
        sys.excepthook(*sys.exc_info())
        code = 1
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def main() -> None:
    """Hand a module of the model to the server, or become a Python like any other."""
    place, words = sys.argv[1], sys.argv[2:]
    if len(words) < 2 or words[0] != "-m" or not words[1].startswith(_MODULE):
        os.execv(sys.executable, [sys.executable, *words])  # noqa: S606 - the words it was given
    request = {
        "words": words[1:],
        "folder": os.getcwd(),  # noqa: PTH109 - pathlib would double the time of the start
        "environment": dict(os.environ),
    }
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.connect(place)
        socket.send_fds(server, [json.dumps(request).encode()], [0, 1, 2])
        answer = server.recv(_LARGEST)
    code = int(answer or b"1")
    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        serve(sys.argv[2], sys.argv[3:])
    else:
        main()
