"""Signatures in the form of OpenSSF model signing, held against its own program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.sharing.export import model_signature

needs_library = "the extra model-signing is not installed: make test-model-signing"


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """Make a key pair in PEM; the public half lies beside it."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    path = tmp_path / "model.pem"
    plain = form.NoEncryption()
    path.write_bytes(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, plain))
    public = key.public_key().public_bytes(
        form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo
    )
    (tmp_path / "public.pem").write_bytes(public)
    return path


def judge(bundle: Path, signature: Path, public: Path) -> int:
    """Ask the public program, and return its exit code."""
    words = ["verify", "key", str(bundle), "--signature", str(signature)]
    argv = [sys.executable, "-m", "model_signing", *words, "--public_key", str(public)]
    return subprocess.run(argv, check=False, capture_output=True, timeout=120).returncode


def test_the_public_program_accepts_the_model_and_no_other(tmp_path: Path, pem: Path) -> None:
    """As it is: accepted. With a byte changed, or by another key: refused."""
    pytest.importorskip("model_signing", reason=needs_library)
    bundle = tmp_path / "wts.h5.zip"
    bundle.write_bytes(bytes(range(256)) * 40)
    signature = model_signature.write(bundle, pem, tmp_path / "wts.h5.zip.sig")
    public = tmp_path / "public.pem"

    assert judge(bundle, signature, public) == 0
    content = bundle.read_bytes()
    for place in (0, 5000, len(content) - 1):
        changed = bytearray(content)
        changed[place] ^= 1
        bundle.write_bytes(changed)
        assert judge(bundle, signature, public) != 0
    bundle.write_bytes(content)
    assert judge(bundle, signature, public) == 0


def test_a_key_of_another_kind_is_a_line(tmp_path: Path) -> None:
    """Neither a traceback of the library nor a signature."""
    pytest.importorskip("model_signing", reason=needs_library)
    bundle, key = tmp_path / "b.zip", tmp_path / "key"
    bundle.write_bytes(b"x")
    key.write_text("no key")

    with pytest.raises(ConfigError):
        model_signature.write(bundle, key, tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_without_the_extra_the_command_to_install_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library is needed by who signs so, and by nobody else."""
    monkeypatch.setitem(sys.modules, "model_signing", None)

    with pytest.raises(ConfigError) as caught:
        model_signature.write(tmp_path / "b", tmp_path / "k", tmp_path / "s")
    assert "ptycho-harness[model-signing]" in caught.value.remedy
