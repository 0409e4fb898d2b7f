"""
The verdict: limits as a table, one word by the interval, sentences that carry count, rate, interval
and comparison.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cxtools.charts import tables as tables_of_charts
from cxtools.charts.verdicts import MIME, SYMBOLS
from cxtools.charts.verdicts import text as verdict_text
from cxtools.connection import connect
from cxtools.errors import ConfigError
from cxtools.events.store import EventStore
from cxtools.measures.engine import Engine
from cxtools.sending.campaign import Campaign
from cxtools.verdicts.cards import card
from cxtools.verdicts.checks import check
from cxtools.verdicts.evidence import verdict_on
from cxtools.verdicts.facts import Facts
from cxtools.verdicts.limits import (
    AUTHENTICATION,
    BLOCKED,
    COMPLAINTS,
    HARD_BOUNCES,
    SCANNERS,
    UNCLASSIFIED,
    Limit,
)
from cxtools.verdicts.own_limits import own_limits
from cxtools.verdicts.verdict import VIEWS, verdict
from tests import tables
from tests.conftest import Simulator
from tests.proof.ground import NAME, PEOPLE, SPEC, connection
from tests.tables import ask

START = datetime(2026, 9, 14, 10, tzinfo=UTC)
COUNTS = {
    "attempted": 9870,
    "delivered": 9412,
    "bounced": 458,
    "opened": 3576,
    "opened_strict": 3559,
    "clicked": 402,
    "clicks_without_open": 17,
    "hard": 310,
    "soft": 80,
    "block": 54,
    "unauthenticated": 0,
    "unclassified": 14,
    "clickers": 410,
    "suspect": 110,
    "human": 300,
    "human_clicked": 292,
}
EARLIER = [
    {"attempted": 1000, "delivered": 972, "clicked": 40 + place, "hard": 15} for place in range(8)
]


#: Of which nothing is too much.
SMALL = {
    "attempted": 1000,
    "delivered": 980,
    "bounced": 20,
    "soft": 5,
    "block": 2,
    "unclassified": 0,
    "opened": 380,
    "clicked": 43,
    "clickers": 45,
    "suspect": 5,
    "human": 40,
    "human_clicked": 39,
}


def facts(**changed: Any) -> Facts:
    usual: dict[str, Any] = {
        "campaign": "q3",
        "counts": COUNTS,
        "first_at": START,
        "last_at": START + timedelta(hours=26),
        "top_cause": ("invalid_recipient", 189),
        "earlier": EARLIER,
        "maturity": 0.92,
    }
    return Facts(**usual | changed)


@pytest.mark.parametrize(
    ("limit", "counts", "word"),
    [
        (
            HARD_BOUNCES,
            {"hard": 500, "attempted": 8000},
            "FAIL",
        ),  # 5.7 to 6.8: all of the interval above 5
        (HARD_BOUNCES, {"hard": 60, "attempted": 1000}, "WARN"),  # 6.0, but perhaps 4.7
        (HARD_BOUNCES, {"hard": 3, "attempted": 50}, "WARN"),  # 6.0, but anything from 2.1 to 16.2
        (
            HARD_BOUNCES,
            {"hard": 300, "attempted": 10000},
            "WARN",
        ),  # 3.0: above the target, below the limit
        (HARD_BOUNCES, {"hard": 88, "attempted": 4925}, "TOO FEW"),  # 1.8, but perhaps 2.2
        (HARD_BOUNCES, {"hard": 10, "attempted": 1000}, "PASS"),
        (HARD_BOUNCES, {"hard": 0, "attempted": 0}, "–"),
        (AUTHENTICATION, {"unauthenticated": 1, "attempted": 100000}, "WARN"),
        (AUTHENTICATION, {"unauthenticated": 1, "attempted": 2}, "WARN"),
        (AUTHENTICATION, {"unauthenticated": 0, "attempted": 10}, "PASS"),
        (AUTHENTICATION, {"unauthenticated": 2, "attempted": 1000}, "WARN"),  # 0.1 to 0.7
        (AUTHENTICATION, {"unauthenticated": 15, "attempted": 3000}, "WARN"),
        (AUTHENTICATION, {"unauthenticated": 30, "attempted": 3000}, "FAIL"),  # 0.7 to 1.4
        (UNCLASSIFIED, {"unclassified": 30, "bounced": 100}, "WARN"),
        (UNCLASSIFIED, {"unclassified": 4, "bounced": 17}, "TOO FEW"),  # 24, but perhaps 10
        (COMPLAINTS, {"delivered": 5000}, "not measured"),
        (COMPLAINTS, {"delivered": 5000, "complained": 40}, "FAIL"),
        (COMPLAINTS, {"delivered": 2500, "complained": 3}, "TOO FEW"),  # 0.12, as chance has it
        (HARD_BOUNCES, {"hard": 1, "attempted": 7}, "TOO FEW"),  # one person is no alarm
        (HARD_BOUNCES, {"hard": 2, "attempted": 7}, "TOO FEW"),
        (BLOCKED, {"block": 25, "attempted": 1000}, "TOO FEW"),  # 2.5 where 2.0 is the target
        (BLOCKED, {"block": 40, "attempted": 1000}, "WARN"),
        (SCANNERS, {"suspect": 60, "clickers": 100}, "WARN"),
    ],
)
def test_a_limit_is_judged_by_the_interval(limit: Limit, counts: dict[str, int], word: str) -> None:
    """
    FAIL when the whole interval is above the limit, WARN when the number is above the target, as
    guidance has it, or by more than chance; PASS when the whole interval is below the target.
    """
    assert word == check(limit, counts).word


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"hard": 100}, "PASS"),
        ({}, "WARN"),
        ({"hard": 900}, "FAIL"),
        ({"hard": 100, "unauthenticated": 1}, "WARN"),
        ({"hard": 100, "unauthenticated": 100}, "FAIL"),
        (SMALL | {"hard": 4}, "PASS"),
        (SMALL | {"hard": 18}, "TOO FEW"),
        (SMALL | {"hard": 4, "block": 80}, "FAIL"),
        (SMALL | {"hard": 4, "block": 35}, "WARN"),
        (SMALL | {"hard": 4, "undetermined": 62}, "WARN"),
        (SMALL | {"hard": 4, "soft": 80}, "WARN"),
        (SMALL | {"hard": 4, "bounced": 130}, "FAIL"),
        (SMALL | {"hard": 4, "unsubscribed": 25}, "WARN"),
        (SMALL | {"hard": 4, "unsubscribed": 12}, "PASS"),  # 1.2, but perhaps under 1
        (dict.fromkeys(COUNTS, 0), "TOO EARLY"),
        ({"attempted": 0}, "NO DATA"),
    ],
)
def test_the_worst_check_is_the_verdict(changed: dict[str, int], word: str) -> None:
    """One word for the campaign: that of its worst check."""
    assert word == verdict(facts(counts=COUNTS | changed)).word


def test_the_sentences_of_a_campaign() -> None:
    """
    What a stakeholder reads first: why the verdict, then arrival, clicks and maturity, each against
    earlier campaigns.
    """
    assert (
        "310 hard bounces (3.1%, 2.8–3.5) are above the 2% target but below the 5% limit.",
        "9,412 of 9,870 messages (95.4%, 94.9–95.8) were delivered, "
        "1.8 points below the median of 8 earlier campaigns at the same age (97.2%).",
        "292 people clicked (3.1%, 2.8–3.5 of the delivered), scanners left out; with them 402 (4.3%), "
        "0.2 points below the median of 8 earlier campaigns at the same age (4.5%).",
        "The data end 26 h after the first event; earlier campaigns had 92% of their 7-day clicks by then.",
    ) == verdict(facts()).sentences


USUAL_CLICKS = {"attempted": 1000, "delivered": 1000, "clicked": 50}
TOLD_MORE = USUAL_CLICKS | {"clicked": 70}
NO_CLICKS = {"attempted": 1000, "delivered": 1000}
TINY = {"attempted": 10, "delivered": 3, "clicked": 0}
#: Earlier campaigns -> what clicks of 4.3 % are compared with, in the sentence and on the card.
COMPARED = [
    (
        [USUAL_CLICKS, TOLD_MORE, NO_CLICKS],
        "1.7 points below the median of 2 earlier campaigns at the same age (6.0%).",
        "1.7 points below the usual 6.0%",
    ),
    (
        [USUAL_CLICKS, TOLD_MORE, NO_CLICKS, TINY],
        "1.7 points below the median of 2 earlier campaigns at the same age (6.0%; left out: 1 of "
        "fewer than 100 messages).",
        "1.7 points below the usual 6.0%",
    ),
    (
        [USUAL_CLICKS, NO_CLICKS],
        "0.7 points below one earlier campaign at the same age (5.0%).",
        "0.7 points below the usual 5.0%",
    ),
    ([NO_CLICKS, TINY], "with them 402 (4.3%).", ""),
]
NOTHING_BESIDE = "There is nothing to compare"
TOO_SMALL = {"attempted": 99, "delivered": 95, "clicked": 9}
FEW_ARRIVED = {"attempted": 100, "delivered": 95, "clicked": 9}
ONLY_ARRIVED = {"attempted": 99, "delivered": 95}
OF_CLICKS = "There is nothing to compare the clicks with:"
#: Earlier campaigns -> what is said of a comparison that isn't there, by the report.
NOT_COMPARED = [
    ([], {}),
    ([USUAL_CLICKS, TOO_SMALL], {}),
    ([NO_CLICKS], {}),
    (
        [TOO_SMALL, ONLY_ARRIVED, TINY],
        dict.fromkeys(
            ("run", "bounces", "engagement"),
            "There is nothing to compare this with: 3 earlier campaigns have fewer than 100 "
            "messages each.",
        ),
    ),
    (
        [NO_CLICKS, FEW_ARRIVED],
        dict.fromkeys(
            ("run", "engagement"),
            f"{OF_CLICKS} one earlier campaign has fewer than 100 delivered messages.",
        ),
    ),
    (
        [FEW_ARRIVED],
        dict.fromkeys(
            ("run", "engagement"),
            f"{OF_CLICKS} the one earlier campaign has fewer than 100 delivered messages.",
        ),
    ),
]


@pytest.mark.parametrize("about", ["run", "bounces", "engagement"])
@pytest.mark.parametrize(("earlier", "said"), NOT_COMPARED)
def test_a_comparison_that_is_not_there_is_said_once(
    earlier: list[dict[str, int]], said: dict[str, str], about: str
) -> None:
    """Where earlier campaigns are too small, not where there are none or they don't tell of it."""
    sentences = verdict(facts(earlier=earlier), about).sentences
    found = [each for each in sentences if NOTHING_BESIDE in each]

    assert ([said[about]] if about in said else []) == found


