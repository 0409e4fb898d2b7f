"""The widgets, and how they stand together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING

from cxtools.explorer import answers
from cxtools.explorer.answers import ALL
from cxtools.explorer.choice import DIFFERENCE, OVERVIEW, SIDE_BY_SIDE
from cxtools.measures.catalogue import DIMENSIONS, QUESTIONS

if TYPE_CHECKING:
    import ipywidgets

WIRING = files(__package__).joinpath("wiring.js")
STYLE = files(__package__).joinpath("explorer.css")
READY = '<span role="status" aria-live="polite">ready</span>'
#: What the control of scanned messages says -> the value that messages must have.
SCANNED = {"shown": "", "left out": "no", "nothing else": "yes"}
#: The sections below the figures.
NUMBERS, PEOPLE, TREND = range(3)
#: Figures that stand beside each other.
MOST_VIEWS = 4


class Panel:
    """All widgets; nobody listens to them yet."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.is_filling = False
        self._make_choices(labels)
        self._make_screen()
        self._make_sections()

    @contextmanager
    def filling(self) -> Iterator[None]:
        """A block that sets controls by itself: nobody chose anything."""
        before = self.is_filling
        self.is_filling = True
        try:
            yield
        finally:
            self.is_filling = before

    def _make_choices(self, labels: Sequence[str]) -> None:
        import ipywidgets as widgets

        wide = widgets.Layout(width="auto")
        self.search = widgets.Text(
            description="Find", placeholder="words of a name", continuous_update=True, layout=wide
        )
        self.began = widgets.DatePicker(description="Begun from", layout=wide)
        self.ended = widgets.DatePicker(description="Begun until", layout=wide)
        self.campaigns = widgets.SelectMultiple(
            description="Campaigns",
            options=labels,
            value=list(labels[:1]),
            rows=min(8, len(labels)),
            layout=wide,
        )
        self.question = widgets.Dropdown(
            description="Show", options=[OVERVIEW, *QUESTIONS], layout=wide
        )
        self.form = widgets.Dropdown(
            description="Two", options=[SIDE_BY_SIDE, DIFFERENCE], layout=wide
        )
        self.by = widgets.SelectMultiple(
            description="Split by", options=list(DIMENSIONS), rows=6, layout=wide
        )
        self.provider = widgets.Dropdown(description="Provider", options=[ALL], layout=wide)
        self.domain = widgets.Combobox(
            description="Domain", placeholder=ALL, continuous_update=False, layout=wide
        )
        self.cause_filter = widgets.Dropdown(description="Cause", options=[ALL], layout=wide)
        self.scanned = widgets.Dropdown(
            description="Scanners", options=list(SCANNED.items()), layout=wide
        )
        self.segment = widgets.Combobox(
            description="Segment",
            placeholder="plan=pro",
            continuous_update=False,
            layout=wide,
        )
        self.since = widgets.DatePicker(description="From", layout=wide)
        self.until = widgets.DatePicker(description="Until", layout=wide)

    def _make_screen(self) -> None:
        import ipywidgets as widgets

        self.busy = widgets.HTML(READY)
        self.busy.add_class("cx-busy")
        self.pictures = [widgets.Output() for _ in range(MOST_VIEWS)]
        self.numbers = [widgets.Output() for _ in range(MOST_VIEWS)]
        self.downloads = [widgets.HTML() for _ in range(MOST_VIEWS)]
        self.cause = widgets.Dropdown(
            description="Texts of",
            options=[ALL],
            layout=widgets.Layout(width="auto", max_width="420px"),
        )
        self.text = widgets.Select(
            description="Texts", options=[], rows=6, layout=widgets.Layout(width="auto")
        )
        self.people = widgets.Output()
        self.people_files = widgets.HTML()
        self.make_files = widgets.Button(
            description="Files of all", layout=widgets.Layout(width="auto", display="none")
        )
        self.person = widgets.Dropdown(
            description="Person", options=[], layout=widgets.Layout(width="auto", max_width="520px")
        )
        self.lines = widgets.Output()
        self.trend = widgets.Output()
        self.trend_code = widgets.Textarea(
            description="The same", rows=2, layout=widgets.Layout(width="auto")
        )
        code = widgets.Layout(width="auto")
        self.code = widgets.Textarea(description="As code", rows=3, layout=code)
        self.command = widgets.Textarea(description="Commands", rows=3, layout=code)
        self.parameters = widgets.Textarea(description="Parameters", rows=2, layout=code)
        self.picked = widgets.Text(placeholder="bar that was clicked", continuous_update=False)
        self.picked.add_class("cx-picked")
        self.wiring = widgets.Output()
        self.wiring.outputs = (
            answers.display({"application/javascript": WIRING.read_text(encoding="utf-8")}),
        )

    def _make_sections(self) -> None:
        import ipywidgets as widgets

        numbers = [
            widgets.VBox([download, table])
            for download, table in zip(self.downloads, self.numbers, strict=True)
        ]
        files = widgets.HBox([self.make_files, self.people_files])
        self.below = widgets.Accordion(
            [
                widgets.VBox(numbers),
                widgets.VBox([self.cause, self.text, files, self.people, self.person, self.lines]),
                widgets.VBox([self.trend, self.trend_code]),
                widgets.VBox([self.code, self.command, self.parameters]),
            ],
            titles=("Numbers", "Texts and people", "All campaigns", "As code"),
            selected_index=None,
        )

    @property
    def widget(self) -> ipywidgets.Widget:
        """All of them, as a cell shows them."""
        import ipywidgets as widgets

        wrap = widgets.Layout(flex_flow="row wrap")
        found = widgets.VBox([self.search, self.began, self.ended])
        shown = widgets.VBox([self.question, self.form, self.provider, self.domain])
        limits = widgets.VBox(
            [self.cause_filter, self.scanned, self.segment, self.since, self.until]
        )
        choices = widgets.HBox([found, self.campaigns, shown, limits, self.by], layout=wrap)
        choices.add_class("cx-choices")
        pictures = widgets.HBox(self.pictures, layout=wrap)
        pictures.add_class("cx-figures")
        style = widgets.HTML(f"<style>{STYLE.read_text(encoding='utf-8')}</style>")
        box = widgets.VBox(
            [choices, self.busy, pictures, self.below, self.picked, self.wiring, style],
        )
        box.add_class("cx-explorer")
        return box
