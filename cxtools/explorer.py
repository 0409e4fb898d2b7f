"""
The explorer: a person's choice as a frozen value, a pure step from it to an answer, and widgets
which only call that step.

The figure is shown as plotly's MIME type in an Output widget. A FigureWidget would add five
megabytes to every saved notebook.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cxtools.errors import CxError, StoreError
from cxtools.measures.answers import answer as answer_question
from cxtools.measures.catalogue import DIMENSIONS, QUESTIONS, named
from cxtools.measures.choices import parse_where
from cxtools.measures.engine import Engine
from cxtools.measures.question import Question
from cxtools.measures.table import Table

if TYPE_CHECKING:
    import ipywidgets
    import plotly.graph_objects as go

FIGURE = "application/vnd.plotly.v1+json"


@dataclass(frozen=True)
class Choice:
    """
    One choice.

    campaigns  to ask about
    question   a name of the catalogue
    by         the columns to split by
    where      what messages are limited to, as "provider=gmail, day=2026-09-14"; "" for nothing
    as_of      a moment after which events don't count, or a day, to its end; "" for none

    >>> Choice(("q2", "q3"), "data_quality", ("provider",)).settled()
    Choice(campaigns=('q2', 'q3'), question='data_quality', by=(), where='', as_of='')
    """

    campaigns: tuple[str, ...]
    question: str = "funnel"
    by: tuple[str, ...] = ()
    where: str = ""
    as_of: str = ""

    @property
    def entry(self) -> Question:
        """The question's entry in the catalogue."""
        return named(self.question)

    def settled(self) -> Choice:
        """
        The nearest choice that can be answered: without a split or a filter that the question
        doesn't know, with one campaign where only one fits.
        """
        by = self.by if self.entry.splits else ()
        where = self.where if self.entry.filters else ""
        campaigns = self.campaigns[-1:] if self.entry.earlier else self.campaigns
        return replace(self, campaigns=campaigns, by=by, where=where)

    def filters(self) -> dict[str, list[str]]:
        """What the messages are limited to, by column."""
        return parse_where(text for text in self.where.split(",") if text.strip())

    def as_command(self) -> str:
        """The same question, and the report that shows it, as one types them."""
        settled = self.settled()
        words = ["cxtools", settled.question, *settled.campaigns]
        if settled.by:
            words += ["--by", ",".join(settled.by)]
        for name, values in settled.filters().items():
            for value in values:
                words += ["--where", f"{name}={value}"]
        if settled.as_of:
            words += ["--as-of", settled.as_of]
        lines = [shlex.join(words)]
        moment = ["-p", f"as_of={settled.as_of}"] if settled.as_of else []
        for campaign in settled.campaigns:
            report = ["cxtools", "report", self.entry.report, "-p", f"campaign={campaign}"]
            lines.append(shlex.join([*report, *moment]))
        return "\n".join(lines)


def answer(engine: Engine, choice: Choice) -> Table:
    """The table of a choice: the very function which the reports call."""
    settled = choice.settled()
    if not settled.campaigns:
        raise StoreError(
            "no campaign is chosen",
            do="choose one, or import events first: `cxtools import FILE --campaign NAME`",
        )
    return answer_question(
        engine,
        settled.question,
        settled.campaigns,
        by=settled.by,
        where=settled.filters(),
        as_of=settled.as_of or None,
    )


def draw(engine: Engine, choice: Choice) -> go.Figure:
    """The figure of a choice."""
    return answer(engine, choice).chart()


def explore(engine: Engine, campaigns: Sequence[str] | None = None) -> ipywidgets.Widget:
    """The controls, with the newest campaign chosen."""
    import ipywidgets as widgets

    names = list(campaigns or _by_start(engine))
    if not names:
        raise StoreError(
            "there are no campaigns to explore",
            do="collect or import some: `cxtools import FILE --campaign NAME`",
        )
    controls = _controls(names)
    screen = widgets.Output()
    wide = widgets.Layout(width="100%")
    command = widgets.Textarea(placeholder="the choice as a command", layout=wide, rows=2)
    fitting = widgets.Layout(width="auto", flex="0 0 auto")
    button = widgets.Button(description="As a command", icon="copy", layout=fitting)

    def choice() -> Choice:
        return Choice(**{name: control.value for name, control in controls.items()})

    def show(_: object = None) -> None:
        chosen = choice()
        notes = [_stream(note) for note in changes(chosen)]
        screen.outputs = (*notes, output_of(engine, chosen))

    def write(_: object) -> None:
        command.value = choice().as_command()

    for control in controls.values():
        control.observe(show, "value")
    button.on_click(write)
    show()
    wrapping = widgets.Layout(flex_flow="row wrap")
    choices = widgets.HBox(list(controls.values()), layout=wrapping)
    return widgets.VBox([choices, screen, widgets.HBox([button, command])])


def _by_start(engine: Engine) -> list[str]:
    """All campaigns, the newest last; before them those whose start nobody knows."""
    starts = engine.starts()
    known = {name: start for name, start in starts.items() if start is not None}
    unknown = [name for name in engine.store.campaigns() if name not in known]
    return [*unknown, *sorted(known, key=lambda name: known[name])]


def changes(choice: Choice) -> list[str]:
    """
    What is answered instead of what was chosen, in words: nothing is left out in silence.

    >>> changes(Choice(("q2", "q3"), "comparison"))
    ['comparison is asked of one campaign, here q3; it chooses the earlier ones itself.']
    >>> changes(Choice(("q2", "q3"), "data_quality", ("provider",)))
    ["data_quality can't be split."]
    """
    settled = choice.settled()
    notes = []
    if settled.campaigns != choice.campaigns:
        one = ", ".join(settled.campaigns)
        notes.append(
            f"{choice.question} is asked of one campaign, here {one}; "
            "it chooses the earlier ones itself."
        )
    if settled.by != choice.by:
        notes.append(f"{choice.question} can't be split.")
    if settled.where != choice.where:
        notes.append(f"{choice.question} can't be limited to some messages.")
    return notes


def _controls(names: Sequence[str]) -> dict[str, Any]:
    """A control for each field of a choice."""
    import ipywidgets as widgets

    return {
        "campaigns": widgets.SelectMultiple(
            options=names,
            value=names[-1:],
            description="Campaigns",
            rows=min(8, len(names)),
        ),
        "question": widgets.Dropdown(options=list(QUESTIONS), description="Question"),
        "by": widgets.SelectMultiple(
            options=list(DIMENSIONS), description="Split by", rows=len(DIMENSIONS)
        ),
        "where": widgets.Text(
            placeholder="provider=gmail", description="Only", continuous_update=False
        ),
        "as_of": widgets.Text(
            placeholder="2026-09-14, to its end", description="Until", continuous_update=False
        ),
    }


def output_of(engine: Engine, choice: Choice) -> dict[str, Any]:
    """
    The output message of a choice: its figure, or its table where there is none. What can't be
    answered is said in words, in the same place.
    """
    try:
        table = answer(engine, choice)
        data = _picture(table) if choice.entry.chart else _text(table)
    except (CxError, ValueError) as error:
        return _stream(str(error))
    return {"output_type": "display_data", "metadata": {}, "data": data}


def _stream(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": f"{text}\n"}


def _picture(table: Table) -> dict[str, Any]:
    figure = table.chart().to_plotly_json()
    return {FIGURE: {**figure, "config": {"displayModeBar": False}}}


def _text(table: Table) -> dict[str, Any]:
    return {"text/html": table._repr_html_(), "text/plain": table.text()}