@pytest.mark.parametrize(("earlier", "words", "on_card"), COMPARED)
def test_the_median_is_of_the_campaigns_that_it_names(
    earlier: list[dict[str, int]], words: str, on_card: str
) -> None:
    """Those that measure clicks, of messages enough; of others it isn't said that they count."""
    compared = facts(earlier=earlier)
    [clicked] = [each for each in verdict(compared).sentences if "people clicked" in each]

    assert clicked.endswith(words)
    assert on_card == card(compared, "Clicked").comparison


@pytest.mark.parametrize("about", VIEWS)
@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"hard": 1200},
        {"hard": 0, "bounced": 0},
        {"delivered": 0, "opened": 0, "clicked": 0, "human": 0, "suspect": 0},
    ],
)
def test_every_view_says_three_to_six_sentences(about: str, changed: dict[str, int]) -> None:
    """Enough to know, little enough to read; never a NaN, whatever is zero."""
    said = verdict(facts(counts=COUNTS | changed), about)

    assert 3 <= len(said.sentences) <= 6
    assert [] == [
        text
        for text in (*said.sentences, *map(str, said.cards))
        if re.search(r"nan|None|inf\b", text, re.I)
    ]


def test_a_report_starts_with_what_it_is_about() -> None:
    """What came back has made the word: the engagement report says so second, and leads there."""
    counts = COUNTS | {"hard": 900}
    about_clicks = verdict(facts(counts=counts), "engagement").sentences
    about_bounces = verdict(facts(counts=counts), "bounces").sentences
    complaints = verdict(facts(counts=COUNTS | {"hard": 100, "complained": 90}), "bounces")

    assert about_clicks[0].startswith("292 people clicked")
    assert about_clicks[1].startswith("FAIL is for what came back: 900 hard bounces (9.1%")
    assert about_clicks[1].endswith("The bounce report has the details.")
    assert about_bounces[0].startswith("900 hard bounces")
    assert complaints.sentences[0].startswith("9,412 of 9,870 messages")
    assert complaints.sentences[1].startswith("FAIL is for what people did: 90 of 9,412")


