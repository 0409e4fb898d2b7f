"""
A table in, something to look at out: a plotly figure, or an HTML table.

Each chart has the name of the measure it draws. Its caption carries numerator and denominator, and the table itself travels
in `layout.meta`, so that a report page can offer the numbers beside the picture. Colours tell nothing alone: every mark is
labelled. They come from one palette, whose dark twin a page puts in place by name.
"""

from __future__ import annotations

import html as _html
import json
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from cxtools import wording

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

#: What the bundle of report/assets can draw. A trace that is missing there would be drawn as a line without any error.
TRACES = ("bar", "funnel", "heatmap", "scatter")

#: Light colours and their dark twins. Blue, orange and green stay apart for every kind of colour blindness (after Okabe and Ito).
PALETTE = {
    "paper": ("#ffffff", "#161d26"), "ink": ("#1c2733", "#e8edf2"), "quiet": ("#566574", "#a7b4c1"), "grid": ("#e3e8ee", "#2c3845"),
    "blue": ("#1f6fb2", "#62aee8"), "sky": ("#a9cbe8", "#2f5f87"), "green": ("#17806d", "#46bfa6"), "orange": ("#c4571a", "#f0935a"),
    "amber": ("#e0a12e", "#e8bb62"), "violet": ("#6a5aa8", "#a99ae6"), "grey": ("#97a3b0", "#76838f"),
}
INK = {name: light for name, (light, _) in PALETTE.items()}
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"

KIND_COLOURS = {"hard": INK["orange"], "soft": INK["amber"], "block": INK["violet"], "undetermined": INK["grey"], "none": INK["sky"]}
STAGES = {"attempted": "Attempted", "accepted": "Accepted", "opened": "Opened or clicked", "clicked": "Clicked"}
RATES = {"delivery_rate": ("Accepted", "attempted", INK["green"]), "open_rate": ("Opened", "accepted", INK["blue"]), "click_rate": ("Clicked", "accepted", INK["orange"])}
SHOWN_ROWS = 20
GROUPS = ("provider", "domain", "day", "campaign", "link_url", "job_id", "wave", "kind")


def funnel(table: pd.DataFrame) -> go.Figure:
    """How far the mail got: one row is drawn as a funnel, several (campaigns, providers, …) as rates with their intervals."""
    if len(table) > 1:
        return _rates(table)
    row = _records(table)[0] if len(table) else {}
    counts = [row.get(stage) or 0 for stage in STAGES]
    attempted, accepted, _, clicked = counts
    shares = [wording.percent(count / attempted if attempted else None) for count in counts]
    text = [f"<b>{wording.count(count)}</b>  {share}" for count, share in zip(counts, shares, strict=True)]
    trace = {
        "type": "funnel", "y": list(STAGES.values()), "x": counts, "text": text, "textinfo": "text", "textposition": "auto", "hoverinfo": "skip",
        "marker": {"color": [INK["sky"], INK["green"], INK["blue"], INK["orange"]]}, "connector": {"fillcolor": INK["grid"], "line": {"width": 0}},
        "insidetextfont": {"color": [INK["ink"], INK["paper"], INK["paper"], INK["paper"]]}, "constraintext": "none",
    }
    caption = (f"Distinct recipients; percentages are of the {wording.count(attempted)} attempted. {wording.count(accepted)} of {wording.count(attempted)} were accepted "
               f"({_interval(row, 'delivery_rate', wording.within)}), {wording.count(clicked)} of these {wording.count(accepted)} clicked ({_interval(row, 'click_rate', wording.within)}).")
    return _figure([trace], "How far did the mail get?", caption, table, height=60 + 62 * len(STAGES), yaxis={"autorange": "reversed"})


def bounces(table: pd.DataFrame) -> go.Figure:
    """Why mail came back: causes as bars; with `day` the kinds over time, with `provider` a map of causes by provider."""
    if "day" in table:
        return _bounces_by_day(table)
    if "provider" in table:
        return _bounces_by_provider(table)
    return _causes(table, "category", "Why did mail come back?")


def reasons(table: pd.DataFrame) -> go.Figure:
    """What the receiving servers said, most frequent first."""
    return _causes(table, "reason", "What did the receiving servers say?")


def links(table: pd.DataFrame) -> go.Figure:
    """Which links were followed: people per link. They don't add up, since one person may follow several."""
    rows = _top(_records(table), "clickers")
    bars = _bars(rows, "link_url", "clickers", [INK["blue"]] * len(rows))
    caption = "People who followed each link, and their share of all who clicked anything. One person may follow several, so shares don't add up to 100%."
    return _figure([bars], "Which links were followed?", caption, table, height=_tall(rows), **_bar_axes(rows, "clickers"))


