"""The patch-statistics flags go from the command line down to the training module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import ptycho_torch.config_factory
import ptycho_torch.workflows.components
from ptycho_torch.train import main
from tests.builders import bundles


class TestPatchStatsCLI:
    """One payload, built once, reaches the bottom."""

    def test_patch_stats_flags_accepted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The factory is called once, and each function below gets its very payload."""
        factory = ptycho_torch.config_factory
        components = ptycho_torch.workflows.components
        built: list[Any] = []
        received: list[Any] = []
        real_factory = factory.create_training_payload

        def build(*places: Any, **named: Any) -> Any:
            built.append(real_factory(*places, **named))
            return built[-1]

        def watched(name: str) -> None:
            real = getattr(components, name)

            def spy(*places: Any, **named: Any) -> Any:
                received.append(named["training_payload"])
                return real(*places, **named)

            monkeypatch.setattr(components, name, spy)

        monkeypatch.setattr(factory, "create_training_payload", build)
        for name in ("run_cdi_example_torch", "train_cdi_model_torch", "_train_with_lightning"):
            watched(name)
        scan = bundles.write_scan(tmp_path)
        config = bundles.write_config(tmp_path)

        code = main(
            [
                *("--train_data_file", str(scan), "--output_dir", str(tmp_path / "out")),
                *("--config", str(config), "--accelerator", "cpu", "--quiet"),
                *("--max_epochs", "1", "--n_images", "4", "--log-patch-stats"),
                *("--patch-stats-limit", "3"),
            ]
        )

        assert code == 0
        assert len(built) == 1
        assert [payload is built[0] for payload in received] == [True, True, True]
        assert built[0].pt_inference_config.log_patch_stats is True
        assert built[0].pt_inference_config.patch_stats_limit == 3
        assert bundles.stats(tmp_path / "out")[0]["phase"] == "train"

    def test_negative_limit_is_refused(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A limit below zero ends with code 2 in one line that names the flag."""
        scan = bundles.write_scan(tmp_path)
        code = bundles.train(
            scan, tmp_path / "out", "--log-patch-stats", "--patch-stats-limit", "-1"
        )

        said = capsys.readouterr().err.strip().splitlines()
        assert code == 2
        assert len(said) == 1
        assert said[0].startswith("error: --patch_stats_limit: expected an integer at least 0")