def test_nothing_is_said_twice() -> None:
    """What an alarm says isn't said again by the sentence that every such report has."""
    lost = facts(counts=SMALL | {"hard": 4, "delivered": 900, "bounced": 40})
    scanned = facts(counts=SMALL | {"hard": 4, "suspect": 40, "human": 5}, earlier=())
    about_delivery = [text for text in verdict(lost).sentences if "were delivered" in text]
    about_scanners = [
        text for text in verdict(scanned, "engagement").sentences if "like scanners" in text
    ]

    assert ["WARN", "WARN"] == [verdict(lost).word, verdict(scanned).word]
    assert about_delivery == [
        "900 of 1,000 messages (90.0%, 88.0–91.7) were delivered; 97.2% are usual: the median of "
        "the last 8 campaigns."
    ]
    assert 1 == len(about_scanners)


def test_complaints_are_judged_by_mailbox_provider() -> None:
    """A share that the whole campaign bears is named where it all comes from, with what to do."""
    people = [(f"g{number}", "gmail.com") for number in range(900)]
    people += [(f"y{number}", "yahoo.com") for number in range(600)]
    lines = [f"{to} | delivery | +0 | {to}@{domain}" for to, domain in people]
    lines += [f"y{number} | complaint | +60 | y{number}@yahoo.com" for number in range(9)]
    text = "\n".join(["to | kind | at | email", *lines])
    said = verdict_on(Engine(tables.store(text)), "c")
    [place] = [check for check in said.facts.checks if check.trouble]
    [action] = [action for action in said.actions if action.id == "heed_complaints"]
    [card] = [card for card in said.cards if card.name == "Complaints"]

    assert ("Complaints at Yahoo", "WARN", 9, 600) == (
        place.limit.name,
        place.word,
        place.count,
        place.whole,
    )
    assert (
        "1.5% of those at Yahoo who got the mail complained (9 of 600, 0.8–2.8): 100% of all "
        "complaints."
    ) in said.sentences
    assert ("list owner", 9, "https://senders.yahooinc.com/") == (
        action.who,
        action.count,
        action.command,
    )
    assert "Yahoo: 1.5%" == card.place


