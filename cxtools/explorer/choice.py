"""What is chosen, and the same as code, as a command and as parameters of a report. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cxtools.measures.catalogue import named
from cxtools.measures.choices import parse_where, parts_of, quoted
from cxtools.measures.question import Question

#: Several questions at once, of the same messages.
OVERVIEW = "overview"
#: The questions of the overview, and what each is split by.
LINKED = (("funnel", ()), ("bounces", ()), ("funnel", ("provider",)), ("curve", ()))
#: How two campaigns are shown.
SIDE_BY_SIDE = "side by side"
DIFFERENCE = "as a difference"
#: What shows differences, and what shows all campaigns.
COMPARE = "compare"
TREND = "trend"
#: The report on all campaigns, which is told of none.
OF_ALL_CAMPAIGNS = "trend_report"
#: What stands above the reports where two campaigns are shown as their difference.
NO_REPORT = "# no report shows the difference of two campaigns; of each by itself:"
#: Filters that the trend over all campaigns leaves out.
OF_ONE_CAMPAIGN = ("day", "cause")
Filter = tuple[str, str]


@dataclass(frozen=True)
class Choice:
    """
    One choice.

    campaigns  to ask about
    question   a name of the catalogue, or "overview"
    by         the columns to split by
    where      what messages are limited to, as "provider=gmail, day=2026-09-14"; "" for nothing
    since      the day on which the first messages were sent that count; "" for all
    as_of      a moment after which events don't count, or a day, to its end; "" for none
    form       how two campaigns are shown: side by side, or as a difference

    >>> Choice(("q2", "q3"), "data_quality", ("provider",)).settled()
    Choice(campaigns=('q2', 'q3'), question='data_quality', by=(), where='', since='', as_of='',
           form='side by side')
    """

    campaigns: tuple[str, ...]
    question: str = "funnel"
    by: tuple[str, ...] = ()
    where: str = ""
    since: str = ""
    as_of: str = ""
    form: str = SIDE_BY_SIDE

    @property
    def entry(self) -> Question:
        """The question's entry in the catalogue."""
        return named(self.question)

    def views(self) -> list[Choice]:
        """
        The choices that are shown: of the overview one for each of its questions, none twice.

        >>> [view.question for view in Choice(("q3",), "overview").views()]
        ['funnel', 'bounces', 'funnel', 'curve']
        >>> [view.question for view in Choice(("q3",), "overview", ("day",)).views()]
        ['funnel', 'bounces', 'curve']
        """
        if self.is_difference():
            return [replace(self, question=COMPARE)]
        if self.question != OVERVIEW:
            return [self]
        views = [replace(self, question=name, by=self.by or by) for name, by in LINKED]
        return list(dict.fromkeys(views))

    def is_difference(self) -> bool:
        """Whether two campaigns are shown as their difference."""
        return len(self.campaigns) == len(("one", "the other")) and self.form == DIFFERENCE

    def trend(self) -> Choice:
        """
        All campaigns, of the same messages but for their days, since each campaign has its own,
        and for their cause, since of these all have bounced in each campaign.

        >>> Choice(("q3",), "bounces", ("day",), "provider=gmail,day=2026-09-14").trend().call()
        "cx.trend(where={'provider': ['gmail']})"
        """
        filters = self.filters()
        for name in OF_ONE_CAMPAIGN:
            filters.pop(name, None)
        pairs = []
        for name, values in filters.items():
            pairs += [(name, value) for value in values]
        return Choice((), TREND, where=where_text(pairs), as_of=self.as_of)

    def settled(self) -> Choice:
        """
        The nearest choice that can be answered: without a split or a filter that the question
        doesn't know, with one campaign where only one fits. Campaigns that are compared are whole.
        """
        by = self.by if self.entry.splits and not self.is_difference() else ()
        where = self.where if self.entry.filters else ""
        since = self.since if self.entry.filters else ""
        campaigns = self.campaigns[-1:] if self.entry.earlier else self.campaigns
        return replace(self, campaigns=campaigns, by=by, where=where, since=since)

    def filters(self) -> dict[str, list[str]]:
        """What the messages are limited to, by column."""
        return parse_where(parts_of(self.where))

    def limited_to(self, days: Iterable[str]) -> Choice:
        """
        The same choice with the days since `since` as a filter, of all days on which messages were
        sent: one that can be written down. Where there is none, the answer will say so.

        >>> Choice(("q3",), since="2026-09-02").limited_to(["2026-09-01", "2026-09-03"]).where
        'day=2026-09-03'
        """
        if not self.since:
            return self
        last = self.as_of[:10] or "9"
        wanted = [day for day in days if self.since <= day <= last]
        parts = [self.where, *(f"day={day}" for day in wanted or [self.since])]
        return replace(self, where=",".join(filter(None, parts)), since="")

    def as_code(self) -> str:
        """The same in a cell."""
        return "\n".join(view.settled().call() for view in self._views_of_campaigns())

    def call(self) -> str:
        """
        One question as a call.

        >>> Choice(("q3",), "bounces", ("plan",), "provider=gmail", as_of="2026-09-14").call()
        "cx.bounces('q3', by=['plan'], where={'provider': ['gmail']}, as_of='2026-09-14')"
        """
        words = [repr(campaign) for campaign in self.campaigns]
        options = {"by": list(self.by), "where": self.filters(), "as_of": self.as_of}
        words += [f"{name}={value!r}" for name, value in options.items() if value]
        return f"cx.{self.question}({', '.join(words)})"

    def as_command(self) -> str:
        """The same in a shell."""
        return "\n".join(view.settled().command() for view in self._views_of_campaigns())

    def _views_of_campaigns(self) -> list[Choice]:
        """
        Those that can be asked: where no campaign is chosen, none is meant, but a call without one
        would ask about all.

        >>> Choice(()).as_code(), Choice((), TREND).as_code()
        ('', 'cx.trend()')
        """
        return [view for view in self.views() if view.campaigns or view.question == TREND]

    def command(self) -> str:
        """One question as a command."""
        words = ["cxtools", self.question, *self.campaigns]
        if self.by:
            words += ["--by", ",".join(quoted(name) for name in self.by)]
        for name, values in self.filters().items():
            for value in values:
                words += ["--where", quoted(f"{name}={value}")]
        if self.as_of:
            words += ["--as-of", self.as_of]
        return shlex.join(words)

    def as_parameters(self) -> str:
        """The reports that show it, with papermill's parameters: a line a page."""
        reports = dict.fromkeys(view.entry.report for view in self._views_of_campaigns())
        lines = [NO_REPORT] if self.is_difference() else []
        for name in reports:
            campaigns = ("",) if name == OF_ALL_CAMPAIGNS else self.campaigns
            lines += [self.report(name, campaign) for campaign in campaigns]
        return "\n".join(lines)

    def report(self, name: str, campaign: str) -> str:
        """
        One report as a command.

        >>> print(Choice(("q3",), "league", where="plan=pro").as_parameters())
        cxtools report trend_report -p where=plan=pro
        """
        by = () if self.is_difference() else self.by
        parameters = {
            "campaign": campaign,
            "as_of": self.as_of,
            "by": ",".join(quoted(name) for name in by),
            "where": ",".join(quoted(part) for part in parts_of(self.where)),
        }
        given = [f"{key}={value}" for key, value in parameters.items() if value]
        words = ["cxtools", "report", name]
        for parameter in given:
            words += ["-p", parameter]
        return shlex.join(words)


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
        what = "a difference of two campaigns" if choice.is_difference() else choice.question
        notes.append(f"{what} can't be split.")
    if (settled.where, settled.since) != (choice.where, choice.since):
        notes.append(f"{choice.question} can't be limited to some messages.")
    return notes


def where_text(filters: Sequence[Filter]) -> str:
    """
    Filters as a choice holds them; those without a value are left out.

    >>> where_text([("provider", "gmail"), ("domain", ""), ("town", "Bern, Switzerland")])
    'provider=gmail,"town=Bern, Switzerland"'
    """
    return ",".join(quoted(f"{name}={value}") for name, value in filters if name and value)
