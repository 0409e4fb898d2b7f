"""
What is shown of a choice: figures, tables, files to take along, and the people behind a bar.

A figure is shown as plotly's MIME type in an Output widget. A FigureWidget would add five megabytes
to every saved notebook.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from cxtools import wording
from cxtools.charts.still import plain, still
from cxtools.errors import CxError, StoreError
from cxtools.explorer.choice import TREND, Choice, changes
from cxtools.measures import people
from cxtools.measures.ages import youngest_age
from cxtools.measures.answers import answer as answer_question
from cxtools.measures.choices import quoted
from cxtools.measures.cuts import AsOf
from cxtools.measures.engine import Engine
from cxtools.measures.people import Behind
from cxtools.measures.table import Table
from cxtools.sheets import csv_text

if TYPE_CHECKING:
    import plotly.graph_objects as go

FIGURE = "application/vnd.plotly.v1+json"
#: Rows of people and texts that are shown; the files have all of them.
ROWS_SHOWN = 50
#: What is shown of people beside their address.
PEOPLE_SHOWN = ("provider", "kind", "bounce_code", "bounce_text")
#: Rows of a file that stands in the notebook itself.
ROWS_TAKEN = 20_000
#: Cells of a sheet that is made without being asked for: more take longer than a figure.
SHEET_CELLS = 3000
#: Values of a segment to choose from; others can be typed.
VALUES_LISTED = 200
#: What is counted of campaigns as they are chosen: by what they are split.
COUNTED_AHEAD: tuple[tuple[str, ...], ...] = ((), ("domain",))
#: What stands for a text where a server gave no reason at all.
NO_WORDS = "no words"
#: What stands in the place of a filter that isn't set.
ALL = "all"

#: One thing that an Output shows, in the notebook's own form.
Output = dict[str, Any]


@dataclass(frozen=True)
class Campaign:
    """A campaign to choose: its name, and the day on which it began, "" where nobody knows."""

    name: str
    day: str

    @property
    def label(self) -> str:
        """What the list shows."""
        return f"{self.day or '    –     '}  {self.name}"


@dataclass(frozen=True)
class Values:
    """What filters can be set to, for some campaigns: of each the most frequent first."""

    providers: tuple[str, ...]
    domains: tuple[str, ...]
    days: tuple[str, ...]
    causes: tuple[str, ...]


def campaigns_of(engine: Engine, names: Sequence[str] | None = None) -> list[Campaign]:
    """All campaigns, or these, the newest first; behind them those whose start nobody knows."""
    starts = engine.starts()
    chosen = [name for name in engine.store.campaigns() if names is None or name in names]
    found = [Campaign(name, day_of(starts.get(name))) for name in chosen]
    return sorted(found, key=lambda one: (one.day, one.name), reverse=True)


def day_of(moment: Any) -> str:
    """A moment's day; "" for none."""
    return f"{moment:%Y-%m-%d}" if moment else ""


def found(campaigns: Sequence[Campaign], words: str, since: str = "", until: str = "") -> list[str]:
    """
    The labels of campaigns whose name has all of these words, and that began in these days.

    >>> known = [Campaign("q3-update", "2026-09-14"), Campaign("q2", "2026-05-01")]
    >>> found(known, "Q", "2026-06-01")
    ['2026-09-14  q3-update']
    """
    wanted = words.lower().split()
    named = [one for one in campaigns if all(word in one.name.lower() for word in wanted)]
    return [one.label for one in named if since <= one.day <= (until or "9")]


def values_of(engine: Engine, campaigns: Sequence[str]) -> Values:
    """What the filters of these campaigns can be set to."""
    if not campaigns:
        return Values((), (), (), ())

    return Values(
        tuple(engine.values(campaigns, "provider")),
        tuple(engine.values(campaigns, "domain")),
        tuple(sorted(engine.values(campaigns, "day"))),
        tuple(engine.values(campaigns, "cause")),
    )


def segment_filters(engine: Engine, campaigns: Sequence[str], segment: str) -> list[str]:
    """The filters by the values of a segment, as "plan=pro", the most frequent first."""
    values = engine.values(campaigns, segment)
    return [quoted(f"{segment}={value}") for value in values[:VALUES_LISTED]]