UNSETTLED = (
    "Whether 1 recipient was mailed is not known, since the answer to their submit was lost: `cxtools status q3` lists the batches.",
    "985 recipients were in jobs that failed or in batches that the API refused: `cxtools status q3` says why.",
    "100 recipients were not mailed yet: `cxtools resume q3` continues.",
)


@pytest.mark.parametrize(
    ("unsettled", "first"),
    [
        ({"unknown": 1}, UNSETTLED[:1]),
        ({"failed": 985}, UNSETTLED[1:2]),
        ({"waiting": 100}, UNSETTLED[2:]),
        ({"waiting": 100, "failed": 985, "unknown": 1}, UNSETTLED),
    ],
)
@pytest.mark.parametrize(
    ("counts", "word"),
    [({"hard": 100}, "WARN"), ({"hard": 900}, "FAIL"), ({"attempted": 0}, "WARN")],
)
def test_what_the_ledger_left_open_is_said_first(
    unsettled: dict[str, int], first: tuple[str, ...], counts: dict[str, int], word: str
) -> None:
    """
    Lost, failed and waiting recipients are a warning and the first sentences, with the command that
    helps, also before any event.
    """
    said = verdict(facts(counts=COUNTS | counts, unsettled=unsettled))

    assert (word, first) == (said.word, said.sentences[: len(first)])
    assert (
        "PASS"
        == verdict(facts(counts=COUNTS | {"hard": 100}, unsettled=dict.fromkeys(unsettled, 0))).word
    )


