"""A discrete-event simulator of how services talk to each other.

    import hoptax

    shop = hoptax.load("shop.toml")
    busy = shop.set("clients.buyers.rate", "90/s")
    result = busy.run(seed=1, replications=10)
    result.clients["buyers"].latency_arrived_ms.p99.value

    import pandas
    rates = shop.sweep({"clients.buyers.rate": "40/s..90/s:6"})
    pandas.DataFrame(rates.rows.columns)    # or polars.DataFrame(rates.rows), pyarrow.table(rates.rows)

A scenario never changes: `set` gives another. The figures are those of the program, to the bit. What is wrong with a
scenario is a `ScenarioError` that says where, why, and how it would be right. While something runs, other threads do, too,
and Ctrl-C stops it.
"""

from __future__ import annotations

import csv as _csv
import html as _html
import json as _json
import os as _os
import sys as _sys

from . import _hoptax
from ._hoptax import ScenarioError

__all__ = ["Figures", "Result", "Rows", "Scenario", "ScenarioError", "histogram", "load", "loads", "main"]


def load(source):
    """A scenario from a file (its path) or from a dict that says what the file would."""
    if isinstance(source, dict):
        return loads(_toml(source), name=str(source.get("name", "dict")))
    return Scenario(_hoptax.Scenario.load(_os.fspath(source)))


def loads(text, name="scenario"):
    """A scenario from the text of a file."""
    return Scenario(_hoptax.Scenario.parse(text, name))


def histogram(distribution):
    """The upper ends of the buckets of a distribution, ms, and how many samples are in each: two lists."""
    return _hoptax.histogram(distribution["hdr"])


class Scenario:
    """A scenario without mistakes, ready to run."""

    def __init__(self, held):
        self._held = held

    def set(self, path, value):
        """The same with one change, such as `set("clients.buyers.rate", "90/s")`."""
        return Scenario(self._held.set(path, _value(value)))

    @property
    def variants(self):
        """The names of its variants."""
        return self._held.variants()

    def variant(self, name):
        """One of its variants; a `KeyError` where there is none of that name."""
        return Scenario(self._held.variant(name))

    @property
    def warnings(self):
        """What runs but looks wrong."""
        return self._held.warnings()

    def run(self, seed=None, replications=None, jobs=None):
        """Runs it, on so many threads; the figures are the same for any number."""
        return Result(*self._with(seed, replications).run(jobs))

    def compare(self, others=None, seed=None, replications=None, jobs=None):
        """Holds other scenarios (a dict of names) against it, or its own variants."""
        if others is None:
            others = {name: self.variant(name) for name in self.variants}
        cast = [(name, other._with(seed, replications)) for name, other in others.items()]
        return Result(*self._with(seed, replications).compare(cast, jobs))

    def sweep(self, axes, seed=None, replications=None, jobs=None):
        """Runs values over others: `{"clients.buyers.rate": "40/s..90/s:6"}`, or a list of them; of several every combination."""
        def text(values):
            return values if isinstance(values, str) else ",".join(str(value) for value in values)

        asked = [f"{path}={text(values)}" for path, values in axes.items()]
        return Result(*self._with(seed, replications).sweep(asked, jobs))

    def _with(self, seed, replications):
        held = self._held
        if seed is not None:
            held = held.set("sim.seed", _value(seed))
        return held if replications is None else held.set("sim.replications", _value(replications))

    def __str__(self):
        return self._held.canonical()

    def __repr__(self):
        return f"<hoptax.Scenario of {len(str(self).splitlines())} lines>"


class Figures(dict):
    """Part of a result, by name: `part["p99"]` or `part.p99`."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no figure `{name}`; there are {', '.join(self)}") from None


class Result(Figures):
    """What came out: the JSON of the program by name, its table, and its rows."""

    def __init__(self, text, table, rows):
        super().__init__(_json.loads(text, object_pairs_hook=Figures))
        self.__dict__.update(json=text, table=table, csv=rows)

    @property
    def rows(self):
        """A figure a row."""
        return Rows(_swept(self) if "points" in self and "parameters" in self else _read(self.csv))

    def __repr__(self):
        return self.table

    def _repr_html_(self):
        return f"<pre>{_html.escape(self.table)}</pre>"


class Rows:
    """A figure a row, which pandas, polars, DuckDB and pyarrow read as Arrow without copying it.

    `columns` has them as lists by name: section, name, metric, unit, value, low, high, count. A sweep has a column of numbers
    for each parameter instead of section, and the client's or node's name. What is not a number stands in `text`.
    """

    def __init__(self, columns):
        self.columns = columns

    def __arrow_c_stream__(self, requested_schema=None):
        return _hoptax.stream(list(self.columns.items()))

    def __len__(self):
        return len(next(iter(self.columns.values()), ()))

    def __repr__(self):
        return f"<hoptax.Rows: {len(self)} of {', '.join(self.columns)}>"


# Columns of names; all others hold numbers.
_NAMES = ("variant", "section", "name", "metric", "unit", "verdict")


def _read(text):
    """The columns of a table of CSV."""
    head, *rows = _csv.reader(text.splitlines())
    columns = {}
    for name, cells in zip(head, zip(*rows) if rows else ([] for _ in head)):
        if name in _NAMES:
            columns[name] = list(cells)
            continue
        columns[name] = [_number(cell) for cell in cells]
        words = [cell if cell and number is None else None for cell, number in zip(cells, columns[name])]
        if any(words):
            columns["text"] = words
    return columns


def _number(cell):
    try:
        return float(cell)
    except ValueError:
        return None


def _swept(sweep):
    """The columns of a sweep: the parameters, whose figure it is, its name, value and interval."""
    axes = [(axis["path"], dict(zip(axis["values"], axis["numbers"]))) for axis in sweep["parameters"]]
    columns = {name: [] for name in [*(path for path, _ in axes), "name", "metric", "value", "low", "high"]}

    def row(point, name, metric, figure):
        for (path, numbers), said in zip(axes, point["at"]):
            columns[path].append(float(numbers[said]))
        ends = figure if isinstance(figure, dict) else {"value": figure}
        columns["name"].append(name)
        columns["metric"].append(metric)
        for key in ("value", "low", "high"):
            columns[key].append(None if ends.get(key) is None else float(ends[key]))

    for point in sweep["points"]:
        for name, figures in point["clients"].items():
            for metric, figure in figures.items():
                row(point, name, metric, figure)
        for name, used in point["nodes"].items():
            row(point, name, "in_use", used)
    return columns


def _value(value):
    """As TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, dict):
        pairs = ", ".join(f"{_json.dumps(str(key))} = {_value(one)}" for key, one in value.items() if one is not None)
        return "{ " + pairs + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return _json.dumps(str(value), ensure_ascii=False)


def _toml(table):
    return "".join(f"{_json.dumps(str(key))} = {_value(value)}\n" for key, value in table.items() if value is not None)


def main():
    """The program `hoptax`."""
    _sys.exit(_hoptax.program(["hoptax", *_sys.argv[1:]]))
