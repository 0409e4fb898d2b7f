"""
A table in, something to look at out: a plotly figure, or an HTML table.

Each chart has the name of the measure it draws. Its caption carries numerator and denominator, and
the table itself travels in `layout.meta`, so that a report page can offer the numbers beside the
picture. Colours tell nothing alone: every mark is labelled. They come from one palette, whose dark
twin a page puts in place by name.
"""

from __future__ import annotations

import html as _html
import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from math import ceil, floor, log10
from typing import TYPE_CHECKING, Any

from cxtools import wording

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

#: What the bundle of report/assets can draw. A trace that is missing there would be drawn as a line
#: without any error.
TRACES = ("bar", "funnel", "heatmap", "scatter")

#: Light colours and their dark twins. Blue, orange and green stay apart for every kind of colour
#: blindness (after Okabe and Ito).
PALETTE = {
    "paper": ("#ffffff", "#161d26"),
    "ink": ("#1c2733", "#e8edf2"),
    "quiet": ("#566574", "#a7b4c1"),
    "grid": ("#e3e8ee", "#2c3845"),
    "blue": ("#1f6fb2", "#62aee8"),
    "sky": ("#a9cbe8", "#2f5f87"),
    "green": ("#17806d", "#46bfa6"),
    "orange": ("#c4571a", "#f0935a"),
    "amber": ("#e0a12e", "#e8bb62"),
    "violet": ("#6a5aa8", "#a99ae6"),
    "grey": ("#97a3b0", "#76838f"),
}
INK = {name: light for name, (light, _) in PALETTE.items()}
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"

KIND_COLOURS = {
    "hard": INK["orange"],
    "soft": INK["amber"],
    "block": INK["violet"],
    "undetermined": INK["grey"],
    "none": INK["sky"],
}
STAGES = {
    "attempted": "Attempted",
    "delivered": "Delivered",
    "opened": "Opened",
    "clicked": "Clicked",
}
#: Stage -> the rate that is missing where it isn't measured.
NEEDS = {"opened": "open_rate", "clicked": "click_rate"}
RATES = {
    "delivery_rate": ("Delivered", "attempted", INK["green"]),
    "open_rate": ("Opened", "delivered", INK["blue"]),
    "click_rate": ("Clicked", "delivered", INK["orange"]),
}
#: Moments are known of images loaded and of links followed; the funnel's "opened" counts who did
#: either.
ACTS = {
    "open": ("Images loaded", "First images loaded", INK["blue"]),
    "click": ("Clicked", "First click", INK["orange"]),
}
NOT_OPENED = "The funnel's opened counts clicks without images as well."
#: What the rows of a table can stand for -> their plural.
GROUPS = {
    "provider": "mailbox providers",
    "domain": "domains",
    "job": "jobs",
    "day": "days",
    "hour": "hours of the day",
    "weekday": "weekdays",
    "campaign": "campaigns",
}
#: The columns which a reader wants of a measure; the others only repeat them. Measures not named
#: here are shown whole.
COLUMNS = {
    "bounces": ("category", "kind", "recipients", "share", "rate"),
    "reasons": ("reason", "recipients", "share", "category", "kind", "confidence", "bounce_code"),
    "links": ("link_url", "purpose", "clickers", "share", "clicks"),
    "curve": ("kind", "hours", "recipients", "cumulative", "rate"),
    "suspects": ("meaning", "clickers", "total", "share"),
    "funnel": (*STAGES, "clicks_without_open", *RATES),
    "jobs": (
        "job_id",
        "attempted",
        "delivered",
        "bounced",
        "first_at",
        "last_at",
        "delivery_median_s",
        "delivery_p90_s",
    ),
    "data_quality": ("meaning", "count", "total", "share"),
}
COLUMNS["comparison"] = COLUMNS["funnel"]
NOTES = {
    "suspects": "Of all who followed any link, unsubscribe and preference links too; the funnel's clicked leaves those links out."
}
UNSPLIT = "Drawn for one campaign at a time, and unsplit; the table has the numbers of all."
UNTIMED = "No open and no click has a known time yet."
#: What is said in place of a table without rows, and in place of bars, by what they would count.
EMPTY = {"reasons": "No bounces.", "suspects": "No click is known."}
NO_BARS = {
    "recipients": "No bounces.",
    "clickers": "No click is known.",
    "attempted": "No send job is known yet.",
}
#: What a page shows of a table or draws of it, and what travels beside a chart for its data table
#: and CSV: no feed makes a page too large.
SHOWN_ROWS, KEPT_ROWS, KEPT_TEXT = 20, 200, 200
ROW_PX, BAR_PX = 46, 17
#: Columns that stand beside their share, as its interval.
BOUNDS = re.compile(r".+_(low|high)")