def test_the_ledger_tells_what_it_left_open(simulator: Simulator, home: Path) -> None:
    """
    People of a failed job, as the verdict gets them; a campaign that was never sent leaves nothing
    open.
    """
    simulator.arm("job_fails")
    client = connection(simulator.url, home, crm_webhook_url="")
    assert {} == client.unsettled(NAME)
    client.send(Campaign.from_list(PEOPLE[:5], name=NAME, **SPEC))

    assert {"unknown": 0, "failed": 5, "waiting": 0} == client.unsettled(NAME)
    assert "WARN" == verdict_on(client.engine, NAME, unsettled=client.unsettled(NAME)).word


@pytest.mark.parametrize(
    ("code", "text", "word"),
    [
        ("550 5.7.26", "unauthenticated mail: neither SPF nor DKIM passed - gsmtp", "WARN"),
        ("550 5.7.1", "the sender's DMARC policy says reject", "WARN"),
        ("550 5.7.1", "posts are for members of the group only", "PASS"),
        ("530 5.7.10", "TLS required, but your server offers none", "PASS"),
        ("450 4.7.5", "the certificate of the server is not trusted: handshake failed", "PASS"),
        ("550", "sender verify failed: the callback was refused", "PASS"),
        ("504 5.5.2", "HELO command rejected: need a fully qualified hostname", "PASS"),
        ("535 5.7.8", "authentication failed: wrong password", "PASS"),
        ("450 4.7.25", "the sending IP has no PTR record", "PASS"),
    ],
)
def test_only_the_mails_own_authentication_is_a_warning(code: str, text: str, word: str) -> None:
    """
    Of many one mail that fails SPF, DKIM or DMARC is a WARN in its own words; groups, TLS,
    certificates, callbacks, HELO, a login and reverse DNS are no such thing.
    """
    mail = "\n".join(f"p{number} | delivery | +{number} | |" for number in range(600))
    refused = f"q | bounce | +1 | {code} | {text}"
    known = Engine(tables.store(f"to | kind | at | code | text\n{mail}\n{refused}"))
    said = verdict_on(known, "c")

    assert word == said.word
    assert (word == "WARN") == ("forwarded mail does so now and then" in said.sentences[0])


def test_a_first_campaign_is_compared_with_nothing() -> None:
    """Without earlier campaigns there is no comparison, rather than one with zero."""
    assert "earlier" not in str(verdict(facts(earlier=(), maturity=None)))


def test_what_is_missing_is_a_dash() -> None:
    """A rate without a denominator is shown as a dash on its card."""
    cards = {card[0]: card[1] for card in verdict(facts(counts=COUNTS | {"delivered": 0})).cards}

    assert "–" == cards["Clicked"]


def test_nothing_accepted_is_said_in_words() -> None:
    """No dash stands in a sentence; a card says why it has none."""
    store = tables.store("to | kind | at | code\nann | sent | +0 |\nann | bounce | +0 | 5.1.1")
    for about in VIEWS:
        said = verdict_on(Engine(store), "c", about=about)
        assert [] == [
            text
            for text in said.sentences
            if re.search(r"(?<!\d)–|1 bounces|1 recipients|1 messages|1 hard bounces", text)
        ]
    assert "Nobody opened or clicked: nothing was delivered." in said.sentences
    assert ("Opened", "–", "nothing was delivered", "") in {card[:4] for card in said.cards}


