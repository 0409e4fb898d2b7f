"""What is due is a table: what the file says, what was made, what changed, and the clock."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from cxtools.errors import ConfigError
from cxtools.refresh.due import Made, Subject, due, pause_s
from cxtools.refresh.reports import Report, reports_of


def at(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


MONDAY = at("2026-09-14T12:00+02:00")
DAY_S = 86400.0
NEVER = None
CHANGED: dict[str, Any] = {"notebook": "bounce_report"}
DAILY: dict[str, Any] = {**CHANGED, "when": "0 6 * * *", "timezone": "Europe/Berlin"}
#: Half past two is skipped on one night of the year, and there twice on another.
NIGHTLY: dict[str, Any] = {**DAILY, "when": "30 2 * * *"}


def made(ran_at: float | None = MONDAY, data: str = "d1", rules: str = "r1", **more: Any) -> Made:
    return Made(ran_at, data, rules, **more)


@pytest.mark.parametrize(
    ("report", "before", "now", "why"),
    [
        # when = "changed"
        (CHANGED, NEVER, MONDAY, "never made"),
        (CHANGED, made(), MONDAY + DAY_S, ""),
        (CHANGED, made(data="d0"), MONDAY, "new data"),
        (CHANGED, made(rules="r0"), MONDAY, "new rules"),
        # a schedule: made when its moment has come, whether or not anything changed
        (DAILY, NEVER, MONDAY, "never made"),
        (DAILY, made(at("2026-09-14T05:59+02:00")), MONDAY, "scheduled for 2026-09-14 06:00 CEST"),
        (DAILY, made(at("2026-09-14T06:00+02:00")), MONDAY, ""),
        (DAILY, made(at("2026-09-14T06:01+02:00"), data="d0"), MONDAY, ""),
        (DAILY, made(MONDAY), at("2026-09-15T05:59+02:00"), ""),
        (DAILY, made(MONDAY), at("2026-09-15T06:00+02:00"), "scheduled for 2026-09-15 06:00 CEST"),
        # days of downtime: what was missed is made once, by the last moment
        (DAILY, made(MONDAY), at("2026-09-18T09:00+02:00"), "scheduled for 2026-09-18 06:00 CEST"),
        (DAILY, made(at("2026-09-18T09:00+02:00")), at("2026-09-18T09:05+02:00"), ""),
        # summer time begins: half past two isn't there, three is its moment; it ends: once
        (NIGHTLY, made(at("2026-03-28T12:00+01:00")), at("2026-03-29T01:59+01:00"), ""),
        (NIGHTLY, made(at("2026-03-28T12:00+01:00")), at("2026-03-29T03:00+02:00"), "scheduled for 2026-03-29 03:00 CEST"),
        (NIGHTLY, made(at("2026-03-29T03:00+02:00")), at("2026-03-29T23:00+02:00"), ""),
        (NIGHTLY, made(at("2026-10-24T12:00+02:00")), at("2026-10-25T02:30+02:00"), "scheduled for 2026-10-25 02:30 CEST"),
        (NIGHTLY, made(at("2026-10-25T02:30+02:00")), at("2026-10-25T02:45+01:00"), ""),
        # what failed waits for the end of its pause, whatever changed meanwhile
        (CHANGED, made(data="d0", next_at=MONDAY + 300), MONDAY, ""),
        (CHANGED, made(data="d0", next_at=MONDAY + 300), MONDAY + 300, "it failed before"),
        (CHANGED, made(NEVER, "", "", next_at=MONDAY), MONDAY, "it failed before"),
        (DAILY, made(next_at=MONDAY + 300), MONDAY + DAY_S, "it failed before"),
        # which campaigns
        ({**CHANGED, "campaigns": ["q4-*"]}, NEVER, MONDAY, ""),
        ({**CHANGED, "campaigns": ["q4-*", "q3-*"]}, NEVER, MONDAY, "never made"),
        ({**CHANGED, "newer_than": "30d"}, NEVER, MONDAY, ""),
        ({**CHANGED, "newer_than": "31d"}, NEVER, MONDAY, "never made"),
        ({**CHANGED, "campaigns": []}, NEVER, MONDAY, ""),
    ],
)  # fmt: skip
def test_why_a_report_is_due(
    report: dict[str, Any], before: Made | None, now: float, why: str
) -> None:
    """Of one campaign that began 31 days before Monday."""
    subject = Subject("q3-update", MONDAY - 31 * DAY_S, "d1")
    known = {("weekly", "q3-update"): before} if before else {}
    found = due({"weekly": Report(**report)}, [subject], {"weekly": "r1"}, known, now)

    assert [why] * bool(why) == [each.why for each in found]


def test_a_report_about_no_campaign_is_made_once() -> None:
    """It names none, and its data are those of all."""
    reports = {
        "all": Report(notebook="own.ipynb", campaigns=()),
        "each": Report(notebook="bounce_report"),
    }
    subjects = [Subject("a", None, "1"), Subject("b", None, "2"), Subject("", None, "12")]
    found = due(reports, subjects, {"all": "r", "each": "r"}, {}, MONDAY)

    assert [("each", "a"), ("each", "b"), ("all", "")] == [
        (each.report, each.campaign) for each in found
    ]


def test_pauses_grow() -> None:
    """And stay at the longest."""
    pauses = [pause_s(tries) for tries in range(1, 9)]

    assert sorted(pauses) == pauses
    assert 300 == pauses[0]
    assert 86400 == pauses[-1] == pauses[-2]


MAIL: dict[str, Any] = {
    "kind": "mail",
    "server": "mail.example.com",
    "sender": "reports@example.com",
    "to": ["team@example.com"],
}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"report": {}}, "report: Extra inputs"),
        ({"reports": {"a": {}}}, "reports.a.notebook: Field required"),
        ({"reports": {"a": {"notebook": "x", "when": "sometimes"}}}, "neither"),
        ({"reports": {"a": {"notebook": "x", "when": "61 * * * *"}}}, "Bad minute"),
        ({"reports": {"a": {"notebook": "x", "when": "0 0 30 2 *"}}}, "Bad day-of-month"),
        ({"reports": {"a": {"notebook": "x", "timezone": "Mars/Base"}}}, "is not a time zone"),
        ({"reports": {"a": {"notebook": "x", "newer_than": "a month"}}}, "write it as 90d"),
        ({"reports": {"a": {"notebook": "x", "tell": ["teem"]}}, "channels": {"team": MAIL}}, "did you mean team?"),
        ({"reports": {"A b": {"notebook": "x"}}}, "'A b' is not a name"),
        ({"channels": {"a": {"kind": "fax"}}}, "channels.a"),
        ({"channels": {"a": {**MAIL, "on": "never"}}}, "on: Input should be"),
        ({"channels": {"a": {**MAIL, "security": "none"}}}, "for a server on this machine only"),
        ({"channels": {"a": {**MAIL, "password": "s3cret"}}}, "password: Extra inputs"),
        ({"channels": {"a": {**MAIL, "to": []}}}, "to: Tuple should have at least 1 item"),
        ({"channels": {"a": {"kind": "webhook", "url": "http://crm.example.com"}}}, "must be an https:// address"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_file_is_said(content: dict[str, Any], said: str) -> None:
    """With its place, and without what was written there: it may be a secret."""
    with pytest.raises(ConfigError) as refused:
        reports_of(content, "reports.toml")

    assert said in str(refused.value)
    assert "s3cret" not in str(refused.value)
    assert "[reports.toml]" in str(refused.value)