def funnel(table: pd.DataFrame) -> go.Figure:
    """
    How far the mail got: one row is drawn as a funnel, several (campaigns, providers, …) as rates
    with their intervals.
    """
    if group := _group(table):
        return _rates(table) if len(table) > 1 else _alone(table, group)
    row = _records(table)[0] if len(table) else {}
    if not row.get("attempted"):
        return _sentence(
            "How far did the mail get?", "No delivery or bounce has been reported yet.", table
        )
    stages = [
        stage
        for stage in STAGES
        if not row["delivered"] or row.get(NEEDS.get(stage, "attempted")) is not None
    ]
    counts = [row.get(stage) or 0 for stage in stages]
    attempted, delivered, clicked = (
        row.get(stage) or 0 for stage in ("attempted", "delivered", "clicked")
    )
    text = [
        f"<b>{wording.count(count)}</b>  {wording.percent(count / attempted)}" for count in counts
    ]
    trace = {
        "type": "funnel",
        "y": [STAGES[stage] for stage in stages],
        "x": counts,
        "text": text,
        "textinfo": "text",
        "textposition": "auto",
        "hoverinfo": "skip",
        "marker": {"color": [INK["sky"], INK["green"], INK["blue"], INK["orange"]]},
        "cliponaxis": False,
        "connector": {"fillcolor": INK["grid"], "line": {"width": 0}},
        "constraintext": "none",
        "insidetextfont": {"color": [INK["ink"], INK["paper"], INK["paper"], INK["paper"]]},
    }
    caption = (
        f"Distinct recipients; percentages are of the {wording.count(attempted)} attempted. "
        f"{wording.count(delivered)} {wording.was(delivered)} delivered ({_interval(row, 'delivery_rate', wording.within)})"
    )
    lacking = ", ".join(STAGES[stage].lower() for stage in STAGES if stage not in stages)
    caption += (
        ", so nobody could open or click."
        if not delivered
        else f"; not measured, as the feed holds none: {lacking}."
        if lacking
        else f"; {wording.count(clicked)} of these {wording.count(delivered)} clicked ({_interval(row, 'click_rate', wording.within)})."
    )
    return _figure(
        [trace],
        "How far did the mail get?",
        caption,
        table,
        height=56 + 58 * len(stages),
        yaxis={"autorange": "reversed"},
    )


def comparison(table: pd.DataFrame) -> go.Figure:
    """A campaign among earlier ones, their rates with their intervals."""
    alone = "There is nothing to compare with yet: no earlier campaign is known."
    return _rates(table) if len(table) > 1 else _sentence("How do campaigns compare?", alone, table)


def bounces(table: pd.DataFrame) -> go.Figure:
    """
    Why mail came back: causes as bars; split by `day` the kinds over time, split by anything else a
    map of causes.
    """
    group = _group(table)
    if not group or not len(table):
        return _causes(table, "category", "Why did mail come back?")
    if not (parts := table[group].nunique()):
        return _sentence("Why did mail come back?", "No bounce has a known time yet.", table)
    if parts == 1:
        return _alone(table, group, "that came back ")
    return _bounces_by_day(table) if group == "day" else _bounces_by(table, group)