@pytest.mark.parametrize(
    ("events", "sentences"),
    [
        (
            "ann | bounce | +0 |\nbob | delivery | +0 |\nbob | open | +60 |",
            (
                "Nobody clicked (0.0%, 0.0–79.3 of the delivered).",
                "Between 0.0% and 100.0% opened: a range, since machines that fetch images can't be told from readers in this feed.",
                "The data end 1 min after the first event.",
            ),
        ),
        (
            "ann | delivery | +0 |\nann | open | +60 |",
            (
                "Nobody clicked (0.0%, 0.0–79.3 of the delivered).",
                "Between 0.0% and 100.0% opened: a range, since machines that fetch images can't be told from readers in this feed.",
                "The data end 1 min after the first event.",
            ),
        ),
        (
            "ann | delivery | +0 |\nann | click | +60 | https://x.example/a",
            (
                "1 person clicked (100.0%, 20.7–100.0 of the delivered).",
                "100.0% opened: all of them clicked.",
                "The data end 1 min after the first event.",
            ),
        ),
        (
            "ann | delivery | +0 |\nann | click | +1 | https://x.example/unsubscribe",
            (
                "Nobody clicked (0.0%, 0.0–79.3 of the delivered).",
                "Nobody opened: no image was loaded and no link followed.",
                "The data end 1 s after the first event.",
            ),
        ),
    ],
)
def test_thin_data_is_spoken_of_plainly(events: str, sentences: tuple[str, ...]) -> None:
    """
    One recipient is one recipient, and nobody is nobody: of so few that nobody clicked is no sign
    that clicks aren't measured.
    """
    said = verdict_on(
        Engine(tables.store(f"to | kind | at | url\n{events}")), "c", about="engagement"
    )

    first, few, *others = said.sentences

    assert few.startswith("TOO FEW is for what came back: No address bounced hard, but of so few")
    assert sentences == tuple(text for text in (first, *others) if "scanners" not in text)


def test_a_single_complaint_is_no_reason_to_doubt() -> None:
    """One complaint of 2,955 proves nothing, but few campaigns could prove that they are below 0.1%."""
    counts = {"hard": 1, "attempted": 2980, "delivered": 2955, "clicked": 130, "complained": 1}
    said = verdict(facts(counts=SMALL | counts))
    [complaints] = [one for one in said.facts.checks if one.limit.part == "complained"]

    assert ("TOO FEW", "PASS") == (complaints.word, said.word)


def test_a_sentence_names_the_limit_that_is_set() -> None:
    """A share several times as large, or a limit of one's own, isn't "four times the average"."""
    counts = SMALL | {"hard": 1, "unsubscribed": 50}
    limits = own_limits({"unsubscribed": {"target": 0.0005}})
    said = verdict(facts(counts=counts, limits=limits))

    assert said.sentences[0] == (
        "50 of 980 recipients (5.1%, 3.9–6.7) unsubscribed: more than 0.05%, where 0.25% are average."
    )


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"bounced": 130}, "130 of 1,000 messages (13.0%, 11.1–15.2) bounced."),
        ({"soft": 80}, "80 of 1,000 messages (8.0%, 6.5–9.8) bounced softly"),
        ({"unclassified": 15}, "The cause of 15 of 20 bounces"),
        ({"complained": 40}, "40 of 980 recipients (4.1%, 3.0–5.5) complained"),
        ({"suspect": 30}, "30 of 45 recipients (66.7%, 52.1–78.6) who followed a link"),
    ],
)
def test_a_share_is_of_what_it_is_said_to_be_of(counts: dict[str, int], words: str) -> None:
    """Messages bounce, causes are of bounces, people complain."""
    assert words in str(verdict(facts(counts=SMALL | {"hard": 4} | counts)))


def test_who_complains_or_unsubscribes_often_is_one_person() -> None:
    """Messages are counted, not what the feed says of them; as of a moment, too."""
    mail = "\n".join(f"p{number} | delivery | +{number}" for number in range(300))
    said = "\n".join(
        f"p{number % 5} | {kind} | +{1000 + number}"
        for number in range(40)
        for kind in ("complaint", "unsubscribe")
    )
    known = Engine(tables.store(f"to | kind | at\n{mail}\n{said}"))
    late = START.replace(hour=9) + timedelta(seconds=1002)

    counts = verdict_on(known, "c").facts.counts
    assert (5, 5) == (counts["complained"], counts["unsubscribed"])
    assert 3 == verdict_on(known, "c", as_of=late).facts.counts["complained"]