def timing(table: pd.DataFrame) -> go.Figure:
    """How soon people opened and clicked: the share of those who ever did, over the time since delivery."""
    rows = _records(table)
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    colours = {"open": INK["blue"], "click": INK["orange"]}
    quantiles = [name for name in ("p10_s", "p25_s", "median_s", "p75_s", "p90_s") if rows and name in rows[0]]
    shares = {"p10_s": .10, "p25_s": .25, "median_s": .50, "p75_s": .75, "p90_s": .90}
    traces = [{
        "type": "scatter", "mode": "lines+markers+text", "name": kind, "x": [row[name] for name in quantiles], "y": [shares[name] for name in quantiles],
        "text": [wording.duration(row[name]) for name in quantiles], "textposition": "top left", "line": {"color": colours.get(kind, INK["violet"]), "width": 2.5},
        "marker": {"size": 8}, "textfont": {"color": colours.get(kind, INK["violet"])}, "hoverinfo": "skip",
    } for kind in kinds for row in [next(row for row in rows if row["kind"] == kind)]]
    caption = "; ".join(f"{row['kind']}: {wording.count(row.get('recipients'))} recipients, half of them within {wording.duration(row.get('median_s'))}" for row in rows)
    return _figure(traces, "How soon did people react?", f"Time from delivery to the first open or click. {caption}.", table, height=340, showlegend=True,
                   xaxis=_time_axis(), yaxis={"tickformat": ".0%", "range": [0, 1], "title": {"text": "share of those who did"}})


def jobs(table: pd.DataFrame) -> go.Figure:
    """How long each send job took from its first to its last delivery or bounce."""
    rows = _top(_records(table), "attempted")
    bars = _bars(rows, "job_id", "attempted", [INK["green"]] * len(rows), text=[f"{wording.count(row['attempted'])}  {wording.duration(row.get('span_s'))}" for row in rows])
    caption = "Recipients with a delivery or a bounce per send job, and the time from its first to its last one."
    return _figure([bars], "How did the send jobs go?", caption, table, height=_tall(rows), **_bar_axes(rows, "attempted"))


CHARTS: dict[str, Callable[[Any], Any]] = {chart.__name__: chart for chart in (funnel, bounces, reasons, links, timing, jobs)}


def html(table: pd.DataFrame, caption: str = "") -> str:
    """
    A table as people read it: headings in words, shares in percent with their interval beside them, missing as a dash.

    >>> import pandas as pd
    >>> html(pd.DataFrame({"provider": ["gmail"], "accepted": [9412]}))
    '<table><thead><tr><th scope="col">Provider</th><th scope="col" class="n">Accepted</th></tr></thead><tbody><tr><td>gmail</td><td class="n">9,412</td></tr></tbody></table>'
    """
    return html_table(list(table.columns), _records(table), caption)


def html_table(columns: Sequence[str], rows: Sequence[dict[str, Any]], caption: str = "") -> str:
    """The same from plain rows: the form in which a figure carries its table."""
    shown = [column for column in columns if not re.fullmatch(r"(.+)_(low|high)", column)]
    numeric = {column: any(isinstance(row[column], int | float) for row in rows) for column in shown}
    head = "".join(f'<th scope="col"{_numeric(numeric[column])}>{_html.escape(wording.label(column))}</th>' for column in shown)
    body = "".join(f"<tr>{''.join(_cell(column, row, numeric[column]) for column in shown)}</tr>" for row in rows)
    title = f"<caption>{_html.escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(column: str, row: dict[str, Any], numeric: bool) -> str:
    text = _written(column, row)
    whole = str(row[column]) if isinstance(row[column], str) else text
    hint = f' title="{_html.escape(whole)}"' if "…" in text and text != whole else ""
    return f"<td{_numeric(numeric)}{hint}>{_html.escape(text)}</td>"


def _numeric(numeric: bool) -> str:
    return ' class="n"' if numeric else ""


def _written(column: str, row: dict[str, Any]) -> str:
    """One value in the words of its column: the ending of the name tells the unit."""
    given = row[column]
    if not wording.known(given):
        return wording.MISSING
    if column.endswith(("_rate", "share")):
        return _interval(row, column)
    if column.endswith("_s"):
        return wording.duration(given)
    if column.endswith("_at"):
        return wording.moment_text(datetime.fromisoformat(given))
    if isinstance(given, bool):
        return "yes" if given else "no"
    return wording.count(given) if isinstance(given, int | float) else wording.short(str(given), 60)


