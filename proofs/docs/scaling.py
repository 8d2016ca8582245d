"""The tables of docs/scaling.md, from the measured record beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from proofs.docs import regions

RECORD = regions.DOCS / "scaling.json"
PROGRAMS = {"simulate": "simulation", "train": "training", "inference": "inference"}
FUTURE_PATTERNS = (10**6, 10**7, 10**8, 10**9)
FUTURE_ENTRIES = (10**6, 10**7, 10**9)
FUTURE_HUBS = (10**3, 10**6)

Row = dict[str, Any]
Value = Callable[[Row], float]


def region(part: str, write: Callable[[Row], str], command: str) -> Callable[[], str]:
    """Make the writer of a region; it says so when its part has not been measured."""

    def writer() -> str:
        record = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}
        if part in record:
            return write(record[part])
        return f"Not measured on this state of the code; `{command}` does."

    return writer


def scans(part: Row) -> str:
    """Write what was measured at each size of a scan."""
    head = ("patterns", "frames", "canvas", "program", "time", "CPU time", "memory", "its own")
    rows = []
    for row in part["rows"]:
        for program, name in PROGRAMS.items():
            usage = row[program]
            rows.append(
                (
                    f"{row['patterns']:,}",
                    _bytes(row["frame_bytes"]),
                    f"{row['canvas_pixels'] / 1e6:.3f} Mpx",
                    name,
                    _time(usage["wall_s"]),
                    _time(usage["cpu_s"]),
                    _bytes(usage["peak_mib"] * 2**20),
                    _bytes(usage["peak_own_mib"] * 2**20),
                )
            )
    about = f"Network `{part['architecture']}`, threads: {part['threads']}."
    image = "![memory and time against the number of patterns](scaling.svg)"
    return f"{image}\n\n{_measured(part)} {about}\n\n{regions.table(head, rows)}"


def growth(part: Row) -> str:
    """Write by how much each program grows with the scan, between the two largest sizes."""
    rows = part["rows"]
    head = (
        "program",
        "memory per pattern",
        "memory per canvas pixel",
        "CPU time per 1,000 patterns",
        "that, against the step in size before",
    )
    cells = []
    for program, name in PROGRAMS.items():
        memory = _memory_of(program)
        per_thousand = 1000 * _slope(rows, _patterns, _seconds_of(program))
        cells.append(
            (
                name,
                f"{_slope(rows, _patterns, memory):,.0f} B",
                f"{_slope(rows, _pixels, memory):,.0f} B",
                _time(per_thousand),
                _bend(rows, _seconds_of(program)),
            )
        )
    return regions.table(head, cells)


def patterns(part: Row) -> str:
    """Write what larger scans would take, by the slopes of the measured ones."""
    rows = part["rows"]
    head = ("patterns", "frames", "canvas", *(f"{name}: memory, CPU time" for name in _NAMES))
    rows_ = []
    for count in FUTURE_PATTERNS:
        cells = [
            f"{_bytes(_at(rows, _memory_of(program), count))}, "
            f"{_time(_at(rows, _seconds_of(program), count))}"
            for program in PROGRAMS
        ]
        pixels = _at(rows, _pixels, count)
        frame_bytes = _at(rows, lambda row: float(row["frame_bytes"]), count)
        rows_.append((f"{count:,}", _bytes(frame_bytes), f"{pixels / 1e6:,.1f} Mpx", *cells))
    return regions.table(head, rows_)


def ledger(part: Row) -> str:
    """Write what was measured of ledgers, and what larger ones would take."""
    rows = part["ledgers"]
    head = ("entries", "", "file", "verify, memory", "cache built", "append", "inclusion proof")
    table_rows = [_ledger_cells("measured", row) for row in rows]
    for count in FUTURE_ENTRIES:
        if count > rows[-1]["entries"]:
            at = {key: _at(rows, _key(key), count, "entries") for key in rows[-1]}
            table_rows.append(_ledger_cells("by the slopes", {**at, "entries": count}))
    return f"{_measured(part)}\n\n{regions.table(head, table_rows)}"


def hubs(part: Row) -> str:
    """Write what hubs take on disk, and what the site of many takes."""
    size, rows = part["hubs"], part["sites"]
    head = (
        "hubs",
        "",
        "files",
        "bytes",
        "site built first",
        "built again",
        "its memory",
        "index",
    )
    table_rows = [_hub_cells(row["hubs"], "site measured", size, _site(row)) for row in rows]
    for count in FUTURE_HUBS:
        if count > rows[-1]["hubs"]:
            flat = [{"hubs": row["hubs"], **_site(row)} for row in rows]
            at = {key: _at(flat, _key(key), count, "hubs") for key in _site(rows[-1])}
            table_rows.append(_hub_cells(count, "by the slopes", size, at))
    about = (
        f"Files and bytes are {size['files']:.0f} and {_bytes(size['bytes'])} a hub, "
        f"the median of the {size['count']} in this repository."
    )
    return f"{_measured(part)} {about}\n\n{regions.table(head, table_rows)}"


def _hub_cells(
    count: int, how: str, size: dict[str, float], site: dict[str, float]
) -> tuple[str, ...]:
    return (
        f"{count:,}",
        how,
        f"{count * size['files']:,.0f}",
        _bytes(count * size["bytes"]),
        _time(site["first"]),
        _time(site["same"]),
        _bytes(site["memory"]),
        _bytes(site["index"]),
    )


def _site(row: Row) -> dict[str, float]:
    return {
        "first": row["first"]["wall_s"],
        "same": row["same"]["wall_s"],
        "memory": row["first"]["peak_mb"] * 1e6,
        "index": float(row["index_bytes"]),
    }


def _ledger_cells(how: str, row: Row) -> tuple[str, ...]:
    return (
        f"{row['entries']:,}",
        how,
        _bytes(row["bytes"]),
        f"{_time(row['verify'])}, {_bytes(row['memory of ledger verify'])}",
        _time(row["cache built"]),
        _time(row["append"]),
        _time(row["inclusion proof"]),
    )


_NAMES = tuple(PROGRAMS.values())


def _measured(part: Row) -> str:
    return (
        f"Measured {part['date']} on {part['machine']}, Python {part['python']}, "
        f"torch {part['torch']}; {part['form']} form, "
        f"load average {part['load_average_before']:.1f}."
    )


def _patterns(row: Row) -> float:
    return float(row["patterns"])


def _pixels(row: Row) -> float:
    return float(row["canvas_pixels"])


def _key(name: str) -> Value:
    return lambda row: float(row[name])


def _memory_of(program: str) -> Value:
    return lambda row: float(row[program]["peak_mib"]) * 2**20


def _seconds_of(program: str) -> Value:
    return lambda row: float(row[program]["cpu_s"])


def _slope(rows: Sequence[Row], x: Value, y: Value) -> float:
    first, last = rows[-2], rows[-1]
    return (y(last) - y(first)) / (x(last) - x(first))


def _bend(rows: Sequence[Row], seconds: Value) -> str:
    """Return how the time of one more pattern changes with size: 1 where time is linear."""
    if len(rows) < 3:
        return "not known from two sizes"
    return f"{_slope(rows, _patterns, seconds) / _slope(rows[:-1], _patterns, seconds):.2f}"


def _at(rows: Sequence[Row], y: Value, count: int, axis: str = "patterns") -> float:
    """Continue the line through the two largest sizes; never below what was measured."""
    slope = max(_slope(rows, _key(axis), y), 0.0)
    return y(rows[-1]) + slope * (count - float(rows[-1][axis]))


def _bytes(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.4g} TB"


def _time(seconds: float) -> str:
    for limit, unit, size in ((1, "ms", 1e-3), (600, "s", 1), (36_000, "min", 60)):
        if seconds < limit:
            return f"{seconds / size:.3g} {unit}"
    hours = seconds / 3600
    return f"{hours:.3g} h" if hours < 240 else f"{hours / 24:,.0f} days"


REGIONS: dict[str, Callable[[], str]] = {
    **{
        write.__name__: region("scans", write, "make bench-memory")
        for write in (scans, growth, patterns)
    },
    **{
        write.__name__: region("layout", write, "make bench-layout") for write in (hubs, ledger)
    },
}
