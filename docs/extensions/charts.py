"""
The figures of ``benchmarks/results.json`` as pictures: large numbers, bars, and curves over the number of tasks.

Bars are a list of HTML, so that they can be read on a phone and by a screen reader; curves are SVG.
"""

from __future__ import annotations

import json
import re
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pygal
from docutils import nodes
from docutils.parsers.rst import Directive, directives
from pygal.style import Style

from .drawings import inline
from .tables import Made, table_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results.json"

#: "CPU per wait, 10,000 waits": what is measured, and at which number of what.
COUNTED = re.compile(r"(?P<what>.+), (?P<count>[\d,]+) (?P<noun>\w+)")

#: What is of this package, among rows of several.
OURS = re.compile("Kling|start_from_trigger")

Row = dict[str, Any]


@cache
def figures() -> dict[str, Any]:
    """Return all figures, by name."""
    return dict(json.loads(RESULTS.read_text())["figures"])


def row_of(figure: str, of: str) -> Row:
    """Return one row of a figure."""
    rows = figures()[figure]["rows"]
    found = [row for row in rows if row["of"] == of]
    if not found:
        raise LookupError(f"{RESULTS.name} has no row {of!r} in {figure}: name one of {[row['of'] for row in rows]}")
    return found[0]


def number(value: float) -> str:
    """Return a number with three digits that count."""
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:.3g}"


def told(row: Row) -> str:
    """Return the value and its unit."""
    return "not measured" if row["value"] is None else f"{number(row['value'])} {row['unit']}".strip()


class Headline(Directive):
    """
    Numbers in large type. A line of the content for each: ``figure | row | words``.

    In the words ``{other figure | other row}`` is the value of another row.
    """

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the numbers."""
        tiles = "".join(self._tile(*line.split(" | ", 2)) for line in self.content if line.strip())
        return [nodes.raw("", f'<ul class="headline">{tiles}</ul>', format="html")]

    @staticmethod
    def _tile(figure: str, of: str, words: str) -> str:
        with_values = re.sub(r"\{(.+?) \| (.+?)\}", lambda other: told(row_of(other[1], other[2])), words)
        return f"<li><strong>{escape(told(row_of(figure, of)))}</strong> <span>{escape(with_values)}</span></li>"


class Bars(Directive):
    """All rows of a figure, each with its bar, target and remark; what can be compared has one scale."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return a list for each kind of value."""
        name = self.arguments[0]
        alike: dict[tuple[str, str], list[Row]] = {}
        for row in figures()[name]["rows"]:
            counted = COUNTED.fullmatch(row["of"])
            alike.setdefault((row["unit"], counted["what"] if counted else ""), []).append(row)
        ours = any(OURS.search(row["of"]) for row in figures()[name]["rows"])
        return [nodes.raw("", self._bars(rows, compared=ours), format="html") for rows in alike.values()]

    def _bars(self, rows: list[Row], *, compared: bool) -> str:
        largest = max((row["value"] or 0 for row in rows), default=0) or 1
        bars = (self._bar(row, largest, ours=not compared or bool(OURS.search(row["of"]))) for row in rows)
        return f'<ul class="bars">{"".join(bars)}</ul>'

    @staticmethod
    def _bar(row: Row, largest: float, *, ours: bool) -> str:
        share = 100 * (row["value"] or 0) / largest
        kind = "ours" if ours else "other"
        target = f"Target: {row['target']}, {row['verdict']}." if row["target"] else ""
        remark = " ".join(filter(None, (target, row["remark"])))
        return (
            f'<li class="{kind}"><span class="of">{escape(row["of"])}</span> <strong>{escape(told(row))}</strong>'
            f'<span class="track" aria-hidden="true"><span style="width:{share:.1f}%"></span></span>'
            f'<small class="{escape(row["verdict"].replace(" ", "-"))}">{escape(remark)}</small></li>'
        )


