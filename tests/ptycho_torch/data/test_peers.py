"""Files of other programs, written and read by those programs: ``make test-peers``.

Where a program places its frames is asked of the program itself, and judged by the object that
is known. pty-chi and tike have no file format of their own: pty-chi's users go through
ptychodus, tike's through arrays.
"""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import scan_file, scan_write
from ptycho_torch.data.scan import ScanData
from tests.builders import known_scan, scans
from tests.builders.known_scan import (
    DETECTOR_PIXEL_M,
    DISTANCE_M,
    ENERGY_EV,
    PIXEL_M,
    POINTS,
    SIDE,
    WAVELENGTH_M,
)

HIGHEST = 0.004
GEOMETRY = scan_write.Geometry(pixel_size_m=PIXEL_M, energy_ev=ENERGY_EV, distance_m=DISTANCE_M)
TRUTH = known_scan.known()


def needs(name: str) -> pytest.MarkDecorator:
    """Skip where a program is not installed."""
    is_there = importlib.util.find_spec(name) is not None
    return pytest.mark.skipif(not is_there, reason=f"needs {name}: make test-peers")


def our_scan() -> ScanData:
    """The known scan as this package holds it."""
    scan = scans.simulated_scan(scans.tiny_recipe(n_points=POINTS))
    return dataclasses.replace(
        scan,
        amplitude=np.sqrt(TRUTH.counts).astype(np.float32),
        positions=TRUTH.positions,
        probe=TRUTH.probe,
        object_canvas=TRUTH.canvas,
        nphotons=1e9,
        pixel_size_m=PIXEL_M,
    )


def residual_of(
    counts: NDArray[Any], positions: NDArray[Any], probe: NDArray[Any] | None = None
) -> float:
    """Judge what a program holds: counts, and patch centres in pixels, x then y."""
    scan = dataclasses.replace(
        our_scan(),
        amplitude=np.sqrt(np.asarray(counts, np.float64)).astype(np.float32),
        positions=np.asarray(positions, np.float64),
        probe=TRUTH.probe if probe is None else np.asarray(probe, np.complex64),
    )
    return known_scan.residual(scan)


def cdtools_basis(dataset: Any) -> torch.Tensor:
    """Return the basis of the exit wave that cdtools computes for a dataset."""
    from cdtools.tools import initializers

    basis: torch.Tensor = initializers.exit_wave_geometry(
        torch.as_tensor(dataset.detector_geometry["basis"], dtype=torch.float64),
        dataset.patterns.shape[-2:],
        float(dataset.wavelength),
        float(dataset.detector_geometry["distance"]),
    )
    return basis


@needs("cdtools")
@pytest.mark.filterwarnings("ignore:Passing", "ignore:64-bit floats")
def test_cdtools_reads_our_cxi(tmp_path: Path) -> None:
    """Where cdtools puts the probe, by its own geometry, the frames are explained."""
    from cdtools.datasets import Ptycho2DDataset
    from cdtools.tools import interactions

    scan_write.write_cxi(tmp_path / "ours.cxi", our_scan(), GEOMETRY)

    dataset = Ptycho2DDataset.from_cxi(tmp_path / "ours.cxi")
    rows_columns = interactions.translations_to_pixel(
        cdtools_basis(dataset), dataset.translations.to(torch.float64)
    )

    assert residual_of(dataset.patterns.numpy(), rows_columns.numpy()[:, ::-1]) <= HIGHEST


@needs("cdtools")
@pytest.mark.filterwarnings("ignore:Passing", "ignore:64-bit floats")
@pytest.mark.parametrize("basis", [(-1, -1), (1, -1)], ids=["usual", "mirrored"])
def test_we_read_cxi_of_cdtools(tmp_path: Path, basis: tuple[int, int]) -> None:
    """Translations that cdtools itself makes of the places are read back as these places."""
    from cdtools.datasets import Ptycho2DDataset
    from cdtools.tools import interactions

    rows, columns = basis
    pixel = DETECTOR_PIXEL_M
    dataset = Ptycho2DDataset(
        np.zeros((POINTS, 3)),
        TRUTH.counts.astype(np.float32),
        wavelength=WAVELENGTH_M,
        detector_geometry={
            "distance": DISTANCE_M,
            "basis": np.array([[0, columns * pixel], [rows * pixel, 0], [0, 0]]),
            "corner": None,
        },
    )
    rows_columns = torch.as_tensor(TRUTH.positions[:, ::-1].copy())
    dataset.translations = interactions.pixel_to_translations(
        cdtools_basis(dataset), rows_columns
    )
    dataset.to_cxi(tmp_path / "theirs.cxi")
    companion = known_scan.write_npz(tmp_path / "probe.npz")

    scan = scan_file.read(tmp_path / "theirs.cxi", DataConfig(companion_file=str(companion)))

    assert known_scan.residual(scan) <= HIGHEST