def prepare_campaigns(engine: Engine, campaigns: Sequence[str]) -> None:
    """
    Count once of campaigns as they are chosen what all filters by few values, and by domains, and
    what was known on a day, are sums of; and find those whose messages came back.
    """
    for by in COUNTED_AHEAD:
        prepare(engine, Choice(tuple(campaigns), by=by))
    if campaigns:
        with suppress(CxError):
            engine.find_bounced(campaigns)
            engine.count_ended(campaigns)


def prepare(engine: Engine, choice: Choice) -> None:
    """
    Count once what all views of a choice are sums of, and those of the next choice; what can't be
    read is said by the view that asks for it.
    """
    if not choice.campaigns:
        return
    with suppress(CxError):
        engine.count_cells(
            choice.campaigns,
            by=() if choice.is_difference() else choice.by,
            where=choice.filters(),
            as_of=_as_of(engine, choice),
        )


def _as_of(engine: Engine, choice: Choice) -> AsOf:
    """A difference is that of one age."""
    if choice.as_of or not choice.is_difference():
        return choice.as_of or None
    return youngest_age(engine, choice.campaigns)


def answer(engine: Engine, choice: Choice) -> Table:
    """The table of a choice: the very function which the reports call."""
    settled = choice.settled()
    if not settled.campaigns and settled.question != TREND:
        raise StoreError(
            "no campaign is chosen",
            do="choose one, or import events first: `cxtools import FILE --campaign NAME`",
        )
    return answer_question(
        engine,
        settled.question,
        settled.campaigns or None,
        by=settled.by,
        where=settled.filters(),
        as_of=settled.as_of or None,
    )


def draw(engine: Engine, choice: Choice) -> go.Figure:
    """The figure of a choice."""
    return answer(engine, choice).chart()


@dataclass(frozen=True)
class Shown:
    """What is shown of one view of a choice: its picture, its numbers, and the numbers as files."""

    picture: tuple[Output, ...]
    numbers: tuple[Output, ...] = ()
    files: str = ""


def shown(engine: Engine, view: Choice, *, with_numbers: bool = True) -> Shown:
    """
    One view of a choice; what can't be answered is said in words, in the same place. Numbers and
    files take longer than the picture: they are made where somebody looks at them.
    """
    notes = tuple(stream(note) for note in changes(view))
    try:
        table = answer(engine, view)
        picture = picture_of(table) if view.entry.chart else text_of(table)
    except (CxError, ValueError) as error:
        return Shown((*notes, stream(str(error))))
    if not with_numbers:
        return Shown((*notes, display(picture)))
    numbers = display(text_of(table))
    name = "-".join([view.question, *view.campaigns])
    files = f"<b>{view.entry.question}</b> {files_of(table, name)}"
    return Shown((*notes, display(picture)), (numbers,), files)


def fault_of(choice: Choice) -> Shown | None:
    """Why a choice can't be read, in words; None for one that can."""
    try:
        choice.filters()
    except CxError as error:
        return Shown((stream(str(error)),))
    return None


def output_of(engine: Engine, choice: Choice) -> Output:
    """The last output of a choice that is one view: its figure, or its table, or an error."""
    return shown(engine, choice).picture[-1]


@dataclass(frozen=True)
class Text:
    """
    What servers wrote to some people, but for what differs from one to the next; *alike* tells it
    from others.
    """

    words: str
    recipients: int
    alike: str


def texts_behind(engine: Engine, choice: Choice, cause: str) -> list[Text]:
    """What servers wrote, of one cause, to the most people first."""
    table = people.alike_texts(
        engine,
        choice.campaigns,
        Behind(category=cause),
        where=choice.filters(),
        as_of=choice.as_of or None,
    )
    columns = ("bounce_code", "bounce_text", "wordings", "recipients", "alike")
    rows = zip(*map(table.get, columns), strict=True)
    return [
        Text(_words(code, text, wordings), recipients, alike)
        for code, text, wordings, recipients, alike in rows
    ]


def _words(code: str, text: str, wordings: int) -> str:
    """What a line of a list says of texts that are alike."""
    said = " ".join(filter(None, [code, text])) or NO_WORDS
    return f"{said} ({wording.count(wordings)} wordings)" if wordings > 1 else said


@dataclass(frozen=True)
class People:
    """
    Some people as they are shown, with masked addresses; and the address of each, by key. It is not
    shown: whoever asks for their time line needn't look for it.
    """

    table: Table
    emails: dict[str, str]