def reasons(table: pd.DataFrame) -> go.Figure:
    """What the receiving servers said, most frequent first."""
    return _causes(table, "reason", "What did the receiving servers say?")


def links(table: pd.DataFrame) -> go.Figure:
    """
    Which links were followed: people per link. They don't add up, since one person may follow
    several.
    """
    rows = _top(_records(table), "clickers")
    caption = "People per link, and their share of all who clicked anything. One person may follow several, so shares don't add up to 100%."
    names = [re.sub("^https?://", "", row["link_url"]) for row in rows]
    colours = [INK["grey" if row.get("purpose") == "unsubscribe" else "blue"] for row in rows]
    return _bars(rows, "clickers", names, colours, "Which links were followed?", caption, table)


def curve(table: pd.DataFrame) -> go.Figure:
    """How opens and clicks came in over the time since delivery."""
    rows = _records(table)
    if not rows or _group(table):
        return _sentence("How soon did people react?", UNSPLIT if rows else UNTIMED, table)
    last, most = max(row["hours"] for row in rows), max(row["rate"] for row in rows)
    traces = [
        _line(own, name, colour, most)
        for kind, (name, _, colour) in ACTS.items()
        if (own := [row for row in rows if row["kind"] == kind])
    ]
    ticks = {1: "1 h", 4: "4 h", 12: "12 h", 24: "1 d", 72: "3 d", 168: "7 d", 720: "30 d"}
    ends = ", ".join(
        f"{trace['name'].lower()} {wording.percent(trace['y'][-1])}" for trace in traces
    )
    caption = (
        f"Share of the {wording.count(rows[0]['delivered'])} delivered whose images were loaded, or who had clicked, by then; "
        f"at the end {ends}. {NOT_OPENED} Some are machines."
    )
    if last == 1:
        return _sentence(
            "How soon did people react?",
            f"All who reacted did so within the first hour: {ends}.",
            table,
        )
    return _figure(
        traces,
        "How soon did people react?",
        caption,
        table,
        height=360,
        hovermode="x",
        xaxis={
            "type": "log",
            "tickvals": list(ticks),
            "ticktext": list(ticks.values()),
            "range": [-0.05, log10(max(last, 12)) + 0.05],
            "title": {"text": "time since delivery", "standoff": 6},
        },
        yaxis={"tickformat": ".3~%", "range": [0, most * 1.15], "nticks": 5, "showgrid": True},
    )


def timing(table: pd.DataFrame) -> go.Figure:
    """
    The time to the first open and click: from the median (dot) to the slowest tenth (end of the
    line).
    """
    rows = [row for row in _records(table) if row["median_s"] is not None]
    if not rows or _group(table):
        return _sentence("How long does it take?", UNSPLIT if rows else UNTIMED, table)
    traces = [_reach(row) | {"y": [place] * 3} for place, row in enumerate(rows)]
    labels = [
        _label(place, f"{ACTS[row['kind']][1]}: {wording.counted(row['recipients'], 'recipient')}")
        for place, row in enumerate(rows)
    ]
    ticks = (1, 10, 60, 600, 3600, 6 * 3600, 86400, 7 * 86400)
    caption = (
        "Time from delivery to the first images loaded, and to the first click: half of those who did so had by the large dot, "
        f"three quarters by the next, nine tenths by the last. {NOT_OPENED}"
    )
    low, high = (
        log10(edge(second for trace in traces for second in trace["x"])) for edge in (min, max)
    )
    room = max(0.12 * (high - low), 0.3)  # half a label
    return _figure(
        traces,
        "How long does it take?",
        caption,
        table,
        annotations=labels,
        height=90 + 70 * len(rows),
        yaxis=_places(len(rows)),
        xaxis={
            "type": "log",
            "tickvals": ticks,
            "range": [low - room, high + room],
            "ticktext": [wording.duration(tick) for tick in ticks],
        },
    )