def test_more_complaints_than_mail_are_no_share() -> None:
    """A list of complaints beside a few deliveries is no verdict, and no error."""
    mail = "\n".join(f"p{number} | delivery | +{number}" for number in range(10))
    said = "\n".join(f"q{number} | complaint | +{number}" for number in range(30))
    judged = verdict_on(Engine(tables.store(f"to | kind | at\n{mail}\n{said}")), "c")

    assert "NO DATA" == judged.word
    assert "More complained than got the mail (30 of 10): they aren't counted." in judged.sentences
    assert "complained" not in judged.facts.counts


def test_what_a_feed_does_not_hold_is_not_compared() -> None:
    """
    A feed of notifications has neither opens nor clicks: no sentence, no card, no comparison and no
    chart makes a zero of it.
    """
    store = tables.store(HISTORY.format(day="01", late="06"), "earlier")
    tables.store(
        "to | kind | at\nann | delivery | 03 09:00:00\nbob | delivery | 04 09:00:00",
        "notified",
        into=store,
    )
    tables.store(HISTORY.format(day="10", late="12"), "now", into=store)
    said = verdict_on(Engine(store), "notified", about="engagement")
    rates = {
        row["campaign"]: row["click_rate"] for row in ask("comparison", store, "now").records()
    }
    drawn = ask("funnel", store, "notified").chart()

    assert {"opened", "clicked", "clickers", "human"} & set(said.facts.counts) == set()
    assert {
        ("Clicked", "–", "not measured", ""),
        ("Opened", "–", "not measured", ""),
        ("Clicked, scanners left out", "–", "not measured", ""),
    } <= {card[:4] for card in said.cards}
    assert {"earlier": 0.5, "notified": None, "now": 1.0} == rates
    assert ["Attempted", "Delivered"] == list(drawn.data[0].y)
    assert 2 == tables_of_charts.html(ask("funnel", store, "notified")).count(">not measured</td>")
    assert ["2", "2", "–", "–", "0", "100.0%", "–", "–"] == ask(
        "funnel", store, "notified"
    ).text().splitlines()[1].split()
    assert "not measured, as the feed holds none: opened, clicked." in drawn.layout.meta["caption"]
    assert 1 == len(
        [row for row in verdict_on(Engine(store), "now").facts.earlier if "clicked" in row]
    )


def test_machines_that_the_feed_tells_apart_are_no_readers() -> None:
    """
    With sg_machine_open the range goes from who surely loaded images or clicked to everyone;
    without it machines can't be told.
    """
    text = (
        "to | kind | at\n"
        + "".join(f"p{n} | delivery | +0\n" for n in range(4))
        + "p0 | open | +60\np1 | open | +1\np2 | open | +1\np2 | click | +99"
    )
    store = tables.store(text)
    flagged = EventStore(store.root.parent / "flagged")
    told = [
        replace(event, by_machine=True)
        if event.kind == "open" and event.recipient_id != "p0"
        else event
        for event in tables.events(text)
    ]
    flagged.add("c", told, source="test", received_at=START)
    found = ask("funnel", flagged).iloc[0]

    assert "machines that fetch images can't be told from readers in this feed" in str(
        verdict_on(Engine(store), "c", about="engagement")
    )
    assert (
        "Between 50.0% and 75.0% opened: a range, since of the others the feed says that machines fetched the images."
        in str(verdict_on(Engine(flagged), "c", about="engagement"))
    )
    assert (3, 1, 1) == (found.opened, found.opened_strict, found.clicked)
    assert {"machine_opens": 1} == {
        row["check"]: row["count"]
        for row in ask("data_quality", flagged).records()
        if row["check"] == "machine_opens"
    }


def test_who_only_unsubscribed_is_told_apart() -> None:
    """
    The scanners' table counts all links, the funnel content only: the sentence names the
    difference.
    """
    assert (
        "of the 410 who followed any link, 8 of them only to unsubscribe or change preferences, behave like scanners"
        in " ".join(verdict(facts(), "engagement").sentences)
    )


def test_above_the_halt_it_says_stop() -> None:
    """From one hard bounce in ten on, the sentence is an order."""
    assert "stop sending" in verdict(facts(counts=COUNTS | {"hard": 1200})).sentences[0]