def product_of(counted: Any) -> Any:
    """Make ptychodus' product of the known scan, at the places of its own geometry."""
    from ptychodus.api.geometry import PixelGeometry
    from ptychodus.api.object import Object, ObjectCenter, ObjectGeometry, ObjectPosition
    from ptychodus.api.probe import ProbeSequence
    from ptychodus.api.probe_positions import ProbePositionSequence
    from ptychodus.api.product import Product, ProductMetadata

    pixel = PixelGeometry(width_m=PIXEL_M, height_m=PIXEL_M)
    height, width = TRUTH.canvas.shape
    geometry = ObjectGeometry(width, height, PIXEL_M, PIXEL_M, 0.0, 0.0)
    # A patch of an even side has its middle half a pixel before its pixel N/2.
    places = [
        geometry.map_coordinates_object_to_probe(ObjectPosition(index, x - 0.5, y - 0.5))
        for index, (x, y) in enumerate(TRUTH.positions)
    ]
    return Product(
        metadata=ProductMetadata("known", "", DISTANCE_M, ENERGY_EV, counted, 1.0, 0.0, 0.0),
        probe_positions=ProbePositionSequence(places),
        probes=ProbeSequence(TRUTH.probe.astype(complex), None, pixel),
        object_=Object(TRUTH.canvas.astype(complex), pixel, ObjectCenter(0.0, 0.0)),
        losses=[],
    )


def places_of(product: Any) -> NDArray[np.float64]:
    """Ask a product of ptychodus where its patches are: their pixel N/2, x then y."""
    geometry = product.object_.get_geometry()
    places = [
        geometry.map_coordinates_probe_to_object(position)
        for position in product.probe_positions
    ]
    return np.array([(place.x_px + 0.5, place.y_px + 0.5) for place in places])


def products(name: str) -> Any:
    """Return the reader and writer of a kind of product."""
    from ptychodus.plugins.cxi_file import CXIProductFileIO
    from ptychodus.plugins.h5_product_file import H5ProductFileIO
    from ptychodus.plugins.npz_product_file import NPZProductFileIO

    kinds = {".h5": H5ProductFileIO, ".npz": NPZProductFileIO, ".cxi": CXIProductFileIO}
    return kinds[name]()


@needs("ptychodus")
@pytest.mark.parametrize("ending", [".h5", ".npz"])
def test_we_read_products_of_ptychodus(tmp_path: Path, ending: str) -> None:
    """Its product holds no frames: with those of another file they are explained."""
    path = tmp_path / f"theirs{ending}"
    products(ending).write(path, product_of(1e9))
    frames = known_scan.write_frames(tmp_path / "frames.h5", dp=TRUTH.counts)

    scan = scan_file.read(path, DataConfig(companion_file=str(frames), input_kind="intensity"))

    assert known_scan.residual(scan) <= HIGHEST


@needs("ptychodus")
@pytest.mark.parametrize("ending", [".h5", ".cxi"])
def test_ptychodus_reads_our_files(tmp_path: Path, ending: str) -> None:
    """Its product of our file has probe, object and places where they explain the frames."""
    path = tmp_path / f"ours{ending}"
    write = {".h5": scan_write.write_ptychodus, ".cxi": scan_write.write_cxi}[ending]
    write(path, our_scan(), GEOMETRY)

    product = products(ending).read(path)

    probe = product.probes.get_array().reshape(-1, SIDE, SIDE)
    np.testing.assert_allclose(product.object_.get_array()[0], TRUTH.canvas, atol=1e-6)
    assert residual_of(TRUTH.counts, places_of(product), probe) <= HIGHEST


@needs("ptychodus")
def test_ptychodus_reads_our_frames(tmp_path: Path) -> None:
    """The frames of our CXI are the same counts in the same order."""
    from ptychodus.plugins.cxi_file import CXIDiffractionFileReader

    scan_write.write_cxi(tmp_path / "ours.cxi", our_scan(), GEOMETRY)

    dataset = CXIDiffractionFileReader().read(tmp_path / "ours.cxi")

    counts = np.concatenate([array.get_patterns() for array in dataset])
    np.testing.assert_allclose(counts, TRUTH.counts, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("sign", [(-1, 1), (1, -1)])
def test_a_mirror_would_be_seen(sign: tuple[int, int]) -> None:
    """Turning one axis of the places alone passes no bound of these tests."""
    middle = TRUTH.positions.mean(axis=0)

    assert residual_of(TRUTH.counts, TRUTH.positions) <= HIGHEST
    mirrored = middle + (TRUTH.positions - middle) * sign
    assert residual_of(TRUTH.counts, np.rint(mirrored)) > 10 * HIGHEST
