"""The page of a stress test: one HTML file that loads nothing, with its plots as SVG.

1. Every text passes through ``escape``; the plots hold numbers only.
2. Numbers stand in the table as well: a plot is never the only place of one.
"""

from __future__ import annotations

from html import escape
from string import Template
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 640, 240, 70, 30, 12
_PAGE: Final = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>shipper stress</title>
<meta name="viewport" content="width=device-width">
<style>
:root { color-scheme: light dark; --ink: #222; --faint: #8886; --good: #1a7f37; --bad: #cf222e; --line: #0969da; }
@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --good: #3fb950; --bad: #f85149; --line: #58a6ff; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
td, th { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid var(--faint); }
td:last-child, th:last-child { text-align: left; }
svg { width: 100%; max-width: 40rem; display: block; }
svg text { fill: var(--ink); font-size: 11px; }
.held { color: var(--good); fill: var(--good); } .broke { color: var(--bad); fill: var(--bad); }
</style></head><body>
<h1>$found</h1>
<p>Lines were sent to <code>$to</code>, $seconds s at each rate. Asked for: <code>$slo</code>.</p>
$causes
<h2>Lines a second reached, by those offered</h2>
$rates
<h2>99th percentile from sending to being found, in seconds, by lines a second</h2>
$p99
<h2>The steps</h2>
<table><tr><th>lines/s</th><th>reached</th><th>offered</th><th>lost</th><th>p50</th><th>p99</th><th>max</th>
<th>receive CPU</th><th>ship CPU</th><th></th></tr>
$rows
</table>
</body></html>
""")


def page(report: Mapping[str, Any], found: str) -> str:
    """Write the page."""
    steps = report["steps"]
    return _PAGE.substitute(
        found=escape(found),
        to=escape(report["to"]),
        slo=escape(report["slo"]),
        seconds=f"{report['seconds']:g}",
        causes=_causes(report),
        rates=_plot(steps, [step["reached"] for step in steps], "lines a second"),
        p99=_plot(steps, [step["latency"]["p99_s"] for step in steps], "seconds"),
        rows="\n".join(map(_row, steps)),
    )


def _causes(report: Mapping[str, Any]) -> str:
    if not report["gave_way"]:
        return ""
    broken = "".join(f"<li>{escape(each)}</li>" for each in report["steps"][-1]["broken"])
    causes = "".join(f"<li><b>{escape(each['name'])}</b>: {escape(each['words'])}</li>" for each in report["gave_way"])
    return f"<p>Broken:</p><ul>{broken}</ul><p>What gave way, the first first:</p><ol>{causes}</ol>"


def _row(step: Mapping[str, Any]) -> str:
    latency, cores = step["latency"], step["cores"]
    held = "held" if step["held"] else "broke"
    cells = [
        f"{step['rate']:,.0f}",
        f"{step['reached']:,.0f}",
        f"{step['offered']:,}",
        "?" if step["loss"] is None else f"{step['loss']:,}",
        *("?" if latency[name] is None else f"{latency[name]:.2f} s" for name in ("p50_s", "p99_s", "max_s")),
        *("?" if name not in cores else f"{cores[name]:.0%}" for name in ("receive", "ship")),
        f'<span class="{held}">{held}</span>',
    ]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _plot(steps: Sequence[Mapping[str, Any]], values: Sequence[float | None], unit: str) -> str:
    """Draw ``values`` over the rates; those that are not known are left out."""
    known = [
        (step["rate"], value, step["held"]) for step, value in zip(steps, values, strict=True) if value is not None
    ]
    if not known:
        return "<p>Nothing was measured.</p>"
    right, most = max(rate for rate, _, _ in known), max(value for _, value, _ in known) or 1.0
    points = [(_x(rate / right), _y(value / most), held) for rate, value, held in known]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" class="{"held" if held else "broke"}"/>' for x, y, held in points
    )
    ticks = "".join(_tick(share, share * right, share * most) for share in (0.0, 0.25, 0.5, 0.75, 1.0))
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(unit)} by rate">{ticks}'
        f'<polyline points="{line}" fill="none" stroke="var(--line)" stroke-width="2"/>{dots}</svg>'
    )


def _tick(share: float, rate: float, value: float) -> str:
    x, y = _x(share), _y(share)
    return (
        f'<line x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}" stroke="var(--faint)"/>'
        f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_number(value)}</text>'
        f'<text x="{x:.1f}" y="{_HEIGHT - 10}" text-anchor="middle">{_number(rate)}</text>'
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == 0 else f"{value:.2g}"  # noqa: PLR2004 -- three digits are enough


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - 30)


def _y(share: float) -> float:
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _TOP)
