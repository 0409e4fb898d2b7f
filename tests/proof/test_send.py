"""Sending, following, collecting and telling the CRM, against the simulator's truth."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from cxtools.cli.exits import exit_code
from cxtools.connection import Connection
from cxtools.errors import (
    ConfigError,
    ContractError,
    CxError,
    Denied,
    JobTimeout,
    PossiblyTruncated,
    Refused,
    ServerFault,
    StoreError,
    Unreachable,
)
from cxtools.events.importing import import_file
from cxtools.identity import recipient_key
from cxtools.ledger.schema import batch
from cxtools.ledger.suppressions import BY_HAND, OPERATOR
from cxtools.measures.outcomes import event_kinds, outcomes
from cxtools.sending.campaign import Campaign
from cxtools.sending.send import write_plan
from cxtools.settings import load_settings
from cxtools.simulated import SIMULATOR_ACCOUNT
from tests.conftest import Simulator
from tests.fault_server import FaultServer, Reply
from tests.proof.ground import connection
from tests.tables import ask

WEEK_S = 7 * 86400
ADDRESSES = [f"p{number}@acme-01.example" for number in range(40)]


@pytest.fixture
def connect(simulator: Simulator, home: Path) -> Callable[..., Connection]:
    """A connection to the simulator; keyword arguments are settings."""

    def open_connection(**settings: Any) -> Connection:
        given = {
            "env_url": simulator.url,
            "crm_webhook_url": f"{simulator.url}/_sim/crm",
            "event_horizon_s": 0,
            "patience_s": 20,
            **SIMULATOR_ACCOUNT,
            **settings,
        }
        return Connection(load_settings(environ={}, home=home, **given), quiet=True)

    return open_connection


def campaign(addresses: list[Any] | None = None, name: str = "q3", **spec: Any) -> Campaign:
    facts = {
        "subject": "Q3",
        "template_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
        "sender": "me@example.com",
    }
    return Campaign.from_list(
        ADDRESSES if addresses is None else addresses, name=name, **facts | spec
    )


def count_submitted(simulator: Simulator) -> int:
    return sum(len(job["recipients"]) for job in simulator.truth()["jobs"].values())


def test_a_campaign_goes_out_once_and_all_its_events_come_home(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """G01: the store holds exactly the events that exist, also after everything was asked twice."""
    client = connect()
    status = client.send(campaign())
    simulator.advance(2 * WEEK_S)
    client.collect()
    client.collect()
    truth = simulator.truth()

    assert ("completed", 40) == (status.state, count_submitted(simulator))
    assert [] == truth["mailed_twice"]
    for kind in ("delivery", "bounce", "open", "click"):
        assert sum(job["events"].get(kind, 0) for job in truth["jobs"].values()) == event_kinds(
            client.engine, "q3"
        ).get(kind, 0), kind


def test_D01_more_than_a_thousand_recipients_go_out_in_batches(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """D01: 2,100 recipients are three jobs."""
    connect().send(campaign([f"p{number}@acme-02.example" for number in range(2100)]))

    assert [100, 1000, 1000] == sorted(
        len(job["recipients"]) for job in simulator.truth()["jobs"].values()
    )


def test_E05_the_same_command_again_sends_nothing(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """
    E05: run again, from another process's memory, the campaign continues: here there is nothing
    left to do.
    """
    connect().send(campaign())
    again = connect().send(campaign())

    assert ("completed", 40) == (again.state, count_submitted(simulator))
    assert 1 == len(simulator.truth()["jobs"])


def test_changed_content_under_the_same_name_is_refused(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """
    The name is the campaign's identity; another list under it is a mistake, not a second campaign.
    """
    connect().send(campaign())
    with pytest.raises(ConfigError, match="exists with other content"):
        connect().send(campaign([*ADDRESSES, "new@acme-01.example"]))

    assert 40 == count_submitted(simulator)


def test_D02_one_person_gets_one_mail(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """D02: duplicates, also by case, are folded and counted."""
    status = connect().send(
        campaign(["ann@acme-01.example", "ANN@acme-01.example", "Ann@ACME-01.example"])
    )

    assert (1, 2, 1) == (
        status.recipients["planned"],
        status.recipients["duplicates"],
        count_submitted(simulator),
    )


def test_B01_suppressed_people_are_not_mailed_and_are_on_record(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """B01, B06: the address itself is asked for; who is left out stands in the status."""
    simulator.suppress(ADDRESSES[:7])
    status = connect().send(campaign())

    assert (7, 33, 33) == (
        status.recipients["suppressed"],
        status.recipients["submitted"],
        count_submitted(simulator),
    )
    assert [] == simulator.truth()["suppressed_mailed"]


@pytest.mark.parametrize("listing", [False, True], ids=["one by one", "a whole list"])
def test_B01_who_was_left_out_is_told_with_reason_and_date(
    simulator: Simulator, connect: Callable[..., Connection], listing: bool
) -> None:
    """
    As the tutorial has it, with masked addresses: whom the API suppresses, whom an operator does,
    and the rows that the plan left out.
    """
    simulator.reset(suppression_listing=listing)
    simulator.suppress(ADDRESSES[:1])
    client = connect(suppression_listing=listing)
    client.ledger.suppressions.add(BY_HAND, {recipient_key(ADDRESSES[1]): "by phone"}, OPERATOR)
    status = client.send(campaign(["nobody", *ADDRESSES[:3], ADDRESSES[2]]), skip_invalid=True)
    today = datetime.now(UTC).date().isoformat()
    told = [
        (one["email"], one["reason"], one["line"], one["since"])
        for one in status.to_dict()["left_out"]
    ]

    listed = client.context.api.fetch_suppression(ADDRESSES[0])
    assert listed is not None
    assert listed.added_at is not None
    since = listed.added_at.date().isoformat()

    assert [
        ("***", "invalid", 1, None),
        ("p***@acme-01.example", "duplicate", 5, None),
        ("p***@acme-01.example", "suppressed by hand: by phone", None, today),
        ("p***@acme-01.example", f"suppressed: {listed.reason}", None, since),
    ] == told
    assert 4 == status.left_out._repr_html_().count("<tr><td")


def test_a_server_that_lists_its_suppressions_is_asked_once(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """
    With the capability declared the whole list is fetched in pages, instead of one request per
    person.
    """
    simulator.reset(suppression_listing=True)
    simulator.suppress(ADDRESSES[:7])
    status = connect(suppression_listing=True).send(campaign())
    truth = simulator.truth()

    assert (7, 33) == (status.recipients["suppressed"], count_submitted(simulator))
    assert [] == truth["suppressed_mailed"]
    assert sum(truth["requests"]["suppressions"].values()) < 5


def test_B05_when_everyone_is_suppressed_there_is_nothing_to_send(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """B05: an orderly end, no POST of an empty list, exit code 0."""
    simulator.suppress(ADDRESSES)
    status = connect().send(campaign())

    assert ("nothing_to_send", 0, {}) == (
        status.state,
        exit_code(status),
        simulator.truth()["jobs"],
    )


CHECKS_THAT_PROVE_NOTHING = [
    # fault                        how often    error
    ("suppression_404_html", None, ContractError),
    ("suppression_other_address", 1, ContractError),
    ("suppression_500", None, ServerFault),
    ("missing_scope", None, Denied),
]


@pytest.mark.parametrize(
    ("fault", "count", "error"),
    CHECKS_THAT_PROVE_NOTHING,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_B04_a_check_that_proves_nothing_stops_the_send(
    simulator: Simulator,
    connect: Callable[..., Connection],
    fault: str,
    count: int | None,
    error: type[CxError],
) -> None:
    """
    B03, B04: fail closed: no answer but the API's own word is a clearance. Nothing is sent, and the
    campaign can be continued.
    """
    simulator.arm(fault, count=count)
    with pytest.raises((error, CxError)) as raised:
        connect(patience_s=2).send(campaign())
    assert {} == simulator.truth()["jobs"]
    simulator.arm(None)

    assert "completed" == connect().send(campaign()).state
    assert raised.value.exit_code in (3, 4)


PASSING = [
    "rate_limited",
    "rate_limited_date",
    "server_error_503",
    "server_error_500_html",
    "reset",
    "expire_tokens",
]


@pytest.mark.parametrize("fault", PASSING)
def test_I01_passing_faults_of_reads_do_not_end_a_campaign(
    simulator: Simulator, connect: Callable[..., Connection], fault: str
) -> None:
    """
    I01, B07-B09, C05, F04, F05, G08: a check, a poll and a page that fail once or twice are asked
    for again.
    """
    for endpoint in ("suppressions", "job", "events"):
        simulator.arm(
            fault,
            count=1 if fault == "expire_tokens" else 2,
            after=1 if endpoint == "suppressions" else 0,
            endpoint=endpoint,
        )
    status = connect().send(campaign())

    assert ("completed", 40) == (status.state, count_submitted(simulator))


LOST_ANSWERS = ["post_reset_after_accept", "post_504_after_accept", "post_2xx_without_job_id"]


@pytest.mark.parametrize("fault", LOST_ANSWERS)
def test_E01_a_lost_answer_is_unknown_and_never_sent_again(
    simulator: Simulator, connect: Callable[..., Connection], fault: str
) -> None:
    """
    E01, E02: the outcome is unknown, listed with exit code 8, and stays so however often the
    command is run.
    """
    simulator.arm(fault)
    first = connect().send(campaign())
    again = connect().send(campaign())

    assert ("unknown", 8) == (first.state, exit_code(first)) == (again.state, exit_code(again))
    assert 40 == again.recipients["unknown"] == count_submitted(simulator)
    assert [] == simulator.truth()["mailed_twice"]


def test_an_unknown_outcome_is_settled_by_the_operators_word(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """With the job's id the campaign goes on to its end."""
    simulator.arm("post_reset_after_accept")
    client = connect()
    [row] = client.send(campaign()).batches
    [job_id] = simulator.truth()["jobs"]
    client.context.ledger.unknown.reconcile(row["batch"], job_id=job_id, quarantine_s=86400)

    assert "completed" == client.resume("q3").state