class Curve(Directive):
    """A value over the number of tasks, both on logarithmic scales: a cost that does not grow is a level line."""

    required_arguments = 1
    option_spec = {"of": directives.unchanged_required, "limit": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """Return the curve."""
        of = self.options["of"]
        points, unit, noun = self._points(self.arguments[0], of)
        alt = f"{of} in {unit}: " + ", ".join(f"{number(value)} at {count:,} {noun}" for count, value in points) + "."
        values = [value for _, value in points]
        chart = pygal.XY(
            LOOKS,
            title=f"{of}, {unit}",
            x_title=f"number of {noun}",
            x_labels=[count for count, _ in points],
            xrange=(points[0][0] * 0.8, points[-1][0] * 1.25),
            y_labels=_apart([*self._limit(), *values]),
            range=(min(values) / 2, max(*values, *self._limit()) * 1.5),
            x_value_formatter=lambda count: f"{count:,.0f}",
            value_formatter=number,
        )
        chart.add(of, points, stroke_style={"width": 3})
        if limit := self._limit():
            ends = [(points[0][0], limit[0]), (points[-1][0], limit[0])]
            chart.add("target", ends, stroke_style={"dasharray": "5, 4"}, show_dots=False)
            alt += f" The target is at most {number(limit[0])} {unit}."
        svg = chart.render(is_unicode=True, disable_xml_declaration=True)
        svg = re.sub(r"<title>.*?</title>|<desc.*?</desc>", "", svg, flags=re.DOTALL)
        return inline(svg.replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" ', 1), alt)

    def _limit(self) -> list[float]:
        return [float(self.options["limit"])] if "limit" in self.options else []

    @staticmethod
    def _points(figure: str, of: str) -> tuple[list[tuple[int, float]], str, str]:
        points, unit, noun = [], "", ""
        for row in figures()[figure]["rows"]:
            match = COUNTED.fullmatch(row["of"])
            if match and match["what"] == of and row["value"] is not None:
                points.append((int(match["count"].replace(",", "")), row["value"]))
                unit, noun = row["unit"], match["noun"]
        if not points:
            raise LookupError(f"{RESULTS.name} has no rows {of!r} in {figure}")
        return points, unit, noun


class WaitCosts(Made):
    """What one triggerer needs for the tasks that wait in it."""

    def lines(self) -> Iterator[str]:
        """Read the rows of ``waits_scale``."""
        yield from table_lines(
            ("Tasks that wait", "Memory of the process", "CPU for each", "Longest stall"), "25 25 25 25", self._rows()
        )

    @staticmethod
    def _rows() -> Iterator[tuple[str, ...]]:
        for row in figures()["waits_scale"]["rows"]:
            match = COUNTED.fullmatch(row["of"])
            if match and match["what"] == "CPU per wait":
                memory = re.search(r"(\d+ MB)", row["remark"])
                stall = row_of("waits_scale", f"longest stall of the event loop, {match['count']} waits")
                yield match["count"], memory[1] if memory else "", told(row), told(stall)


def _apart(values: list[float]) -> list[float]:
    """Leave out what would be written over another; the first ones stay."""
    kept: list[float] = []
    for value in values:
        if all(max(value, other) / min(value, other) > 1.25 for other in kept):
            kept.append(value)
    return sorted(kept)


class Machine(Made):
    """Where, when and with what the figures were measured."""

    def lines(self) -> Iterator[str]:
        """Read what the file says of the machine and of each figure."""
        machine = json.loads(RESULTS.read_text())["machine"]
        days = sorted({figure["measured_at"][:10] for figure in figures().values()})
        between = " to ".join(dict.fromkeys((days[0], days[-1])))
        quick = [f"``{name}``" for name, figure in figures().items() if figure["quick"]]
        versions = f"Python {machine['python']}, Airflow {machine['apache-airflow']}, {machine['executor']}"
        rougher = f" Of a quick, rougher run: {', '.join(quick)}." if quick else ""
        yield f"Measured on {machine['cores']} cores with {versions}; {between}.{rougher}"


#: Colours are the theme's; pygal writes them into the picture's own style.
LOOKS = pygal.Config(
    width=480,
    height=250,
    margin=8,
    show_legend=False,
    js=[],
    dots_size=4,
    logarithmic=True,
    style=Style(
        background="transparent",
        plot_background="transparent",
        foreground="var(--color-foreground-secondary)",
        foreground_strong="var(--color-foreground-primary)",
        foreground_subtle="var(--color-background-border)",
        guide_stroke_color="var(--color-background-border)",
        major_guide_stroke_color="var(--color-background-border)",
        colors=("var(--color-brand-content)", "var(--color-foreground-muted)"),
        font_family="var(--font-stack)",
        opacity="1",
        title_font_size=15,
        label_font_size=12,
        major_label_font_size=12,
    ),
)


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directives."""
    app.add_directive("bench-headline", Headline)
    app.add_directive("bench-figure", Bars)
    app.add_directive("bench-curve", Curve)
    app.add_directive("bench-machine", Machine)
    app.add_directive("wait-costs", WaitCosts)
    return {"parallel_read_safe": True}
