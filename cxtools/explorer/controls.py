"""The widgets. Each change makes a choice, and shows what the pure steps say of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from cxtools.errors import CxError, StoreError
from cxtools.explorer import answers
from cxtools.explorer.answers import ALL, Campaign, Shown, TimeLine
from cxtools.explorer.behind import BehindBar
from cxtools.explorer.choice import Choice, where_text
from cxtools.explorer.panel import MOST_VIEWS, NUMBERS, PEOPLE, TREND, Panel
from cxtools.explorer.picks import picked
from cxtools.measures.catalogue import DIMENSIONS
from cxtools.measures.engine import Engine
from cxtools.wording import label

BUSY = '<span role="status" aria-live="polite">⏳ counting …</span>'


class Controls(Panel):
    """All controls, and what they show."""

    def __init__(
        self, engine: Engine, campaigns: Sequence[Campaign], timeline: TimeLine | None = None
    ) -> None:
        self.engine = engine
        self._campaigns = list(campaigns)
        self._values = answers.Values((), (), (), ())
        self._segments: list[str] = []
        self.on_shown: Callable[[Shown], object] = lambda shown: None
        super().__init__([one.label for one in campaigns])
        self._behind = BehindBar(self, engine, timeline, self._answering)
        self._observe()
        self._fill_filters()
        self.show()

    # --- what changes ---

    def _observe(self) -> None:
        for control in (self.search, self.began, self.ended):
            control.observe(self._find, "value")
        self.campaigns.observe(self._choose_campaigns, "value")
        filters = (self.provider, self.domain, self.cause_filter, self.scanned)
        for control in (self.question, self.form, self.by, *filters, self.since, self.until):
            control.observe(self.show, "value")
        self.segment.observe(self._choose_segment, "value")
        self.below.observe(self._open_section, "selected_index")
        self.cause.observe(self._choose_cause, "value")
        self.picked.observe(self._pick, "value")

    def choice(self) -> Choice:
        """What is chosen now, with nothing left unsaid."""
        by_label = {one.label: one.name for one in self._campaigns}
        filters = [
            ("provider", "" if self.provider.value == ALL else self.provider.value),
            ("domain", self.domain.value.strip()),
            ("cause", "" if self.cause_filter.value == ALL else self.cause_filter.value),
            ("scanned", self.scanned.value),
        ]
        where = ",".join(filter(None, [where_text(filters), self._segment_text()]))
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
        if self.is_filling:
            return
        with self._counting():
            choice = self.choice()
            fault = answers.fault_of(choice)
            if fault:
                self._show_fault(fault)
                return
            views = choice.views()[:MOST_VIEWS]
            if len(views) > 1 or choice.is_difference():
                answers.prepare(self.engine, choice)
            is_open = self.below.selected_index == NUMBERS
            shown = [answers.shown(self.engine, view, with_numbers=is_open) for view in views]
            for number in range(MOST_VIEWS):
                self._put(number, shown[number] if number < len(shown) else Shown(()))
            self.code.value = choice.as_code()
            self.command.value = choice.as_command()
            self.parameters.value = choice.as_parameters()
            self._show_section(choice)
            self.on_shown(shown[0])

    def _show_fault(self, fault: Shown) -> None:
        """What can't be read in the place of the picture, and nothing of the choice before it."""
        for number in range(MOST_VIEWS):
            self._put(number, Shown(()) if number else fault)
        for written in (self.code, self.command, self.parameters, self.trend_code):
            written.value = ""
        self.trend.outputs = ()
        self._behind.empty()
        self.on_shown(fault)

    def _open_section(self, change: Any) -> None:
        """What stands in a section is made when somebody looks at it."""
        if change["new"] == NUMBERS:
            self.show()
        else:
            self._show_section(self.choice())

    def _choose_cause(self, _: object) -> None:
        if not self.is_filling:
            self._show_section(self.choice())

    def _show_section(self, choice: Choice) -> None:
        if answers.fault_of(choice):
            return
        if self.below.selected_index == PEOPLE:
            self._behind.show(choice)
        elif self.below.selected_index == TREND:
            self._show_trend(choice.trend())

    def _show_trend(self, trend: Choice) -> None:
        """How all campaigns went, of the same messages."""
        with self._answering(self.trend):
            self.trend.outputs = answers.shown(self.engine, trend, with_numbers=False).picture
            self.trend_code.value = f"{trend.as_code()}\n{trend.as_command()}"

    def _put(self, number: int, shown: Shown) -> None:
        self.pictures[number].outputs = shown.picture
        self.pictures[number].layout.display = None if shown.picture else "none"
        self.numbers[number].outputs = shown.numbers
        self.downloads[number].value = shown.files

    def _find(self, _: object) -> None:
        """Only the campaigns that were looked for, and those that are chosen."""
        first = answers.day_of(self.began.value)
        last = answers.day_of(self.ended.value)
        labels = answers.found(self._campaigns, self.search.value, first, last)
        chosen = [text for text in self.campaigns.value if text in labels]
        with self.filling():
            self.campaigns.options = labels
            self.campaigns.value = chosen or labels[:1]
        self._choose_campaigns()

    def _choose_campaigns(self, _: object = None) -> None:
        if self.is_filling:
            return
        self._fill_filters()
        self.show()

    def _segment_text(self) -> str:
        """The filter by segments; nothing while only the name of one is there."""
        text = self.segment.value.strip()
        return "" if text.removesuffix("=") in self._segments else text

    def _choose_segment(self, _: object) -> None:
        """The name of a segment lists its values to choose from; a filter is obeyed."""
        name = self.segment.value.strip().removesuffix("=")
        if name not in self._segments:
            self.show()
            return
        with self._answering(self.pictures[0]):
            campaigns = self.choice().campaigns
            self.segment.options = answers.segment_filters(self.engine, campaigns, name)

    def _fill_filters(self) -> None:
        """What can be chosen of the campaigns that are chosen."""
        names = self.choice().campaigns
        answers.prepare_campaigns(self.engine, names)
        try:
            self._values = answers.values_of(self.engine, names)
            self._segments = list(self.engine.segments(names)) if names else []
        except CxError:
            return
        with self.filling():
            before = self.provider.value
            self.provider.options = [ALL, *self._values.providers]
            self.provider.value = before if before in self.provider.options else ALL
            self.domain.options = self._values.domains[:500]
            splits = [*DIMENSIONS, *self._segments]
            chosen = [name for name in self.by.value if name in splits]
            self.by.options = splits
            self.by.value = chosen
            self.segment.options = [f"{name}=" for name in self._segments]
            self.segment.placeholder = ", ".join(self._segments) or "none in these campaigns"
            causes = [(label(name), name) for name in self._values.causes]
            self._offer(self.cause, causes)
            self._offer(self.cause_filter, causes)

    @staticmethod
    def _offer(control: Any, causes: list[tuple[str, str]]) -> None:
        """These causes and none; the one that is chosen stays so where it is among them."""
        before = control.value
        control.options = [(ALL, ALL), *causes]
        control.value = before if before in dict(causes).values() else ALL

    # --- from a bar to its texts, people and one person's mail ---

    def _pick(self, _: object) -> None:
        """
        A bar was clicked: a cause opens its texts, a provider becomes the filter, a campaign is
        chosen.
        """
        if not self.picked.value:
            return
        words = [str(word) for word in json.loads(self.picked.value)]
        cause = picked(words, self._values.causes)
        provider = picked(words, self._values.providers)
        campaign = picked(words, [one.name for one in self._campaigns])
        if cause:
            self.cause.value = cause
            self.below.selected_index = PEOPLE
        elif provider:
            self.provider.value = provider
        elif campaign:
            self._show_campaign(campaign)
        self.picked.value = ""

    def _show_campaign(self, name: str) -> None:
        """Choose one campaign, whatever the list was limited to."""
        [chosen] = [one.label for one in self._campaigns if one.name == name]
        if chosen not in self.campaigns.options:
            with self.filling():
                self.campaigns.options = [one.label for one in self._campaigns]
        self.campaigns.value = [chosen]

    # --- around what is shown ---

    @contextmanager
    def _counting(self) -> Iterator[None]:
        """A block that may take a while: the sign says so."""
        before = self.busy.value
        self.busy.value = BUSY
        try:
            yield
        finally:
            self.busy.value = before

    @contextmanager
    def _answering(self, place: Any) -> Iterator[None]:
        """A block that may take a while, whose errors are said where its answer would stand."""
        with self._counting():
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