def _interval(row: dict[str, Any], column: str, write: Callable[..., str] = wording.interval) -> str:
    return write(row.get(column), row.get(f"{column}_low"), row.get(f"{column}_high"))


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain JSON values; missing is None."""
    return [{str(column): _plain(value) for column, value in row.items()} for row in table.to_dict("records")]


def _plain(value: Any) -> Any:
    if value is None or value != value:
        return None
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value


def _top(rows: list[dict[str, Any]], by: str) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: -(row[by] or 0))[:SHOWN_ROWS]


def _tall(rows: Sequence[object]) -> int:
    return 60 + 34 * max(1, len(rows))


def _bars(rows: list[dict[str, Any]], label: str, size: str, colours: list[str], *, name: str = "", text: list[str] | None = None) -> dict[str, Any]:
    """Horizontal bars, each with its number and share at its end."""
    text = text or [f"<b>{wording.count(row[size])}</b>  {_interval({'share': row.get('share')}, 'share')}" for row in rows]
    return {
        "type": "bar", "orientation": "h", "name": name, "y": [wording.short(str(row[label]).replace("_", " "), 36) for row in rows], "x": [row[size] for row in rows],
        "text": text, "textposition": "outside", "cliponaxis": False, "marker": {"color": colours}, "hoverinfo": "skip", "textfont": {"color": INK["ink"]},
    }


def _bar_axes(rows: list[dict[str, Any]], size: str) -> dict[str, Any]:
    """No ticks, since every bar is labelled; a third of the width is left for the labels."""
    most = max((row[size] or 0 for row in rows), default=0) or 1
    return {"yaxis": {"autorange": "reversed"}, "xaxis": {"visible": False, "range": [0, most * 1.5]}, "bargap": 0.35}


def _causes(table: pd.DataFrame, label: str, title: str) -> go.Figure:
    """Bars of causes, one colour and one legend entry per kind of bounce."""
    rows = _top(_records(table), "recipients")
    order = [wording.short(str(row[label]).replace("_", " "), 36) for row in rows]
    traces = [_bars(part, label, "recipients", [colour] * len(part), name=kind) for kind, colour in KIND_COLOURS.items() if (part := [row for row in rows if row["kind"] == kind])]
    total = sum(row["recipients"] or 0 for row in _records(table))
    caption = f"Recipients whose mail came back, by cause; percentages are of all {wording.count(total)}."
    axes = _bar_axes(rows, "recipients")
    axes["yaxis"] |= {"categoryorder": "array", "categoryarray": order}
    return _figure(traces, title, caption, table, height=_tall(rows) + 30, showlegend=True, barmode="overlay", **axes)


def _bounces_by_day(table: pd.DataFrame) -> go.Figure:
    rows = _records(table)
    days = sorted({str(row["day"])[:10] for row in rows})
    sums = {(str(row["day"])[:10], row["kind"]): 0 for row in rows}
    for row in rows:
        sums[str(row["day"])[:10], row["kind"]] += row["recipients"] or 0
    traces = [{"type": "bar", "name": kind, "x": days, "y": [sums.get((day, kind), 0) for day in days], "marker": {"color": colour}}
              for kind, colour in KIND_COLOURS.items() if any((day, kind) in sums for day in days)]
    return _figure(traces, "When did mail come back?", f"Recipients whose mail came back per day (UTC), {wording.count(sum(sums.values()))} in all.", table,
                   height=320, barmode="stack", showlegend=True, xaxis={"type": "category"}, yaxis={"tickformat": ",d", "nticks": 5})


def _bounces_by_provider(table: pd.DataFrame) -> go.Figure:
    rows = _records(table)
    sums: dict[tuple[str, str], int] = {}
    for row in rows:
        key = str(row["provider"]), str(row["category"]).replace("_", " ")
        sums[key] = sums.get(key, 0) + (row["recipients"] or 0)
    providers, categories = (_by_size(sums, side) for side in (0, 1))
    cells = [[sums.get((provider, category), 0) for provider in providers] for category in categories]
    totals = [sum(column) for column in zip(*cells, strict=True)]
    shares = [[count / total if total else None for count, total in zip(line, totals, strict=True)] for line in cells]
    trace = {"type": "heatmap", "x": providers, "y": categories, "z": shares, "text": [[wording.count(count) if count else "" for count in line] for line in cells],
             "texttemplate": "%{text}", "zmin": 0, "zmax": 1, "showscale": False, "xgap": 2, "ygap": 2, "hoverinfo": "skip", "colorscale": [[0, INK["paper"]], [1, INK["blue"]]]}
    caption = f"Recipients whose mail came back ({wording.count(sum(totals))} in all): cause by mailbox provider. The darker, the larger the cause's share within its provider."
    return _figure([trace], "Which provider refused, and why?", caption, table, height=90 + 34 * len(categories), yaxis={"autorange": "reversed"}, xaxis={"side": "top", "tickangle": 0})


def _by_size(sums: dict[tuple[str, str], int], side: int) -> list[str]:
    """The names on one side of a cross table, largest sum first, then by name."""
    totals: dict[str, int] = {}
    for key, number in sums.items():
        totals[key[side]] = totals.get(key[side], 0) + number
    return sorted(totals, key=lambda name: (-totals[name], name))


def _rates(table: pd.DataFrame) -> go.Figure:
    """Rates with their intervals, one line per group, one panel per rate: what overlaps can't be told apart."""
    group = next((column for column in table.columns if column in GROUPS and (column != "campaign" or table[column].nunique() > 1)), str(table.columns[0]))
    rows = _records(table)[:SHOWN_ROWS * 2]
    names = [wording.short(str(row[group]), 24) for row in rows]
    traces, layout = [], {}
    for panel, (column, (title, of, colour)) in enumerate(RATES.items(), start=1):
        traces.append(_dots(rows, names, column, colour, panel))
        layout[f"xaxis{panel}"] = {"domain": [(panel - 1) * 0.345, (panel - 1) * 0.345 + 0.31], "tickformat": ".0%", "nticks": 4, "side": "top", "rangemode": "normal",
                                   "title": {"text": f"<b>{title}</b><br>of {of}", "font": {"color": colour, "size": 12}, "standoff": 8}}
    caption = f"{' · '.join(f'{title}: share of {of}' for title, of, _ in RATES.values())}. Lines are 95% intervals; where they overlap, a difference may be chance. Each panel has its own scale."
    return _figure(traces, f"How do {PLURALS.get(group, group)} compare?", caption, table, height=110 + 30 * len(rows), yaxis={"autorange": "reversed", "type": "category"}, **layout)


