"""
`reports.toml`: which reports are made when, of which campaigns, and who is told.

    [reports.bounces]                     a report of one's own naming
    notebook = "bounce_report"            one that comes with cxtools, or a path
    campaigns = ["q3-*"]                  names, with * for any characters; all when left out
    newer_than = "90d"                    only campaigns that began so long ago or later
    when = "changed"                      data or rules did; or a cron expression
    timezone = "Europe/Berlin"            of the cron expression

    [channels.team]                       who is told
    kind = "mail"
    server = "smtp.example.com"
    sender = "reports@example.com"
    to = ["team@example.com"]
    on = "change"

Pure: what is in the file is checked here, all of it at once. Secrets don't stand in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    model_validator,
)

from cxtools.errors import ConfigError
from cxtools.settings.hosts import LOOPBACK
from cxtools.settings.types import Address
from cxtools.text import parse_span
from cxtools.wording import did_you_mean

#: The file in the home.
REPORTS = "reports.toml"
#: A report is made when its data or rules changed.
CHANGED = "changed"
#: Earlier states of a page that are kept, unless a report says otherwise.
KEPT_STATES = 10
#: Names of reports and channels: parts of ids and of variables.
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
#: The usual port of a mail server, by how the connection is secured.
PORTS = {"starttls": 587, "tls": 465, "none": 25}
#: Any day will do to see whether a cron expression can be read.
SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def _read_span(value: object) -> object:
    span = parse_span(str(value))
    if span is None:
        raise ValueError("write it as 90d (days) or 12h (hours)")
    return span


def _check_when(text: str) -> str:
    if text == CHANGED:
        return text
    try:
        CronSim(text, SOME_DAY)
    except CronSimError as error:
        raise ValueError(
            f'is neither "{CHANGED}" nor a cron expression such as "0 6 * * MON" ({error})'
        ) from None
    return text


def _check_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is not a time zone such as Europe/Berlin") from None
    return name


Span = Annotated[timedelta, BeforeValidator(_read_span)]
When = Annotated[str, AfterValidator(_check_when)]
Timezone = Annotated[str, AfterValidator(_check_timezone)]


class Report(BaseModel, frozen=True, extra="forbid"):
    """
    One report.

    Attributes:
        notebook: a report that comes with cxtools, or the path of a notebook
        campaigns: names of campaigns, with * for any characters
        newer_than: only campaigns that began so long ago or later; None: all
        when: "changed", or a cron expression in `timezone`
        parameters: of the notebook, besides the campaign
        out: the folder of its pages; "" for `reports` in the home
        keep, keep_for: how many earlier states of a page are kept, and for how long (None: as long
            as they are among those)
        fail_on: a round that makes a page with such a verdict, or a worse one, ends with exit
            code 9
        tell: the channels that are told; None: all
    """

    notebook: str
    campaigns: tuple[str, ...] = ("*",)
    newer_than: Span | None = None
    when: When = CHANGED
    timezone: Timezone = "UTC"
    parameters: dict[str, Any] = Field(default_factory=dict)
    out: str = ""
    keep: int = Field(default=KEPT_STATES, ge=0)
    keep_for: Span | None = None
    fail_on: Literal["WARN", "FAIL"] | None = None
    tell: tuple[str, ...] | None = None


class Channel(BaseModel, frozen=True, extra="forbid"):
    """
    What every channel has.

    Attributes:
        on: tell of verdicts that are FAIL; WARN or FAIL; that changed; or of every page
        remind_after: tell again while a WARN or FAIL lasts, each time so long has passed
        link: where people open the folder of pages, as https://reports.example.com/
    """

    on: Literal["fail", "warn", "change", "always"] = "change"
    remind_after: Span | None = None
    link: Address = ""


class MailChannel(Channel, frozen=True):
    """
    Mail by SMTP. The password of `user` is CXTOOLS_CHANNEL_NAME_PASSWORD in the environment, in the
    secrets folder or in the keyring.
    """

    kind: Literal["mail"]
    server: str
    port: int | None = Field(default=None, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    sender: str = Field(min_length=3)
    to: tuple[str, ...] = Field(min_length=1)
    page: Literal["attached", "linked"] = "attached"

    @model_validator(mode="after")
    def _is_secure(self) -> MailChannel:
        if self.security == "none" and self.server not in LOOPBACK:
            raise ValueError('security = "none" is for a server on this machine only')
        return self

    @property
    def port_number(self) -> int:
        return self.port or PORTS[self.security]


class WebhookChannel(Channel, frozen=True):
    """A POST by Standard Webhooks; its secret is CXTOOLS_CHANNEL_NAME_SECRET."""

    kind: Literal["webhook"]
    url: Address = Field(min_length=1)


class AppriseChannel(Channel, frozen=True):
    """
    Slack, Teams and whatever else apprise knows (extra `[notify]`). Its URLs hold secrets, so they
    are CXTOOLS_CHANNEL_NAME_URL, parted by blanks.
    """

    kind: Literal["apprise"]


AnyChannel = Annotated[MailChannel | WebhookChannel | AppriseChannel, Field(discriminator="kind")]


class Reports(BaseModel, frozen=True, extra="forbid"):
    """What `reports.toml` says."""

    reports: dict[str, Report] = Field(default_factory=dict)
    channels: dict[str, AnyChannel] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_are_known(self) -> Reports:
        for name in [*self.reports, *self.channels]:
            if not NAME.fullmatch(name):
                raise ValueError(f"{name!r} is not a name: small letters, digits, - and _")
        for name, report in self.reports.items():
            for channel in report.tell or ():
                if channel not in self.channels:
                    meant = did_you_mean(channel, self.channels)
                    text = f"reports.{name} tells {channel!r}, which is not a channel; {meant}"
                    raise ValueError(text.rstrip("; "))
        return self

    def channels_of(self, report: str) -> dict[str, AnyChannel]:
        """The channels that one report tells."""
        names = self.reports[report].tell
        if names is None:
            return self.channels
        return {name: self.channels[name] for name in names}


def reports_of(content: Mapping[str, Any], where: str = REPORTS) -> Reports:
    """
    What the content of a `reports.toml` says.

    >>> told = reports_of({"reports": {"weekly": {"notebook": "bounce", "when": "0 6 * * MON"}}})
    >>> told.reports["weekly"].campaigns, told.reports["weekly"].keep
    (('*',), 10)

    Raises:
        ConfigError: something in it is wrong; all of it is said.
    """
    try:
        return Reports.model_validate(content)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
        faults = [_fault_text(detail["loc"], detail["msg"]) for detail in details]
    raise ConfigError(
        f"the reports are wrong: {'; '.join(faults)}",
        where=where,
        do="correct the file; nothing was done",
    )


def _fault_text(place: tuple[int | str, ...], message: str) -> str:
    name = ".".join(str(part) for part in place)
    text = message.removeprefix("Value error, ")
    return f"{name}: {text}" if name else text
