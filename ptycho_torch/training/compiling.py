"""A network compiled while it is trained, and plain again afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn

from ptycho_torch.errors import InputError

_LONGEST = 200


@contextlib.contextmanager
def compile_network(network: nn.Module, backend: str) -> Iterator[None]:
    """Compile what calling a network does; its weights keep their names.

    Args:
        network: Network of the model; the physics around it stays as it is, because
            compilers do not work on complex numbers.
        backend: ``off``, or the name of a backend of ``torch.compile``.

    Raises:
        InputError: The backend cannot compile it on this machine.
    """
    if backend == "off":
        yield
        return
    from torch._dynamo import exc  # noqa: PLC0415 - slow to import, only when asked for

    plain = network.forward
    network.forward = torch.compile(plain, backend=backend)
    try:
        yield
    except exc.TorchDynamoException as error:
        raise InputError(
            "--compile",
            expected=f"a network that {backend} can compile here",
            found=" ".join(str(error).split("\n\n", 1)[0].split())[:_LONGEST],
            remedy="leave --compile out",
        ) from error
    finally:
        del network.forward
        torch.compiler.reset()