def _reach(row: dict[str, Any]) -> dict[str, Any]:
    """
    A line through some quantiles; one that repeats the one before it is not written again. A log
    axis has no 0: it stands at 0.1 s.
    """
    names = ("median_s", "p75_s", "p90_s")
    text = [wording.duration(row[name]) for name in names]
    return {
        "type": "scatter",
        "mode": "lines+markers+text",
        "x": [max(row[name], 0.1) for name in names],
        "text": [said if said not in text[:place] else "" for place, said in enumerate(text)],
        "textposition": ["bottom center", "top center", "bottom center"],
        "cliponaxis": False,
        "hoverinfo": "skip",
        "line": {"color": ACTS[row["kind"]][2], "width": 3},
        "marker": {"size": [12, 8, 8], "opacity": 1},
    }


def jobs(table: pd.DataFrame) -> go.Figure:
    """How large each send job was, and how soon its mail arrived."""
    rows = _top(_records(table), "attempted")
    text = [
        f"<b>{wording.count(row['attempted'])}</b>  {wording.duration(row.get('delivery_median_s'))}"
        for row in rows
    ]
    caption = "Recipients with a delivery or a bounce per send job, and the median time from the job's first event to a delivery."
    names, colours = [row["job_id"] or "no job" for row in rows], [INK["green"]] * len(rows)
    return _bars(
        rows, "attempted", names, colours, "How did the send jobs go?", caption, table, text
    )


CHARTS: dict[str, Callable[[Any], Any]] = {
    chart.__name__: chart
    for chart in (funnel, comparison, bounces, reasons, links, curve, timing, jobs)
}


def html(table: pd.DataFrame) -> str:
    """
    A table as people read it: headings in words, shares in percent with their interval beside them,
    missing as a dash.

    >>> import pandas as pd
    >>> html(pd.DataFrame({"provider": ["gmail"], "delivered": [9412]}))
    '<table>...<th scope="col" class="n">Delivered</th></tr></thead><tbody><tr><td>gmail</td><td
    class="n">9,412</td></tr></tbody></table>'
    """
    rows, measure = _records(table), getattr(table, "_measure", "")
    if not rows and measure in EMPTY:
        return f"<p>{EMPTY[measure]}</p>"
    if measure == "data_quality":  # a finding is news; the checks without one are only counted
        found = [row for row in rows if row["count"] != 0]
        caption = f"{wording.counted(len(rows) - len(found), 'other check')} found nothing." * (
            rows != found
        )
        return html_table(_shown(table), found, caption)
    return html_table(
        _shown(table), rows[:SHOWN_ROWS], NOTES.get(measure, "") + cut(SHOWN_ROWS, len(rows))
    )


def _shown(table: pd.DataFrame) -> list[str]:
    """
    The columns for readers: those of COLUMNS, the dimensions, and the campaign where there are
    several.
    """
    own = [str(column) for column in table.columns]
    wanted = COLUMNS.get(getattr(table, "_measure", ""), tuple(own))
    groups = [
        column
        for column in own
        if column in GROUPS and (column != "campaign" or table[column].nunique() > 1)
    ]
    return groups + [column for column in wanted if column in own and column not in GROUPS]


def text(table: pd.DataFrame, width: int = 120) -> str:
    """
    The same for a terminal: shares in percent without their intervals, the widest column cut where
    lines would be longer than *width*.

    >>> import pandas as pd
    >>> print(text(pd.DataFrame({"provider": ["gmail", "other"], "delivered": [9412, 7], "click_rate": [0.0956, None]})))
    Provider  Delivered  Click rate
    gmail         9,412        9.6%
    other             7           –
    """
    columns, rows = (
        [column for column in _shown(table) if not BOUNDS.fullmatch(column)],
        _records(table),
    )
    words = (
        [
            _written(name, row | {f"{name}_low": None}).replace("not measured", wording.MISSING)
            for name in columns
        ]
        for row in rows
    )
    lines = [list(map(wording.label, columns)), *words]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    room = max(20, width + max(widths) - sum(widths) - 2 * (len(widths) - 1))
    looks = [
        f"{'>' if any(isinstance(row[name], int | float) for row in rows) else '<'}{min(wide, room)}"
        for name, wide in zip(columns, widths, strict=True)
    ]
    return "\n".join(
        "  ".join(map(format, [wording.short(cell, room) for cell in line], looks)).rstrip()
        for line in lines
    )


