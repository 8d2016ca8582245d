"""Files that stand behind a dataset: none may be missing, and each belongs to its identity.

The library fills a virtual dataset with zeros where a source is missing, and reads a link
to a file that was exchanged without a word.
"""

from __future__ import annotations

import math
from pathlib import Path

import h5py
import numpy as np

from ptycho_torch.data import hdf5_chunks
from ptycho_torch.errors import InputError

_SELF = "."
_DEPTH = 8


def list_files(root: h5py.File, path: Path, key: str) -> tuple[Path, ...]:
    """List the other files that a dataset is read from, each checked to be complete.

    Raises:
        InputError: A linked file, a virtual source or a part of the raw data is missing.
    """
    home, _ = _resolve(root, path, key)
    others = set() if home == path else {home}
    stored = root[key]
    if isinstance(stored, h5py.Dataset):
        others.update(_sources(stored, home, f"{path}: {key}", 0))
    return tuple(sorted(others - {path}))


def list_all(root: h5py.File, path: Path, *keys: str) -> tuple[Path, ...]:
    """List the other files that any of some datasets are read from; those absent are skipped.

    Raises:
        InputError: A linked file, a virtual source or a part of the raw data is missing.
    """
    listed = (list_files(root, path, key) for key in keys if check_links(root, path, key))
    return tuple(dict.fromkeys(file for files in listed for file in files))


def check_links(root: h5py.File, path: Path, key: str) -> bool:
    """Tell whether something lies at a key; a link that leads nowhere is not nothing.

    Raises:
        InputError: A link leads to a file or an object that is not there.
    """
    home, is_whole = _resolve(root, path, key)
    if is_whole and key not in root:
        raise InputError(
            f"{path}: {key}",
            expected="a link that leads to a dataset",
            found=f"nothing at its end in {home.name}",
            remedy="put the linked file beside this one",
        )
    return key in root


def _resolve(root: h5py.File, path: Path, key: str) -> tuple[Path, bool]:
    """Follow the links of a key: in which file it ends, and whether each step has a link."""
    group, home = root, path
    parts = [part for part in key.split("/") if part]
    for part in parts:
        link = group.get(part, getlink=True)
        if link is None:
            return home, False
        if isinstance(link, h5py.ExternalLink):
            home = _sibling(home, link.filename)
            if not home.is_file():
                raise InputError(
                    f"{path}: {key}",
                    expected=f"the linked file {link.filename}",
                    found="no such file",
                    remedy="put it beside this one",
                )
        following = group.get(part)
        if following is None:
            return home, True
        if isinstance(following, h5py.Dataset | h5py.Group) and following.file.filename:
            home = _nearest(home, Path(following.file.filename))
        group = following
    return home, True


def _nearest(home: Path, opened: Path) -> Path:
    return home if opened.exists() and home.exists() and opened.samefile(home) else opened


def _sibling(home: Path, name: str) -> Path:
    return home if name == _SELF else home.parent / name


def _sources(stored: h5py.Dataset, home: Path, where: str, depth: int) -> set[Path]:
    """Collect the files of virtual and external storage, down to a bounded depth."""
    paths: set[Path] = set()
    for name, offset, size in stored.external or ():
        raw = _sibling(home, name)
        if not raw.is_file() or raw.stat().st_size < offset + min(size, stored.nbytes):
            raise _missing_error(where, name, "raw data")
        paths.add(raw)
    if not stored.is_virtual or depth > _DEPTH:
        return paths
    sources = stored.virtual_sources()
    for source in sources:
        paths.update(_virtual_source(source, home, where, depth))
    mapped = _count_mapped(sources, stored.shape)
    if mapped < stored.size:
        found_part = f"{mapped} of {stored.size} numbers mapped"
        raise InputError(where, expected="a virtual dataset without gaps", found=found_part)
    return paths


def _count_mapped(sources: list[h5py.VDSmap], shape: tuple[int, ...]) -> int:
    """Count the numbers that sources cover; where frames are mapped whole, each but once."""
    is_covered = np.zeros(shape[0], np.bool_)
    total = 0
    is_whole = True
    for source in sources:
        count = source.vspace.get_select_npoints()
        low, high = (np.array(ends) for ends in source.vspace.get_select_bounds())
        extent = high - low + 1
        is_whole &= count == extent.prod() and bool((extent[1:] == shape[1:]).all())
        is_covered[low[0] : high[0] + 1] = True
        total += count
    return int(is_covered.sum()) * math.prod(shape[1:]) if is_whole else total


def _virtual_source(source: h5py.VDSmap, home: Path, where: str, depth: int) -> set[Path]:
    file = _sibling(home, source.file_name)
    if not file.is_file():
        raise _missing_error(where, source.file_name, "source of the virtual dataset")
    name = f"{source.file_name}: {source.dset_name}"
    with h5py.File(file, "r") as other:
        inner = other.get(source.dset_name)
        if not isinstance(inner, h5py.Dataset):
            raise _missing_error(where, name, "source of the virtual dataset")
        if not _fits(inner, source) or len(hdf5_chunks.find_unwritten(inner)):
            raise _missing_error(where, name, "whole source of the virtual dataset")
        return {file} | _sources(inner, file, where, depth + 1)


def _fits(inner: h5py.Dataset, source: h5py.VDSmap) -> bool:
    """Whether the part of the source that is mapped exists in it."""
    space = source.src_space
    if space.get_select_npoints() == 0:
        return False
    if space.get_select_type() == h5py.h5s.SEL_ALL:
        return bool(inner.size >= source.vspace.get_select_npoints())
    _, last = space.get_select_bounds()
    return bool((np.array(last) < np.array(inner.shape)).all())


def _missing_error(where: str, name: str, kind: str) -> InputError:
    return InputError(
        where,
        expected=f"the {kind} {name}",
        found="nothing, or a part of it",
        remedy="put every file of the scan beside this one",
    )