PLURALS = {"campaign": "campaigns", "provider": "mailbox providers", "domain": "domains", "day": "days"}


def _dots(rows: list[dict[str, Any]], names: list[str], column: str, colour: str, panel: int) -> dict[str, Any]:
    shares = [row.get(column) for row in rows]
    error = {side: [abs((row.get(f"{column}_{bound}") or 0) - (row.get(column) or 0)) for row in rows] for side, bound in (("array", "high"), ("arrayminus", "low"))}
    return {"type": "scatter", "mode": "markers", "x": shares, "y": names, "xaxis": f"x{panel}" if panel > 1 else "x", "marker": {"color": colour, "size": 9},
            "error_x": {"type": "data", "symmetric": False, "color": colour, "thickness": 2, "width": 0, **error}, "hovertemplate": "%{y}: %{x:.1%}<extra></extra>"}


def _time_axis() -> dict[str, Any]:
    """Time on a logarithmic axis, with ticks where people have words for it."""
    ticks = [1, 10, 60, 600, 3600, 6 * 3600, 86400, 7 * 86400]
    return {"type": "log", "tickvals": ticks, "ticktext": [wording.duration(tick) for tick in ticks], "title": {"text": "time since delivery"}}


def _figure(traces: list[dict[str, Any]], title: str, caption: str, table: pd.DataFrame, **layout: Any) -> go.Figure:
    """The house style around some traces; the table goes along for the page's data table and CSV."""
    import plotly.graph_objects as go

    axis = {"gridcolor": INK["grid"], "zeroline": False, "automargin": True, "tickfont": {"color": INK["ink"]}, "title": {"font": {"color": INK["quiet"], "size": 12}}, "fixedrange": True}
    for name in {"xaxis", "yaxis", *(key for key in layout if key[1:].startswith("axis"))}:
        layout[name] = axis | {"title": axis["title"]} | layout.get(name, {})
    layout["yaxis"] = {"ticksuffix": "  ", "showgrid": False} | layout["yaxis"]
    style = {
        "template": "none", "font": {"family": FONT, "size": 13, "color": INK["ink"]}, "paper_bgcolor": INK["paper"], "plot_bgcolor": INK["paper"],
        "title": {"text": f"<b>{title}</b>", "x": 0, "xref": "container", "pad": {"l": 16}, "font": {"size": 16}}, "margin": {"l": 16, "r": 16, "t": 56, "b": 24}, "showlegend": False,
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "title": {"text": ""}}, "dragmode": False,
        "meta": {"title": title, "caption": caption, "columns": [str(column) for column in table.columns], "rows": _records(table)},
    }
    return go.Figure(json.loads(json.dumps({"data": traces, "layout": style | layout})))