def cut(shown: int, of: int) -> str:
    """
    What to say where only some rows are shown; "" where all are.

    >>> cut(20, 4250), cut(20, 20)
    (' Shown are 20 of 4,250; there are 4,230 more.', '')
    """
    return (
        f" Shown are {shown} of {wording.count(of)}; there are {wording.count(of - shown)} more."
        if of > shown
        else ""
    )


def html_table(columns: Sequence[str], rows: Sequence[dict[str, Any]], caption: str = "") -> str:
    """The same from plain rows: the form in which a figure carries its table."""
    shown = [column for column in columns if not BOUNDS.fullmatch(column)]
    look = {
        column: ' class="n"' if any(isinstance(row[column], int | float) for row in rows) else ""
        for column in shown
    }
    head = "".join(
        f'<th scope="col"{look[column]}>{_html.escape(wording.label(column))}</th>'
        for column in shown
    )
    body = "".join(
        f"<tr>{''.join(_cell(column, row, look[column]) for column in shown)}</tr>" for row in rows
    )
    title = f"<caption>{_html.escape(caption.strip())}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(column: str, row: dict[str, Any], look: str) -> str:
    text, whole = _written(column, row), str(row[column])
    hint = f' title="{_html.escape(whole)}"' if "…" in text and "…" not in whole else ""
    return f"<td{look}{hint}>{_html.escape(text)}</td>"


def _written(column: str, row: dict[str, Any]) -> str:
    """One value in the words of its column: the ending of the name tells the unit."""
    given = row[column]
    unmeasured = row.get("delivered") and column in NEEDS and row.get(NEEDS[column], given) is None
    if unmeasured or not wording.known(given) or given == "":
        return "not measured" if unmeasured or column == "count" else wording.MISSING
    if column.endswith(("rate", "share")):
        return _interval(row, column)
    if column == "confidence":
        return wording.percent(given, 0)
    if column.endswith("_s"):
        return wording.duration(given)
    if column.endswith("_at"):
        return wording.moment_text(datetime.fromisoformat(given))
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, int | float):
        return wording.count(given)
    return wording.short(_worded(column, given), 60 if column.endswith("_url") else 300)


def _worded(column: str, text: str) -> str:
    """Our own identifiers as words; what others wrote stays as it is."""
    return text.replace("_", " ") if column in ("category", "check") else text


def _interval(
    row: dict[str, Any], column: str, write: Callable[..., str] = wording.interval
) -> str:
    return write(row.get(column), row.get(f"{column}_low"), row.get(f"{column}_high"))


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain JSON values; missing is None."""
    return [
        {str(column): _plain(value) for column, value in row.items()}
        for row in table.to_dict("records")
    ]


def _plain(value: Any) -> Any:
    if not wording.known(value):
        return None
    return (
        value.isoformat()
        if isinstance(value, datetime)
        else wording.short(value, KEPT_TEXT)
        if isinstance(value, str)
        else value
    )


def _top(rows: list[dict[str, Any]], by: str) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: -(row[by] or 0))[:SHOWN_ROWS]


def _label(place: int, text: str) -> dict[str, Any]:
    """A row's name above its mark, so that it takes no width from it: readable on a phone."""
    return {
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": place,
        "yanchor": "bottom",
        "yshift": BAR_PX // 2 + 1,
        "showarrow": False,
        "text": _html.escape(wording.short(text, 48)),
        "font": {"color": INK["ink"]},
        "bgcolor": INK["paper"],
        "borderpad": 1,
    }


def _places(number: int) -> dict[str, Any]:
    """An axis of rows from the top down, named by labels instead of ticks."""
    return {"range": [number - 0.5, -0.65], "showticklabels": False, "showgrid": False}


