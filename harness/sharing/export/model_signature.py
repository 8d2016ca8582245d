"""A bundle and a key in, a signature in the form of OpenSSF model signing out.

The library is an extra: it signs as it verifies, with an elliptic-curve key in PEM, so that who
knows nothing of the harness checks the bundle with ``model_signing verify key``.
"""

from __future__ import annotations

from pathlib import Path

from harness.errors import ConfigError

_EXTRA = "ptycho-harness[model-signing]"


def write(bundle: Path, key_file: Path, target: Path) -> Path:
    """Sign a bundle.

    Raises:
        ConfigError: The extra is not installed, or the key is none that it takes.
    """
    try:
        from model_signing import signing  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(
            "model signing",
            found=f"no library: {error}",
            expected="the extra 'model-signing'",
            remedy=f"pip install '{_EXTRA}'",
        ) from error
    try:
        config = signing.Config().use_elliptic_key_signer(private_key=key_file)
        config.sign(bundle, target)
    except (ValueError, TypeError) as error:
        raise ConfigError(
            str(key_file),
            found=str(error).splitlines()[0][:120] if str(error) else "no key",
            expected="an elliptic-curve private key in PEM, on P-256, P-384 or P-521",
            remedy="openssl ecparam -name prime256v1 -genkey -noout -out model.pem",
        ) from error
    return target