def people_behind(
    engine: Engine, choice: Choice, behind: Behind, *, first: int | None = None
) -> People:
    """Who they are: all of them, or so many."""
    found = people.recipients(
        engine,
        choice.campaigns,
        behind,
        where=choice.filters(),
        as_of=choice.as_of or None,
        addresses=True,
        first=first,
    )
    emails = dict(zip(found["person"], found["email"], strict=True))
    return People(people.masked(found), emails)


def people_output(table: Table, empty: str, total: int) -> list[Output]:
    """The first of some people, with what their servers wrote."""
    if table.empty:
        return [stream(empty)]
    is_of_several = table["campaign"].nunique() > 1
    columns = ["campaign", *PEOPLE_SHOWN] if is_of_several else list(PEOPLE_SHOWN)
    shown = Table(table.set_index("email")[columns])
    first, *more = rows_output(shown, empty, total)
    return [first, stream("The files have more columns."), *more]


def rows_output(table: Table, empty: str, total: int | None = None) -> list[Output]:
    """
    The first rows of a long table, and how many more there are; *total* where not all are here.
    """
    if table.empty:
        return [stream(empty)]
    outputs = [display(text_of(Table(table.head(ROWS_SHOWN))))]
    more = (total or len(table)) - ROWS_SHOWN
    if more > 0:
        outputs.append(stream(f"{wording.count(more)} more rows: they are in the files."))
    return outputs


def files_of(table: Table, name: str, *, most_cells: int = SHEET_CELLS) -> str:
    """
    Links that hold the table itself, as CSV and, of so many cells, as a sheet: they work without a
    server.
    """
    if table.empty:
        return ""
    if len(table) > ROWS_TAKEN:
        return (
            f"<small>{wording.count(len(table))} rows are too many for a link: "
            "the code below gives all of them.</small>"
        )
    csv = csv_text(table).encode()
    links = [_link(csv, "text/csv", f"{name}.csv")]
    if table.size <= most_cells:
        links.append(_link(_sheet(table), SHEET, f"{name}.xlsx"))
    return f"Download {wording.quantity(len(table), 'row')}: {' · '.join(links)}"


#: The media type of a sheet for Excel.
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _sheet(table: Table) -> bytes:
    written = BytesIO()
    table.to_excel(written, index=False, engine="openpyxl", sheet_name="cxtools")
    return written.getvalue()


def _link(content: bytes, kind: str, name: str) -> str:
    address = f"data:{kind};base64,{base64.b64encode(content).decode()}"
    shown_name = html.escape(name, quote=True)
    ending = name.rpartition(".")[2].upper()
    return f'<a href="{address}" download="{shown_name}">{ending}</a>'


def stream(text: str) -> Output:
    """A sentence."""
    return {"output_type": "stream", "name": "stdout", "text": f"{text}\n"}


def display(data: dict[str, Any]) -> Output:
    """Something to look at."""
    return {"output_type": "display_data", "metadata": {}, "data": data}


def picture_of(table: Table) -> dict[str, Any]:
    """The figure of an answer."""
    figure = table.chart().to_plotly_json()
    return {FIGURE: {**figure, "config": {"displayModeBar": False}}}


def text_of(table: Table) -> dict[str, Any]:
    """A table as such; in plain letters the first rows of a long one."""
    plain = table.text() if len(table) <= ROWS_SHOWN else _first_rows(table)
    return {"text/html": table._repr_html_(), "text/plain": plain}


def _first_rows(table: Table) -> str:
    more = wording.quantity(len(table) - ROWS_SHOWN, "more row")
    return f"{table.head(ROWS_SHOWN).text()}\n{more}"


def kept_form(shown: Shown) -> dict[str, Any]:
    """What is shown of a view as a notebook keeps it: plotly's form, and a still one."""
    last = shown.picture[-1]
    data: dict[str, Any] = last.get("data") or {"text/plain": last["text"].strip()}
    if FIGURE not in data:
        return data
    meta = data[FIGURE]["layout"]["meta"]
    return data | {"text/html": still(meta), "text/plain": plain(meta)}


#: How a time line is asked for: by a person's key and address.
TimeLine = Callable[[str, str], Table]