def _bars(
    rows: list[dict[str, Any]],
    size: str,
    names: list[str],
    colours: list[str],
    title: str,
    caption: str,
    table: pd.DataFrame,
    text: list[str] | None = None,
) -> go.Figure:
    """
    Horizontal bars without ticks, each with its number and share at its end, where there is room
    for them, and its name above.
    """
    if not rows:
        return _sentence(title, NO_BARS[size], table)
    text = text or [
        f"<b>{wording.count(row[size])}</b>  {wording.percent(row.get('share'))}" for row in rows
    ]
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": list(range(len(rows))),
        "x": [row[size] for row in rows],
        "text": text,
        "textposition": "outside",
        "cliponaxis": False,
        "width": BAR_PX / ROW_PX,
        "marker": {"color": colours},
        "hoverinfo": "skip",
        "textfont": {"color": INK["ink"]},
    }
    most = max(row[size] for row in rows) or 1
    caption += cut(len(rows), len(table))
    return _figure(
        [trace],
        title,
        caption,
        table,
        yaxis=_places(len(rows)),
        xaxis={"visible": False, "range": [0, most * 1.45]},
        height=60 + ROW_PX * len(rows),
        annotations=[_label(place, name) for place, name in enumerate(names)],
    )


def _line(rows: list[dict[str, Any]], name: str, colour: str, most: float) -> dict[str, Any]:
    """A cumulative line with its name and last value at its end."""
    text = [""] * (len(rows) - 1) + [f"<b>{name} {wording.percent(rows[-1]['rate'])}</b>"]
    side = "right" if rows[-1]["hours"] < 4 else "left"  # where there is room
    place = (
        "bottom" if name == ACTS["click"][0] and rows[-1]["rate"] > 0.85 * most else "top"
    )  # not onto the other line's name
    return {
        "type": "scatter",
        "mode": "lines+text" if len(rows) > 1 else "markers+text",
        "name": name,
        "x": [row["hours"] for row in rows],
        "y": [row["rate"] for row in rows],
        "text": text,
        "textposition": f"{place} {side}",
        "textfont": {"color": colour},
        "marker": {"color": colour, "size": 9},
        "line": {"color": colour, "width": 2.5, "shape": "hv"},
        "cliponaxis": False,
        "hovertemplate": f"{name}: %{{y:.1%}} after %{{x}} h<extra></extra>",
    }


def _causes(table: pd.DataFrame, label: str, title: str) -> go.Figure:
    """Bars of causes, coloured by kind of bounce, the kind also in words."""
    rows = _records(table)
    total = sum(row["recipients"] for row in rows)
    rows = _top(rows, "recipients")
    names = [
        f"{_worded('category', row[label] or row['category'])} · {row['kind']}" for row in rows
    ]
    caption = f"Recipients whose mail came back, by cause; percentages are of {'all ' * (total > 1)}{wording.counted(total, 'bounce')}."
    return _bars(
        rows,
        "recipients",
        names,
        [KIND_COLOURS[row["kind"]] for row in rows],
        title,
        caption,
        table,
    )


def _bounces_by_day(table: pd.DataFrame) -> go.Figure:
    sums = table.pivot_table("recipients", "kind", "day", "sum", fill_value=0).iloc[:, -KEPT_ROWS:]
    traces = [
        {
            "type": "bar",
            "name": kind,
            "x": list(sums.columns),
            "y": list(sums.loc[kind]),
            "marker": {"color": colour},
        }
        for kind, colour in KIND_COLOURS.items()
        if kind in sums.index
    ]
    caption = f"Recipients whose mail came back, by the day (UTC) of their message; {wording.count(table['recipients'].sum())} in all."
    return _figure(
        traces,
        "When did mail come back?",
        caption,
        table,
        height=320,
        barmode="stack",
        showlegend=True,
        xaxis={"type": "category"},
        yaxis={"tickformat": ",d", "nticks": 5},
    )


