"""A program of its own: fixed numbers in, out the digest of what an interpreter makes of them.

It is run as text by the interpreter of the stages, in their environment, and imports nothing of
the harness. What is computed is small and exact in its input, so that every difference comes
from kernels, instruction set, threads or libraries. Python 3.7 can read it.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import math
import os
import platform
import struct
import sys
from typing import Any

# More than the grain of a parallel sum (32,768 in torch): threads show in its last bits.
_LONG, _SIDE = 70_001, 129
_CAPS = (
    *("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "MKL_CBWR"),
    *("MKL_ENABLE_INSTRUCTIONS", "OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES"),
    *("GLIBC_TUNABLES", "NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"),
    *("CUBLAS_WORKSPACE_CONFIG", "XLA_FLAGS", "TF_ENABLE_ONEDNN_OPTS"),
)
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
# From the narrowest to the widest; a machine is called by the widest that it has.
_SETS = (
    *(("sse2", "SSE2"), ("sse4_1", "SSE4.1"), ("avx", "AVX"), ("avx2", "AVX2")),
    *(("avx512f", "AVX-512"), ("avx512_bf16", "AVX-512 BF16"), ("amx_tile", "AMX")),
    *(("asimd", "NEON"), ("sve", "SVE")),
)


def make_numbers(count: int, seed: int) -> list[float]:
    """Return fixed numbers in [−1, 1), exact in half precision and above."""
    state, numbers = seed, []
    for _ in range(count):
        state = (state * 1_103_515_245 + 12_345) % 2**31
        numbers.append((state >> 20) / 1024.0 - 1.0)
    return numbers


def probe_python() -> list[float]:
    """Sum, softmax and a short transform in double precision by libm alone."""
    values = make_numbers(257, 7)
    total = sum(math.exp(v) for v in values)
    turns = [2 * math.pi * k / 257 for k in range(257)]
    pairs = list(zip(values, turns))  # noqa: B905 - Python 3.7
    wave = [sum(v * f(5 * t) for v, t in pairs) for f in (math.cos, math.sin)]
    more = [math.sin(v * 10) + math.tanh(v) + math.pow(abs(v) + 0.1, 0.3) for v in values]
    return [sum(values), math.exp(values[3]) / total, *wave, *more]


def probe_numpy(numpy: Any) -> list[bytes]:
    """Convolution, product, sum, softmax and transform in single and double precision."""
    results, numbers = [], make_numbers(_LONG, 3)
    for name in ("float32", "float64"):
        long = numpy.array(numbers, dtype=name) / 3
        square = long[: _SIDE * _SIDE].reshape(_SIDE, _SIDE)
        powers = numpy.exp(long[:4001])
        made = (
            numpy.convolve(long[:4001], long[:33]),
            square @ square.T,
            numpy.atleast_1d(long.sum()),
            powers / powers.sum(),
            numpy.tanh(long[:4001]) + numpy.sin(long[:4001] * 9),
            numpy.fft.fft2(square),
        )
        results += [numpy.ascontiguousarray(one).tobytes() for one in made]
    return results


def probe_torch(torch: Any, device: str) -> list[bytes]:
    """Convolution with its gradient, product, sum, softmax and transform, in each precision."""
    results, numbers = [], torch.tensor(make_numbers(_LONG, 3), dtype=torch.float64) / 3
    has_numpy = importlib.util.find_spec("numpy") is not None
    for name in ("float32", "float64", "bfloat16", "float16"):
        long = numbers.to(device=device, dtype=getattr(torch, name))
        square = long[: _SIDE * _SIDE].reshape(_SIDE, _SIDE)
        made = [square @ square.T, long.sum(), torch.softmax(long[:4001], 0), long.tanh()]
        try:
            image = long[: 4 * 4 * 24 * 24].reshape(4, 4, 24, 24).clone().requires_grad_()
            kernel = long[: 8 * 4 * 9].reshape(8, 4, 3, 3).clone().requires_grad_()
            field = torch.nn.functional.conv2d(image, kernel, padding=1)
            made += [field, *torch.autograd.grad(field.square().sum(), (image, kernel))]
        except RuntimeError:
            pass  # no kernel of this precision here: nothing that a stage could use
        if name in ("float32", "float64"):
            made.append(torch.view_as_real(torch.fft.fft2(square)))
        results += [
            one.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
            if has_numpy
            else repr(one.detach().cpu().double().reshape(-1).tolist()).encode()
            for one in made
        ]
    return results


def describe_cpu() -> tuple[str, str]:
    """Return vendor and model, and the widest instruction set."""
    facts: dict[str, str] = {}
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:  # noqa: PTH123 - the fewest imports
            for line in lines:
                key, colon, value = line.partition(":")
                if not line.strip():
                    break
                if colon:
                    facts.setdefault(key.strip(), value.strip())
    except OSError:
        pass
    words = [facts.get(key, "") for key in ("vendor_id", "model name", "CPU implementer")]
    flags = f" {facts.get('flags', '')} {facts.get('Features', '')} ".split()
    sets = [name for flag, name in _SETS if flag in flags]
    name = " ".join(word for word in words if word) or platform.processor()
    return name or platform.machine(), sets[-1] if sets else platform.machine()


def describe_numpy(numpy: Any) -> str:
    """Return version and BLAS of NumPy."""
    try:
        blas = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return "numpy {}, {} {}".format(numpy.__version__, blas["name"], blas["version"])
    except (TypeError, KeyError, AttributeError):
        return f"numpy {numpy.__version__}"


def describe_torch(torch: Any) -> dict[str, str]:
    """Return what decides the last bits of torch besides the machine."""
    backends = torch.backends
    libraries = [f"torch {torch.__version__}"]
    libraries += ["MKL"] if backends.mkl.is_available() else []
    libraries += ["oneDNN"] if backends.mkldnn.is_available() else []
    flags = (
        ("deterministic", torch.are_deterministic_algorithms_enabled()),
        ("cudnn.deterministic", backends.cudnn.deterministic),
        ("cudnn.benchmark", backends.cudnn.benchmark),
        ("tf32", backends.cuda.matmul.allow_tf32),
    )
    return {
        "isa": str(backends.cpu.get_cpu_capability()),
        "threads": str(torch.get_num_threads()),
        "libraries": ", ".join(libraries),
        "determinism": ", ".join(f"{name} {'on' if on else 'off'}" for name, on in flags),
    }


def describe_gpu(torch: Any) -> dict[str, str]:
    """Return model and driver of the GPU that a run would use."""
    driver = ""
    try:
        with open("/proc/driver/nvidia/version", encoding="utf-8") as lines:  # noqa: PTH123 - as above
            words = lines.readline().split()
            driver = next((word for word in words if word[:1].isdigit()), "")
    except OSError:
        pass
    cuda = f"CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
    return {"gpu": f"{torch.cuda.get_device_name(0)}, {cuda}", "driver": driver or "unknown"}


def _digest(results: list[bytes]) -> str:
    whole = hashlib.sha256()
    for one in results:
        whole.update(hashlib.sha256(one).digest())
    return whole.hexdigest()[:16]


def run_probe(libraries: list[str], device: str) -> dict[str, str]:
    """Compute everything; return facts and digests by name."""
    cpu, isa = describe_cpu()
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:
        count = os.cpu_count() or 1
    threads = [f"{name} {os.environ[name]}" for name in _THREADS if name in os.environ]
    facts = {"cpu": cpu, "isa": isa, "threads": ", ".join([str(count), *threads])}
    facts["libraries"] = " ".join(platform.libc_ver()).strip() or platform.system()
    facts["caps"] = ", ".join(f"{n}={os.environ[n]}" for n in _CAPS if n in os.environ)
    numbers = probe_python()
    facts["digest"] = "python " + _digest([struct.pack(f"<{len(numbers)}d", *numbers)])
    described = [facts["libraries"]]
    if "numpy" in libraries and "torch" not in libraries:
        numpy = importlib.import_module("numpy")
        described.append(describe_numpy(numpy))
        facts["digest"] += ", numpy " + _digest(probe_numpy(numpy))
    if "torch" in libraries:
        torch = importlib.import_module("torch")
        own = describe_torch(torch)
        described.append(own.pop("libraries"))
        facts.update(own)
        facts["digest"] += ", torch " + _digest(probe_torch(torch, "cpu"))
        if device == "cuda" and torch.cuda.is_available():
            facts.update(describe_gpu(torch))
            facts["digest"] += ", gpu " + _digest(probe_torch(torch, "cuda"))
    facts["libraries"] = "; ".join(described)
    return {name: value for name, value in facts.items() if value}


if __name__ == "__main__":
    question = json.loads(sys.argv[1])
    answer = run_probe(question["libraries"], question["device"])
    sys.stdout.write("\n" + json.dumps(answer) + "\n")
