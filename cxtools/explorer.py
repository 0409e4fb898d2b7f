"""
The explorer: what a person chose as a frozen value, a pure step from it to a figure, and widgets
which only call that step.

The figure is shown as plotly's MIME type in an Output widget. A FigureWidget would add five
megabytes to every saved notebook.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cxtools import measures
from cxtools.errors import StoreError
from cxtools.measures import DIMENSIONS, Table
from cxtools.measures.engine import Engine

if TYPE_CHECKING:
    import ipywidgets
    import plotly.graph_objects as go

#: Measure -> what it can be split by here; one that can't draws one campaign at a time.
MEASURES: dict[str, tuple[str, ...]] = {
    "funnel": tuple(DIMENSIONS),
    "bounces": tuple(DIMENSIONS),
    "reasons": (),
    "links": (),
    "curve": (),
    "timing": (),
    "jobs": (),
}
#: Measure -> the report that shows it.
REPORTS = {"bounces": "bounce_report", "reasons": "bounce_report", "jobs": "bounce_report"}


@dataclass(frozen=True)
class View:
    """
    One choice: campaigns, a measure, what to split by ("" for nothing), and a moment after which
    events don't count ("" for none).

    >>> View(("q3-update",), "curve", "provider").settled()
    View(campaigns=('q3-update',), measure='curve', by='', as_of='')
    """

    campaigns: tuple[str, ...]
    measure: str = "funnel"
    by: str = ""
    as_of: str = ""

    def settled(self) -> View:
        """
        The nearest choice that can be drawn: without a split that the measure doesn't know, with
        one campaign where only one fits.
        """
        splits = MEASURES[self.measure]
        by = self.by if self.by in splits else ""
        return replace(
            self, by=by, campaigns=self.campaigns if splits and not by else self.campaigns[-1:]
        )

    def as_command(self) -> str:
        """The report of this choice, as one types it."""
        settled = self.settled()
        moment = f" -p as_of={settled.as_of}" if settled.as_of else ""
        return "\n".join(
            f"cxtools report {REPORTS.get(settled.measure, 'engagement_report')} -p campaign={campaign}{moment}"
            for campaign in settled.campaigns
        )


def answer(engine: Engine, view: View) -> Table:
    """The table of a choice: the very function which the reports call."""
    settled = view.settled()
    if not settled.campaigns:
        raise StoreError(
            "no campaign is chosen",
            do="choose one, or import events first: `cxtools import FILE --campaign NAME`",
        )
    table: Table = getattr(measures, settled.measure)(
        engine, settled.campaigns, by=settled.by or None, as_of=settled.as_of or None
    )
    return table


def draw(engine: Engine, view: View) -> go.Figure:
    """The figure of a choice."""
    return answer(engine, view).chart()


def explore(engine: Engine, campaigns: Sequence[str] | None = None) -> ipywidgets.Widget:
    """The controls, with the newest campaign chosen."""
    import ipywidgets as widgets

    names = list(campaigns or engine.store.campaigns())
    if not names:
        raise StoreError(
            "there are no campaigns to explore",
            do="collect or import some: `cxtools import FILE --campaign NAME`",
        )
    controls: dict[str, Any] = {
        "campaigns": widgets.SelectMultiple(
            options=names, value=names[-1:], description="Campaigns", rows=min(8, len(names))
        ),
        "measure": widgets.Dropdown(options=list(MEASURES), description="Measure"),
        "by": widgets.Dropdown(
            options=[("nothing", ""), *((name, name) for name in DIMENSIONS)],
            description="Split by",
        ),
        "as_of": widgets.Text(
            placeholder="2026-09-14T10:00:00+02:00", description="Until", continuous_update=False
        ),
    }
    screen, copied = (
        widgets.Output(),
        widgets.Textarea(
            placeholder="the choice as a command", layout=widgets.Layout(width="100%"), rows=2
        ),
    )
    button = widgets.Button(
        description="As papermill parameters",
        icon="copy",
        layout=widgets.Layout(width="auto", flex="0 0 auto"),
    )

    def chosen() -> View:
        return View(**{name: control.value for name, control in controls.items()})

    def show(_: object = None) -> None:
        screen.outputs = (shown(engine, chosen()),)

    def write(_: object) -> None:
        copied.value = chosen().as_command()

    for control in controls.values():
        control.observe(show, "value")
    button.on_click(write)
    show()
    choices = widgets.HBox(list(controls.values()), layout=widgets.Layout(flex_flow="row wrap"))
    return widgets.VBox([choices, screen, widgets.HBox([button, copied])])


def shown(engine: Engine, view: View) -> dict[str, Any]:
    """
    The output message of a choice; what can't be answered is said in words, in the place of the
    figure.
    """
    try:
        return {
            "output_type": "display_data",
            "metadata": {},
            "data": {
                "application/vnd.plotly.v1+json": draw(engine, view).to_plotly_json()
                | {"config": {"displayModeBar": False}}
            },
        }
    except (StoreError, ValueError) as refused:
        return {"output_type": "stream", "name": "stdout", "text": f"{refused}\n"}