def _bounces_by(table: pd.DataFrame, group: str) -> go.Figure:
    sums = table.pivot_table("recipients", "category", group, "sum", fill_value=0)
    groups, sums = (
        sums.shape[1],
        sums.loc[_by_size(sums.sum(axis=1)), _by_size(sums.sum())[:SHOWN_ROWS]],
    )
    trace = {
        "type": "heatmap",
        "x": [str(name) for name in sums.columns],
        "y": [_worded("category", name) for name in sums.index],
        "z": [
            [share or None for share in line] for line in (sums / sums.sum()).to_numpy().tolist()
        ],
        "text": [
            [wording.count(count) if count else "" for count in line]
            for line in sums.to_numpy().tolist()
        ],
        "texttemplate": "%{text}",
        "zmin": 0,
        "zmax": 1,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "hoverinfo": "skip",
        "colorscale": [[0, INK["paper"]], [1, INK["blue"]]],
    }
    caption = (
        f"Recipients whose mail came back ({wording.count(table['recipients'].sum())} in all): cause by {_one(group)}. "
        "The stronger the colour, the larger the cause's share within its column."
        + cut(sums.shape[1], groups)
    )
    title = (
        f"Which {_one(group)} refused, and why?"
        if group in ("provider", "domain")
        else f"Which causes at which {_one(group)}?"
    )
    return _figure(
        [trace],
        title,
        caption,
        table,
        height=90 + 34 * len(sums),
        yaxis={"autorange": "reversed"},
        xaxis={
            "side": "top",
            "showgrid": False,
            "tickangle": None,
            "autotickangles": [0, -40, -90],
        },
    )


def _by_size(sums: pd.Series) -> pd.Index:
    """The names of some sums, largest sum first, then by name."""
    return sums.sort_values(ascending=False, kind="stable").index


def _group(table: pd.DataFrame) -> str:
    """What the rows stand for; "" when they aren't split and belong to one campaign."""
    return next(
        (
            column
            for column in GROUPS
            if column in table and (column != "campaign" or table[column].nunique() > 1)
        ),
        "",
    )


def _one(group: str) -> str:
    return {"provider": "mailbox provider", "hour": "hour of the day"}.get(group, group)


def _alone(table: pd.DataFrame, group: str, which: str = "") -> go.Figure:
    """A split into one part compares nothing, and says so."""
    name = f", {table[group].iloc[0]}" if len(table) else ""
    return _sentence(
        f"How do {GROUPS[group]} compare?",
        f"There is nothing to compare: all mail {which}belongs to one {_one(group)}{name}."
        if name
        else "There is nothing to compare: no delivery or bounce has been reported yet.",
        table,
    )


def _sentence(title: str, text: str, table: pd.DataFrame) -> go.Figure:
    """
    What there is to say where there is nothing to draw; a page prints it in place of the figure.
    """
    words = {
        "text": text,
        "x": 0,
        "y": 1,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "top",
        "align": "left",
        "showarrow": False,
        "font": {"size": 14},
    }
    return _figure(
        [],
        title,
        text,
        table,
        height=110,
        annotations=[words],
        xaxis={"visible": False},
        yaxis={"visible": False},
    )


def _rates(table: pd.DataFrame) -> go.Figure:
    """
    Rates with their intervals, one line per group, one panel per rate: what overlaps can't be told
    apart.
    """
    group = _group(table) or "campaign"
    rows = _records(table)
    rows = (
        rows[-SHOWN_ROWS:]
        if group in ("campaign", "day", "hour", "weekday")
        else _top(rows, "attempted")
    )  # time has its own order
    traces, layout = [], {}
    known = {
        column: words
        for column, words in RATES.items()
        if any(row.get(column) is not None for row in rows)
    }
    pitch = 1.065 / len(known)
    for panel, (column, (title, _, colour)) in enumerate(known.items(), start=1):
        traces.append(_dots(rows, group, column, colour, panel))
        layout[f"xaxis{panel}"] = {
            "domain": [(panel - 1) * pitch, (panel - 1) * pitch + pitch - 0.065],
            "tickformat": ".2~%",
            "tickvals": _ticks(rows, column),
            "side": "top",
            "title": {
                "text": f"<b>{title}</b>",
                "font": {"color": colour, "size": 14},
                "standoff": 6,
            },
        }
    shares = ", ".join(f"{title.lower()} of {of}" for title, of, _ in known.values())
    caption = (
        f"Shares: {shares}. Lines are 95% intervals; where they overlap, a difference may be chance. Each panel has its own scale."
        + cut(len(rows), len(table))
    )
    labels = [
        _label(place, f"{row[group]}  ({wording.count(row['attempted'])})") | {"yshift": 5}
        for place, row in enumerate(rows)
    ]
    return _figure(
        traces,
        f"How do {GROUPS[group]} compare?",
        caption,
        table,
        height=120 + 40 * len(rows),
        yaxis=_places(len(rows)),
        annotations=labels,
        **layout,
    )