def test_it_shows_itself_without_letting_names_become_markup() -> None:
    """Campaign names and causes are text in the page; symbol and word stand beside the colour."""
    bundle = verdict(
        facts(top_cause=("<script>alert(1)</script>", 300)), "bounces"
    )._repr_mimebundle_()

    assert "<script>" not in bundle["text/html"]
    assert f"{SYMBOLS['WARN']}</span> WARN" in bundle["text/html"]
    assert {"campaign": "q3", "word": "WARN"} == {
        key: bundle[MIME][key] for key in ("campaign", "word")
    }


HISTORY = """
    to  | kind     | at          | code
    ----+----------+-------------+-------
    ann | delivery | {day} 09:00:00 |
    ann | click    | {day} 09:30:00 |
    bob | delivery | {day} 09:00:00 |
    bob | click    | {late} 09:00:00 |
    cid | bounce   | {day} 09:00:00 | 5.1.1
"""


def test_earlier_campaigns_are_cut_at_the_same_age() -> None:
    """
    A campaign two days old is compared with what earlier ones had after two days, and told how much
    was still to come.
    """
    store = tables.store(HISTORY.format(day="01", late="06"), "earlier")
    tables.store(HISTORY.format(day="10", late="12"), "now", into=store)
    said = verdict_on(Engine(store), "now")

    assert [{"attempted": 3, "clicked": 1}] == [
        {key: row[key] for key in ("attempted", "clicked")} for row in said.facts.earlier
    ]
    assert 0.5 == said.facts.maturity
    assert [1, 2] == ask("comparison", store, "now").clicked.tolist()


def test_the_youngest_campaign_knows_its_own_window() -> None:
    """First and last moment, the age between them, and the number of events."""
    said = verdict_on(Engine(tables.store(HISTORY.format(day="10", late="12"), "now")), "now")

    assert (START.replace(day=10, hour=9), START.replace(day=12, hour=9), 5) == (
        said.facts.first_at,
        said.facts.last_at,
        said.facts.events,
    )
    assert 1 == said.facts.counts["hard"]


def test_before_the_first_event_it_is_too_early() -> None:
    """A report as of a moment before the campaign has a verdict too, and nothing to compare."""
    store = tables.store(HISTORY.format(day="10", late="12"), "now")
    said = verdict_on(Engine(store), "now", as_of="2026-09-01")

    assert ("TOO EARLY", 0, None) == (said.word, said.facts.events, said.facts.first_at)
    assert [] == ask("comparison", store, "now", as_of="2026-09-01").records()


def test_an_unknown_view_is_answered_with_those_there_are() -> None:
    """A slip in `about` is no KeyError."""
    with pytest.raises(ConfigError, match="choose from: run, bounces, engagement"):
        verdict(facts(), "engagment")


def test_clicks_that_are_not_measured_are_no_yardstick() -> None:
    """How many clicks earlier campaigns had by now says nothing of a feed without clicks."""
    unmeasured = {
        name: count
        for name, count in COUNTS.items()
        if name not in ("clicked", "opened", "opened_strict", "clickers", "suspect", "human")
    }

    assert "7-day clicks" in str(verdict(facts()))
    assert "7-day clicks" not in str(verdict(facts(counts=unmeasured)))


def test_the_words_of_checks_are_in_line() -> None:
    """In a terminal, however long the name of a check is."""
    said = verdict(facts())
    lines = verdict_text(said).splitlines()[-len(said.facts.checks) :]
    names = [check.limit.name for check in said.facts.checks]
    column = max(map(len, names)) + 2

    assert "Clickers that behave like scanners" in names
    assert [check.word for check in said.facts.checks] == [
        re.split("  |$", line[column:])[0] for line in lines
    ]


def test_a_verdict_says_which_store_it_is_of(tmp_path: Path) -> None:
    """Where that isn't the home that the environment names; in the terminal, too."""
    client = connect(home=str(tmp_path / "other"))
    events = tables.events("to | kind | at\nann | delivery | +0")
    client.store.add("c", events, source="test", received_at=START)
    said = client.verdict("c")

    assert said.origin.startswith("From the store in ")
    assert said.origin in said._repr_mimebundle_()["text/html"]
    assert said.origin in verdict_text(said)
