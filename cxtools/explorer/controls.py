"""The widgets. Each change makes a choice, and shows what the pure steps say of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cxtools.errors import CxError, StoreError
from cxtools.explorer import answers
from cxtools.explorer.answers import ALL, Campaign, Shown, TimeLine
from cxtools.explorer.choice import (
    Choice,
    where_text,
)
from cxtools.explorer.panel import MOST_VIEWS, READY, Panel
from cxtools.explorer.picks import picked
from cxtools.measures.catalogue import DIMENSIONS
from cxtools.measures.engine import Engine
from cxtools.measures.people import Behind
from cxtools.wording import label

if TYPE_CHECKING:
    pass

BUSY = '<span role="status" aria-live="polite">⏳ counting …</span>'
#: The sections below the figures.
NUMBERS, PEOPLE = 0, 1


class Controls(Panel):
    """All controls, and what they show."""

    def __init__(
        self, engine: Engine, campaigns: Sequence[Campaign], timeline: TimeLine | None = None
    ) -> None:
        self.engine = engine
        self._campaigns = list(campaigns)
        self._timeline = timeline
        self._values = answers.Values((), (), (), ())
        self._is_filling = False
        self.on_shown: Callable[[Choice], None] = lambda choice: None
        super().__init__([one.label for one in campaigns])
        self._observe()
        self._fill_filters()
        self.show()

    # --- what changes ---

    def _observe(self) -> None:
        for control in (self.search, self.began, self.ended):
            control.observe(self._find, "value")
        self.campaigns.observe(self._choose_campaigns, "value")
        controls = (self.question, self.form, self.by, self.provider, self.domain, self.segment)
        for control in (*controls, self.since, self.until):
            control.observe(self.show, "value")
        self.below.observe(self._open_section, "selected_index")
        self.cause.observe(self._show_texts, "value")
        self.text.observe(self._show_people, "value")
        self.person.observe(self._show_lines, "value")
        self.picked.observe(self._pick, "value")

    def choice(self) -> Choice:
        """What is chosen now, with nothing left unsaid."""
        by_label = {one.label: one.name for one in self._campaigns}
        filters = [
            ("provider", "" if self.provider.value == ALL else self.provider.value),
            ("domain", self.domain.value.strip()),
        ]
        where = ",".join(filter(None, [where_text(filters), self.segment.value.strip()]))
        chosen = Choice(
            tuple(by_label[text] for text in reversed(self.campaigns.value)),
            self.question.value,
            tuple(self.by.value),
            where,
            answers.day_of(self.since.value),
            answers.day_of(self.until.value),
            self.form.value,
        )
        return chosen.limited_to(self._values.days)

    def show(self, _: object = None) -> None:
        """Show what is chosen."""
        if self._is_filling:
            return
        with self._counting():
            choice = self.choice()
            views = choice.views()[:MOST_VIEWS]
            is_open = self.below.selected_index == NUMBERS
            shown = [answers.shown(self.engine, view, with_numbers=is_open) for view in views]
            for number in range(MOST_VIEWS):
                self._put(number, shown[number] if number < len(shown) else Shown(()))
            self.code.value = choice.as_code()
            self.command.value = choice.as_command()
            self.parameters.value = choice.as_parameters()
        self._show_texts()
        self.on_shown(choice)

    def _open_section(self, change: Any) -> None:
        """The numbers are made when somebody looks at them."""
        if change["new"] == NUMBERS:
            self.show()

    def _put(self, number: int, shown: Shown) -> None:
        self.pictures[number].outputs = shown.picture
        self.pictures[number].layout.display = None if shown.picture else "none"
        self.numbers[number].outputs = shown.numbers
        self.downloads[number].value = shown.files

    def _find(self, _: object) -> None:
        """Only the campaigns that were looked for, and those that are chosen."""
        first, last = answers.day_of(self.began.value), answers.day_of(self.ended.value)
        labels = answers.found(self._campaigns, self.search.value, first, last)
        chosen = [text for text in self.campaigns.value if text in labels]
        with self._filling():
            self.campaigns.options = labels
            self.campaigns.value = chosen or labels[:1]
        self._choose_campaigns()

    def _choose_campaigns(self, _: object = None) -> None:
        if self._is_filling:
            return
        self._fill_filters()
        self.show()

    def _fill_filters(self) -> None:
        """What can be chosen of the campaigns that are chosen."""
        names = Choice(self.choice().campaigns).campaigns
        try:
            self._values = answers.values_of(self.engine, names)
            segments = list(self.engine.segments(names)) if names else []
        except CxError:
            return
        with self._filling():
            before = self.provider.value
            self.provider.options = [ALL, *self._values.providers]
            self.provider.value = before if before in self.provider.options else ALL
            self.domain.options = self._values.domains[:500]
            chosen = [name for name in self.by.value if name in (*DIMENSIONS, *segments)]
            self.by.options = [*DIMENSIONS, *segments]
            self.by.value = chosen
            self.segment.placeholder = ", ".join(segments) or "none in these campaigns"
            self.cause.options = [
                (ALL, ALL),
                *((label(name), name) for name in self._values.causes),
            ]

    # --- from a bar to its texts, people and one person's mail ---

    def _pick(self, _: object) -> None:
        """A bar was clicked: a cause opens its texts, a provider becomes the filter."""
        if not self.picked.value:
            return
        words = [str(word) for word in json.loads(self.picked.value)]
        cause = picked(words, self._values.causes)
        provider = picked(words, self._values.providers)
        if cause:
            self.below.selected_index = PEOPLE
            self.cause.value = cause
        elif provider:
            self.provider.value = provider
        self.picked.value = ""

    def _show_texts(self, _: object = None) -> None:
        if self._is_filling:
            return
        if self.cause.value in (ALL, None):
            self.text.options = []
            self.people.outputs = self.lines.outputs = ()
            self.people_files.value = ""
            self.person.options = []
            return
        with self._counting(), self._telling(self.people):
            table = answers.texts_behind(self.engine, self.choice(), self.cause.value)
            options = [("all of them", ALL)]
            for row in table.to_dict("records"):
                words = f"{row['recipients']} × {row['bounce_code']} {row['bounce_text']}"
                options.append((words, row["bounce_text"]))
            with self._filling():
                self.text.options = options
                self.text.value = ALL
        self._show_people()

    def _show_people(self, _: object = None) -> None:
        if self._is_filling or self.cause.value == ALL:
            return
        with self._counting(), self._telling(self.people):
            found = answers.people_behind(
                self.engine, self.choice(), Behind(category=self.cause.value)
            )
            if self.text.value not in (ALL, None):
                found = found[found["bounce_text"] == self.text.value]
            self.people.outputs = answers.rows_output(found, "Nobody is that.")
            self.people_files.value = answers.files_of(found, f"recipients-{self.cause.value}")
            names = found[["email", "domain", "person"]].head(answers.ROWS_SHOWN)
            options = [
                (f"{email} · {person[:8]}", person)
                for email, _, person in names.itertuples(index=False)
            ]
            with self._filling():
                self.person.options = [("choose one", ""), *options]
                self.person.value = ""
                self.lines.outputs = ()

    def _show_lines(self, _: object = None) -> None:
        if self._is_filling or not self.person.value or self._timeline is None:
            return
        with self._counting(), self._telling(self.lines):
            table = self._timeline(self.person.value)
            self.lines.outputs = answers.rows_output(table, "Nothing is held on that person.")

    # --- around what is shown ---

    @contextmanager
    def _counting(self) -> Iterator[None]:
        """A block that may take a while: the sign says so."""
        self.busy.value = BUSY
        try:
            yield
        finally:
            self.busy.value = READY

    @contextmanager
    def _filling(self) -> Iterator[None]:
        """A block that sets controls by itself: nobody chose anything."""
        before, self._is_filling = self._is_filling, True
        try:
            yield
        finally:
            self._is_filling = before

    @contextmanager
    def _telling(self, place: Any) -> Iterator[None]:
        """A block whose errors are said in words, where its answer would stand."""
        try:
            yield
        except (CxError, ValueError) as error:
            place.outputs = (answers.stream(str(error)),)


def controls(
    engine: Engine, names: Sequence[str] | None = None, timeline: TimeLine | None = None
) -> Controls:
    """
    The controls, with the newest campaign chosen.

    Raises:
        StoreError: there are no campaigns.
    """
    campaigns = answers.campaigns_of(engine, names)
    if not campaigns:
        raise StoreError(
            "there are no campaigns to explore",
            do="collect or import some: `cxtools import FILE --campaign NAME`",
        )
    return Controls(engine, campaigns, timeline)