def _ticks(rows: list[dict[str, Any]], column: str) -> list[float]:
    """Two round shares within the intervals: as many as a third of a phone's width holds."""
    low, high = (
        edge(
            [share for row in rows if (share := row.get(f"{column}_{bound}")) is not None],
            default=0.0,
        )
        for edge, bound in ((min, "low"), (max, "high"))
    )
    for step in (0.5, 0.25, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001):
        ticks = [
            round(place * step, 4) for place in range(ceil(low / step), floor(high / step) + 1)
        ]
        if len(ticks) > 1:
            return [ticks[0], ticks[-1]]
    return [round(high, 3)]


def _dots(
    rows: list[dict[str, Any]], group: str, column: str, colour: str, panel: int
) -> dict[str, Any]:
    error = {
        side: [abs((row.get(f"{column}_{bound}") or 0) - (row.get(column) or 0)) for row in rows]
        for side, bound in (("array", "high"), ("arrayminus", "low"))
    }
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [row.get(column) for row in rows],
        "y": list(range(len(rows))),
        "xaxis": f"x{panel}" if panel > 1 else "x",
        "marker": {"color": colour, "size": 9},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "color": colour,
            "thickness": 2,
            "width": 0,
            **error,
        },
        "text": [str(row[group]) for row in rows],
        "hovertemplate": "%{text}: %{x:.1%}<extra></extra>",
    }


def _figure(
    traces: list[dict[str, Any]], title: str, caption: str, table: pd.DataFrame, **layout: Any
) -> go.Figure:
    """
    The house style around some traces; the table goes along for the page's data table and CSV.
    """
    import plotly.graph_objects as go

    axis = {
        "gridcolor": INK["grid"],
        "zeroline": False,
        "ticks": "",
        "tickangle": 0,
        "automargin": True,
        "tickfont": {"color": INK["ink"]},
        "fixedrange": True,
    }
    for name in {"xaxis", "yaxis", *(key for key in layout if key[1:].startswith("axis"))}:
        given = layout.get(name, {})
        layout[name] = (
            axis
            | given
            | {"title": {"font": {"color": INK["quiet"], "size": 12}} | given.get("title", {})}
        )
    layout["yaxis"] = {"ticksuffix": "  ", "showgrid": False} | layout["yaxis"]
    style = {
        "template": "none",
        "font": {"family": FONT, "size": 13, "color": INK["ink"]},
        "paper_bgcolor": INK["paper"],
        "plot_bgcolor": INK["paper"],
        "title": {
            "text": f"<b>{title}</b>",
            "x": 0,
            "xref": "container",
            "pad": {"l": 16},
            "font": {"size": 16},
        },
        "margin": {"l": 16, "r": 16, "t": 56, "b": 8},
        "showlegend": False,
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "entrywidth": 60},
        "dragmode": False,
        "meta": {
            "title": title,
            "caption": caption,
            "columns": [str(column) for column in table.columns],
            "shown": _shown(table),
            "rows": _records(table.head(KEPT_ROWS)),
            "of": len(table),
        },
    }
    return go.Figure(json.loads(json.dumps({"data": traces, "layout": style | layout})))