def test_E03_a_refusal_that_is_certain_is_tried_again(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """
    E03: 429 to the POST means "not taken": wait as long as it says, then the same batch, once.
    """
    simulator.arm("rate_limited", count=2, endpoint="messages")
    status = connect().send(campaign())

    assert ("completed", 40) == (status.state, count_submitted(simulator))


def test_E06_a_server_that_hangs_on_the_post_ends_by_the_deadline(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """E06: the call ends in time; what it did is unknown."""
    simulator.arm("post_hang")
    began = time.monotonic()
    status = connect(call_deadline_s=2).send(campaign())

    assert "unknown" == status.state
    assert time.monotonic() - began < 20  # of the default 30


def test_C02_a_failed_job_never_exits_zero(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """
    C02, C03, F10: the job's failure is the campaign's state, the webhook's event and the exit code.
    """
    simulator.arm("job_fails")
    status = connect().send(campaign())
    [hook] = simulator.received()

    assert ("failed", 5) == (status.state, exit_code(status))
    assert "email_job_failed" == hook["event"]
    assert "failed" == hook["data"]["status"]


def test_F01_a_job_that_takes_too_long_can_be_continued(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """F01: the deadline ends the wait, not the campaign; the next call goes on waiting."""
    simulator.arm("job_never_ends")
    with pytest.raises(JobTimeout):
        connect(job_deadline_s=1).send(campaign())

    assert "in_progress" == connect().status("q3").state
    assert 40 == count_submitted(simulator)


def test_a_job_that_is_not_there_yet_is_asked_for_again(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """
    404 right after the submit is the API's replicas catching up; an unknown status word means "keep
    polling".
    """
    simulator.arm("job_404_lag", count=2)

    assert "completed" == connect().send(campaign()).state


def test_F02_a_quick_job_is_seen_at_once(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """
    F02, F03: the first looks are short; a job of half a second isn't found out after the tutorial's
    two, four, eight.
    """
    client = connect()
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        time.sleep(seconds)

    vars(client)["context"] = replace(client.context, sleep=sleep)
    client.send(campaign(ADDRESSES[:3]))

    assert pauses
    assert sum(pauses) < 2 + 4


def test_G01_a_full_page_without_cursor_is_said_to_be_cut(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """G01: what came is kept, but the job is not passed off as complete."""
    simulator.arm("events_no_cursor", count=None)
    client = connect()
    with pytest.raises(PossiblyTruncated):
        client.send(campaign([f"p{number}@acme-02.example" for number in range(1000)]))
    [row] = client.context.ledger.batches.rows("q3")

    assert ("completed", 0) == (row.state, row.scans)
    assert sum(event_kinds(client.engine, "q3").values()) >= 900


def test_G07_late_events_are_picked_up_later(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """
    G07: opens that come in for days are in the store after a later collect; until then the status
    says provisional.
    """
    client = connect(event_horizon_s=WEEK_S)
    simulator.reset(speed=0)
    simulator.arm(None)
    people = campaign([f"p{number}@acme-02.example" for number in range(400)])
    with pytest.raises(JobTimeout):
        connect(job_deadline_s=0.1).send(people)
    simulator.advance(3600)
    first = client.send(people)
    simulator.advance(WEEK_S)
    late = client.collect("q3")

    assert first.provisional
    assert late.added > 0
    assert late.duplicates >= sum(first.events.values())


def test_G10_permanent_bounces_are_not_mailed_by_the_next_campaign(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """
    G04, G10: hard bounces of one campaign are local suppressions of the next; soft and odd ones are
    not.
    """
    people = [f"p{number}@gmail.example" for number in range(600)]
    client = connect()
    client.send(campaign(people))
    simulator.advance(WEEK_S)
    client.collect()
    hard = ask("bounces", client.store, ["q3"]).query("kind == 'hard'").recipients.sum()
    second = client.send(campaign(people, name="q4", subject="Q4"))

    assert 0 < hard == second.recipients["suppressed"]


def test_H01_the_webhook_carries_the_real_status_and_a_signature_that_verifies(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """
    H01: the tutorial's shape, the job's status, and headers that the standard's published library
    accepts.
    """
    connect().send(campaign())
    [hook] = simulator.received(raw=True)
    verified = Webhook(SIMULATOR_ACCOUNT["crm_webhook_secret"]).verify(
        hook["body"], hook["headers"]
    )

    assert ("email_job_completed", "completed") == (verified["event"], verified["data"]["status"])
    assert {
        "jobId",
        "status",
        "auditEntry",
        "permanentFailures",
        "retryCandidates",
        "engagement",
    } == set(verified["data"])
    assert 40 == verified["data"]["auditEntry"]["recipientCount"]


CRM_FAULTS = [
    # fault        webhooks after the send
    ("crm_503", {"delivered": 0, "pending": 1, "dead": 0, "parked": 0}),
    ("crm_410", {"delivered": 0, "pending": 0, "dead": 0, "parked": 1}),
]


@pytest.mark.parametrize(("fault", "expected"), CRM_FAULTS)
def test_H02_a_crm_that_fails_loses_nothing(
    simulator: Simulator, connect: Callable[..., Connection], fault: str, expected: dict[str, int]
) -> None:
    """
    H02, H03: the webhook stays in the outbox with the same id, waiting or parked, and the status
    says so.
    """
    simulator.arm(fault, count=None)
    client = connect()
    status = client.send(campaign())
    simulator.arm(None)
    [row] = client.context.ledger.outbox.webhooks()

    assert expected == dict(status.webhooks)
    assert row.last_error.startswith("status ")


def test_H04_without_a_crm_the_webhook_waits(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """H04: with no address set the send succeeds and the webhook is listed as pending, not lost."""
    status = connect(crm_webhook_url="").send(campaign())

    assert ("completed", {"delivered": 0, "pending": 1, "dead": 0, "parked": 0}) == (
        status.state,
        dict(status.webhooks),
    )


def test_D04_the_daily_limit_holds_over_runs(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """
    D04: 40 people, 25 a day: one batch of 25 goes, the other waits and is counted, however often
    the command is run.
    """
    people = campaign(limits={"daily": 25})
    first, again = connect().send(people), connect().send(people)

    assert (25, 15) == (first.recipients["submitted"], first.recipients["over_limit"])
    assert (first.recipients, 25) == (again.recipients, count_submitted(simulator))


def test_a_servers_own_quota_closes_the_day(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """
    The first 429 that means the day ends the sending, not the reading: what was accepted is
    followed and collected, the rest waits.
    """
    people = campaign([f"p{number}@acme-02.example" for number in range(90)])
    simulator.arm("quota_exceeded", count=None, after=1)
    client = connect(batch_size=30, daily_limit=1000)
    first, again = client.send(people), connect(batch_size=30).send(people)
    truth = simulator.truth()

    assert ("in_progress", 0, 30, 60) == (
        first.state,
        exit_code(first),
        first.recipients["submitted"],
        first.recipients["over_limit"],
    )
    assert (first.recipients, 30) == (again.recipients, count_submitted(simulator))
    assert sum(first.events.values()) > 0
    assert 2 == sum(asked["endpoint"] == "messages" for asked in simulator.control("log"))
    assert "quota.closed" in [entry.kind for entry in client.ledger.audit_log.entries()]
    assert [] == truth["mailed_twice"]


def test_a_closed_day_ends_at_midnight(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """On the next day the same command goes on."""
    simulator.arm("quota_exceeded")
    client = connect()
    client.send(campaign())
    tomorrow = client.context.now() + 86400
    later = Connection(client.settings, quiet=True)
    later.__dict__["ledger"] = type(client.ledger)(client.settings.ledger_url, now=lambda: tomorrow)

    assert (0, 40) == (count_submitted(simulator), later.send(campaign()).recipients["submitted"])


def test_a_campaign_goes_out_by_the_account_it_was_planned_for(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """
    Another profile on the same ledger neither sends, follows nor collects it; nameless commands
    pass it by.
    """
    connect().send(campaign())
    other = connect(client_id="other")
    for action in (other.resume, other.retry):
        with pytest.raises(ConfigError, match="not by this profile"):
            action("q3")

    assert (0, []) == (other.collect().jobs, other.unfinished())


def test_a_changed_daily_limit_counts_from_the_next_run(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """The limit is not a part of the content: the same campaign continues under the new one."""
    connect().send(campaign(limits={"daily": 25}))
    status = connect().send(campaign(limits={"daily": 40}))

    assert (40, 0) == (count_submitted(simulator), status.recipients["over_limit"])


def test_another_account_does_not_change_a_campaigns_limits(
    simulator: Any, connect: Callable[..., Connection]
) -> None:
    """A send that is refused because another account has the campaign leaves it as it was."""
    client = connect()
    client.send(campaign(limits={"daily": 25}))
    before = client.ledger.plans.spec("q3")
    with pytest.raises(ConfigError, match="not by this profile"):
        connect(client_id="other").send(campaign(limits={"daily": 40}))

    assert before == client.ledger.plans.spec("q3")


def test_a_listing_that_can_not_be_fetched_clears_nobody(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """
    Fail closed also with the whole list: several batches wait for it, none goes out without it.
    """
    people = [f"p{number}@acme-02.example" for number in range(400)]
    simulator.reset(suppression_listing=True)
    simulator.suppress(people)
    simulator.arm("server_error_503", count=None, endpoint="suppressions")
    with pytest.raises(CxError):
        connect(suppression_listing=True, batch_size=20, patience_s=1).send(campaign(people))

    assert {} == simulator.truth()["jobs"]


@pytest.mark.parametrize(("age_s", "fetched"), [(900.0, 1), (0.001, 3)])
def test_a_listing_that_is_too_old_is_fetched_anew(home: Path, age_s: float, fetched: int) -> None:
    """
    Within its age one list serves all batches; then each batch asks again, so that who complained
    meanwhile is left out.
    """
    mail = "/v1/communications/email"
    numbers = iter(range(9))
    with FaultServer() as server:
        server.script(
            "POST /v1/oauth2/token", Reply(200, {"access_token": "t", "expires_in": 3600})
        )
        server.script(f"GET {mail}/suppressions", Reply(200, {"results": [], "nextCursor": None}))
        server.script(
            f"POST {mail}/messages",
            lambda _: Reply(202, {"jobId": f"j{next(numbers)}"}, delay_s=0.01),
        )
        server.script(f"GET {mail}/events", Reply(200, {"results": [], "nextCursor": None}))
        for number in range(3):
            server.script(
                f"GET {mail}/jobs/j{number}",
                Reply(200, {"jobId": f"j{number}", "status": "completed"}),
            )
        alone = {"batch_size": 2, "workers": 1, "daily_limit": 1000}  # one batch after the other
        connection(
            server.url,
            home,
            crm_webhook_url="",
            suppression_listing=True,
            suppression_age_s=age_s,
            **alone,
        ).send(campaign(ADDRESSES[:6]))

        assert (3, fetched) == (
            len(server.asked(f"POST {mail}/messages")),
            len(server.asked(f"GET {mail}/suppressions")),
        )


def test_a_plan_of_which_nothing_was_sent_can_be_replaced(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """
    A list that was corrected after a failed sign-in is planned anew; who was mailed once is never
    replaced.
    """
    with pytest.raises(Denied):
        connect(client_secret="wrong").send(campaign(ADDRESSES[:3]))
    status = connect().send(campaign(ADDRESSES[:5]))

    assert ("completed", 5) == (status.state, count_submitted(simulator))


def test_one_job_that_can_not_be_asked_for_does_not_hold_up_the_others(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """A wrong job id ends in its own error, after the other batches have been followed."""
    simulator.arm("post_2xx_without_job_id")
    client = connect(batch_size=20)
    client.send(campaign())
    [lost] = list(client.ledger.batches.rows("q3", ["unknown"]))
    client.ledger.unknown.reconcile(lost.id, job_id="no-such-job", quarantine_s=0)
    with client.ledger.writing() as tx:
        tx.exec_driver_sql(
            "update batch set submitted_at = submitted_at - 3600 where job_id = 'no-such-job'"
        )
    with pytest.raises(Refused):
        client.resume("q3")

    assert {"submitted"} == {row.state for row in client.ledger.batches.rows("q3")} - {
        "settling",
        "settled",
        "synced",
    }


def test_retry_waves_take_soft_bounces_only(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """
    G06, G09: a soft bounce that was delivered later is not tried again; candidates keep their merge
    fields; the cooldown is kept.
    """
    people = [
        {"email": f"P{number}@Yahoo.example", "firstName": f"P{number}"} for number in range(600)
    ]  # events say it in lower case
    client = connect()
    client.send(campaign(people))
    simulator.advance(WEEK_S)
    client.collect()
    with pytest.raises(ConfigError, match="too early"):
        client.retry("q3")
    now = client.context.now() + 2 * 86400
    later = Connection(client.settings, quiet=True)
    later.__dict__["context"] = replace(client.context, now=lambda: now)
    early, _ = client.retry("q3", dry_run=True)
    plan, _ = later.retry("q3", dry_run=True)
    soft = ask("bounces", client.store, ["q3"]).query("kind == 'soft'").recipients.sum()

    assert (early, True) == (plan, client.context.now() < early.not_before.timestamp() < now)
    assert 0 < len(plan.people) <= soft
    assert all(who.merge_fields["firstName"] for who, _ in plan.people)
    assert "delivered" in {why for _, why in plan.left_out}


def test_a_plain_secret_is_read_as_the_standards_library_reads_it(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """With or without `whsec_`, the receiver built on the published library verifies."""
    plain = SIMULATOR_ACCOUNT["crm_webhook_secret"].removeprefix("whsec_")
    connect(crm_webhook_secret=plain).send(campaign(ADDRESSES[:2]))
    [hook] = simulator.received(raw=True)

    assert Webhook(plain).verify(hook["body"], hook["headers"])


def webhook_of(simulator: Simulator, version: int) -> dict[str, Any]:
    [data] = [
        hook["data"]
        for hook in simulator.received()
        if hook["data"]["auditEntry"]["version"] == version
    ]
    return dict(data)


def test_the_crm_hears_at_settling_what_came_after_the_first_look(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """
    H02: the first webhook tells what was known when the job ended, the last one all that a week
    brought, person by person.
    """
    client = connect()
    client.send(campaign([f"p{number}@gmail.example" for number in range(400)]))
    simulator.advance(2 * WEEK_S)
    for _ in range(3):
        client.collect()
    first, last = (webhook_of(simulator, version) for version in (1, 2))
    [job_id] = simulator.truth()["jobs"]
    people = outcomes(client.engine, "q3", [job_id])[job_id]

    assert (
        first["auditEntry"]["opens"]
        < last["auditEntry"]["opens"]
        == sum(1 for row in people if row["opened_at"])
    )
    assert {row["email"] for row in people if row["opened_at"] or row["clicks"]} == {
        each["email"] for each in last["engagement"]
    }
    assert sorted(row["email"] for row in people if row["kind"] == "hard") == sorted(
        each["email"] for each in last["permanentFailures"]
    )
    assert sorted(row["email"] for row in people if row["retry"] in ("now", "later")) == sorted(
        each["email"] for each in last["retryCandidates"]
    )
    assert last["permanentFailures"]
    assert {"settled", "synced"} >= {row.state for row in client.ledger.batches.rows("q3")}


def test_a_restored_backup_is_refused_by_its_anchors(
    simulator: Simulator, connect: Callable[..., Connection], home: Path
) -> None:
    """
    A ledger of yesterday calls planned whom it has mailed since: the anchor beside it knows better,
    and nothing is sent.
    """
    with pytest.raises(Denied):
        connect(client_secret="wrong").send(campaign())
    shutil.copy(home / "ledger.sqlite", home / "backup")
    connect().send(campaign())
    shutil.copy(home / "backup", home / "ledger.sqlite")
    rows = connect().ledger.audit_log.verify().rows
    actions: list[Callable[[], object]] = [
        lambda: connect().send(campaign()),
        lambda: connect().resume("q3"),
    ]
    for action in actions:
        with pytest.raises(StoreError, match="was a backup restored"):
            action()

    assert rows == connect().ledger.audit_log.verify().rows
    assert 40 == count_submitted(simulator)
    assert [] == simulator.truth()["mailed_twice"]


def test_an_event_with_the_batchs_tag_proves_that_it_was_sent(
    simulator: Simulator, connect: Callable[..., Connection], tmp_path: Path
) -> None:
    """
    The answer was lost; an export of events names the job and carries the tag that went out with
    every recipient.
    """
    simulator.arm("post_reset_after_accept")
    client = connect()
    [row] = client.send(campaign()).batches
    [job_id] = simulator.truth()["jobs"]
    seen = {
        "eventType": "delivery",
        "jobId": job_id,
        "messageId": "m1",
        "emailAddress": ADDRESSES[0],
        "timestamp": "2026-09-14T08:00:00Z",
    }
    export = tmp_path / "events.jsonl"
    export.write_text(
        "".join(
            json.dumps(seen | {"messageId": tag, "tags": [tag]}) + "\n"
            for tag in ("vip", f"cxb:{row['batch']}")
        )
    )
    import_file(export, "q3", client.store, now=datetime.now(UTC))
    status = connect().send(campaign())

    assert ("completed", 40) == (status.state, count_submitted(simulator))
    assert () == client.ledger.audit_log.verify().faults


def test_no_such_event_proves_nothing(
    simulator: Simulator, connect: Callable[..., Connection], tmp_path: Path
) -> None:
    """Tags of other batches, and two jobs that claim the same one, leave the outcome unknown."""
    simulator.arm("post_reset_after_accept")
    client = connect()
    [row] = client.send(campaign()).batches
    events = [
        {
            "eventType": "delivery",
            "jobId": job_id,
            "messageId": job_id,
            "emailAddress": ADDRESSES[0],
            "tags": [tag],
        }
        for job_id, tag in (
            ("x1", "cxb:another"),
            ("x2", f"cxb:{row['batch']}"),
            ("x3", f"cxb:{row['batch']}"),
        )
    ]
    export = tmp_path / "events.json"
    export.write_text(json.dumps(events))
    import_file(export, "q3", client.store, now=datetime.now(UTC))

    assert "unknown" == connect().send(campaign()).state


def test_what_a_killed_process_left_can_be_settled_at_once(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """
    Nobody has to know that `resume` would find it first; the operator's reason is in the audit log.
    """
    client = connect()
    write_plan(client.context, campaign())
    [row] = client.ledger.batches.rows("q3")
    client.ledger.posts.claim(
        row.id,
        b"{}",
        recipients=40,
        excluded={},
        lease_s=3600,
        account=client.settings.account,
        limit=None,
    )
    with client.ledger.writing() as tx:
        tx.execute(
            batch.update().values(owner=f"{client.ledger.posts.worker.rsplit(':', 2)[0]}:999999:1")
        )

    assert "abandoned" == connect().reconcile(row.id, abandon=True, reason="asked NICE")
    assert [True] == [
        "asked NICE" in entry.body
        for entry in client.ledger.audit_log.entries()
        if entry.kind == "batch.reconciled"
    ]


def test_a_ledger_that_fails_after_the_post_tells_the_job(home: Path) -> None:
    """
    The API has it, the ledger can't keep the answer: the error says which job it became, and the
    next run doesn't send.
    """
    mail = "/v1/communications/email"
    with FaultServer() as server:
        client = connection(server.url, home, crm_webhook_url="")

        def take(_: Any) -> Reply:
            with sqlite3.connect(home / "ledger.sqlite") as database:
                database.execute(
                    "create trigger full before update on attempt begin select raise(abort, 'disk full'); end"
                )
            return Reply(202, {"jobId": "j77", "status": "queued"})

        server.script(
            "POST /v1/oauth2/token", Reply(200, {"access_token": "t", "expires_in": 3600})
        )
        server.script(f"GET {mail}/suppressions", Reply(200, {"results": []}))
        server.script(f"POST {mail}/messages", take)
        with pytest.raises(StoreError, match="as job j77"):
            client.send(campaign(ADDRESSES[:5]))

        assert "submitting" == client.ledger.batches.rows("q3")[0].state


KILLED = """
import sys
from pathlib import Path
from cxtools.sending.campaign import Campaign
from cxtools.connection import Connection
from cxtools.simulated import SIMULATOR_ACCOUNT
from cxtools.settings import load_settings
url, home = sys.argv[1:]
client = Connection(load_settings(environ={}, home=Path(home), env_url=url, **SIMULATOR_ACCOUNT), quiet=True)
people = [f"p{number}@acme-01.example" for number in range(40)]
client.send(Campaign.from_list(people, name="q3", subject="Q3", template_id="a1b2c3d4-e5f6-7890-abcd-ef1234567890", sender="me@example.com"))
"""


def test_E05_a_process_killed_during_the_post_mails_nobody_twice(
    simulator: Simulator, connect: Callable[..., Connection], home: Path
) -> None:
    """
    E05: kill -9 while the API holds the answer back: the next run finds an unknown outcome and
    doesn't repeat it.
    """
    simulator.arm("post_hang_after_accept")
    worker = subprocess.Popen([sys.executable, "-c", KILLED, simulator.url, str(home)])
    deadline = time.monotonic() + 20
    while not simulator.truth()["jobs"] and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    seen = connect().status("q3")
    status = connect().send(campaign())

    assert ("unknown", 8, ["unknown"]) == (
        seen.state,
        exit_code(seen),
        [row["state"] for row in seen.batches],
    )
    assert f"batch {seen.batches[0]['batch']} (40 recipients): the worker ended" in str(seen)
    assert ("unknown", 40) == (status.state, count_submitted(simulator))
    assert [] == simulator.truth()["mailed_twice"]


@pytest.fixture
def closed_port() -> Iterator[str]:
    """An address on this machine at which nobody listens."""
    import socket

    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def test_an_unreachable_host_is_said_in_time_and_leaves_the_plan(
    connect: Callable[..., Connection], closed_port: str
) -> None:
    """Nothing was sent; the campaign stays planned, and continues when the host is there."""
    client = connect(env_url=closed_port, patience_s=2)
    with pytest.raises(Unreachable):
        client.send(campaign())

    assert "in_progress" == client.status("q3").state


def test_one_sign_in_serves_all_threads(
    simulator: Simulator, connect: Callable[..., Connection]
) -> None:
    """C06: sixteen workers share one token."""
    connect().send(campaign())

    assert 1 == simulator.truth()["tokens"]


def test_the_simulators_receiver_refuses_a_wrong_signature(simulator: Simulator) -> None:
    """The receiver checks: an unsigned POST is not taken for a webhook."""
    answer = requests.post(f"{simulator.url}/_sim/crm", json={"event": "x"}, timeout=5)

    assert answer.status_code in (400, 401)
