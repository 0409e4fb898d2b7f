"""
What to do now: who does what for how many people, why, and the command or page that does it.

Each step is an entry of STEPS. Limits name the step that mends them; what a place's servers said,
and what the events lack, choose a nearer one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from shlex import quote
from typing import NamedTuple

from cxtools import wording
from cxtools.verdicts.checks import Check
from cxtools.verdicts.limits import UNSETTLED
from cxtools.verdicts.places import PlaceAnswers, Trouble, place_text
from cxtools.verdicts.trust import Trust


@dataclass(frozen=True)
class Step:
    """
    What somebody can do.

    Attributes:
        who: the list's owner, the postmaster, the author, the platform's operator, or nobody
        what: the sentence, with {people}, {place} and {lister}
        how: the command or page that does it, with {campaign}, {where} and {link}
        how_elsewhere: the same for campaigns that weren't sent from here, where that differs
    """

    who: str
    what: str
    how: str = ""
    how_elsewhere: str = ""


@dataclass(frozen=True)
class Action:
    """
    One thing to do.

    Attributes:
        id: the entry of STEPS
        who, what, command: in words; "" where there is no command
        count: how many people it is about; None where that isn't known
        evidence: the check, or the words, that it follows from
    """

    id: str
    who: str
    what: str
    count: int | None
    command: str
    evidence: str

    def record(self) -> dict[str, object]:
        """The action as JSON knows it."""
        return {
            "id": self.id,
            "who": self.who,
            "what": self.what,
            "count": self.count,
            "command": self.command,
            "evidence": self.evidence,
        }


LIST_OWNER = "list owner"
POSTMASTER = "postmaster"
AUTHOR = "author of the mail"
OPERATOR = "operator"

STEPS = {
    "settle_unknown": Step(
        OPERATOR,
        "Find out what became of {people} whose submit was not answered.",
        "cxtools status {campaign}",
    ),
    "mend_jobs": Step(
        OPERATOR,
        "See why {people} were in jobs or batches that failed.",
        "cxtools status {campaign}",
    ),
    "resume": Step(OPERATOR, "Mail {people} who wait to be mailed.", "cxtools resume {campaign}"),
    "stop_sending": Step(
        LIST_OWNER,
        "Stop sending to this list until it is cleaned: {people} had dead addresses.",
        "cxtools reasons {campaign}",
    ),
    "clean_list": Step(
        LIST_OWNER,
        "Find out where {people} with dead addresses came from, and remove them at the source.",
        "cxtools reasons {campaign}{where}",
    ),
    "remove_domain": Step(
        LIST_OWNER,
        "Check the {people} at {place}: the domain seems to have moved or closed.",
        "cxtools reasons {campaign}{where}",
    ),
    "ask_provider": Step(
        POSTMASTER,
        "Ask {place} why it refuses the mail, and hold back what is sent there until it answers.",
        "{link}",
    ),
    "ask_delisting": Step(
        POSTMASTER,
        "Have the sending address taken off {lister}'s list, and find out what brought it there; "
        "hold back mail to {place} until then.",
        "{link}",
    ),
    "ask_domain": Step(
        POSTMASTER,
        "Ask the postmaster of {place} why the mail is refused.",
        "cxtools reasons {campaign}{where}",
    ),
    "send_slower": Step(
        POSTMASTER,
        "Send more slowly to {place}, and send again to {people} whom it put off.",
        "cxtools retry {campaign} --dry-run",
        "cxtools reasons {campaign}{where}",
    ),
    "try_again": Step(
        OPERATOR,
        "Send again to {people} whose mail may arrive later.",
        "cxtools retry {campaign} --dry-run",
        "cxtools reasons {campaign}",
    ),
    "mend_authentication": Step(
        POSTMASTER,
        "Mend the DNS records of the sender's domain: SPF (TXT), DKIM (SELECTOR._domainkey) and "
        "DMARC (_dmarc). The refusals say which one failed.",
        "cxtools reasons {campaign}{where}",
    ),
    "mend_content": Step(
        AUTHOR,
        "Change what the filters of {place} took for spam: links, attachments, wording.",
        "cxtools reasons {campaign}{where}",
    ),
    "read_answers": Step(
        POSTMASTER,
        "Read what the servers said to {people}.",
        "cxtools reasons {campaign}{where}",
    ),
    "write_rules": Step(
        OPERATOR,
        "Teach the classifier the words of bounces whose cause is unknown: those of {people}.",
        "cxtools unknown {campaign}",
    ),
    "ask_consent": Step(
        LIST_OWNER,
        "Find out how the people who complained came onto the list; mail only those who asked for"
        " it.",
    ),
    "heed_complaints": Step(
        LIST_OWNER,
        "Mail only those at {place} who asked for it: {people} complained there. Its own pages say "
        "how it rates the sender.",
        "{link}",
    ),
    "review_content": Step(
        AUTHOR, "See what made {people} unsubscribe: whom it went to, how often, and what it said."
    ),
    "check_tracking": Step(
        OPERATOR,
        "Check that opens and clicks are still tracked: the template's links, and the tracking "
        "domain.",
        "cxtools data_quality {campaign}",
    ),
    "bring_deliveries": Step(
        OPERATOR,
        "Bring in deliveries and bounces as well, of all messages.",
        "cxtools data_quality {campaign}",
    ),
    "bring_clicks": Step(
        OPERATOR,
        "Bring in opens and clicks as well, with the ids of their messages.",
        "cxtools data_quality {campaign}",
    ),
    "bring_rest": Step(
        OPERATOR,
        "Bring in the events again when the feed is whole.",
        "cxtools data_quality {campaign}",
    ),
    "leave_scanners_out": Step(
        OPERATOR,
        "Quote the clicks without scanners; see at which domains {people} were scanned.",
        "cxtools suspects {campaign} --by domain",
    ),
    "look_again": Step(
        OPERATOR, "Look again two days after the sending.", "cxtools verdict {campaign}"
    ),
    "nothing": Step("nobody", "Nothing needs to be done."),
}

#: What the ledger left open -> the step that settles it.
STEPS_OF_UNSETTLED = {"unknown": "settle_unknown", "failed": "mend_jobs", "waiting": "resume"}
#: Count -> counts whose own steps say more of the same messages than to read on.
NEARER = {
    "block": ("unauthenticated", "refused"),
    "undetermined": ("refused",),
    "bounced": ("hard", "soft", "block", "undetermined", "unauthenticated", "refused"),
    "delivered": ("hard", "soft", "block", "undetermined", "unauthenticated", "refused", "bounced"),
}
#: The category that most of a place's answers mean -> a step that is nearer than "ask them".
STEPS_OF_CATEGORY = {
    "authentication": "mend_authentication",
    "content_rejected": "mend_content",
    "rate_limited": "send_slower",
}

#: Where blocklists are asked.
BLOCKLIST_PAGES = {
    "spamhaus": "https://check.spamhaus.org/",
    "spamcop": "https://www.spamcop.net/bl.shtml",
    "barracuda": "https://www.barracudacentral.org/rbl/removal-request",
    "uceprotect": "https://www.uceprotect.net/en/rblcheck.php",
    "surbl": "https://surbl.org/surbl-analysis",
}
#: Where mailbox providers are asked.
PROVIDER_PAGES = {
    "gmail": "https://support.google.com/mail/contact/gmail_bulk_sender_escalation",
    "microsoft": "https://olcsupport.office.com/",
    "yahoo": "https://senders.yahooinc.com/contact/",
    "apple": "https://support.apple.com/en-us/102322",
    "comcast": "https://spa.xfinity.com/report",
    "gmx": "https://postmaster.gmx.net/en/contact",
}
#: Where mailbox providers show senders who complained.
COMPLAINT_PAGES = {
    "gmail": "https://postmaster.google.com/",
    "microsoft": "https://sendersupport.olc.protection.outlook.com/snds/",
    "yahoo": "https://senders.yahooinc.com/",
}

#: A place with so large a share of the dead addresses explains them.
EXPLAINED = 0.8


class Mailing(NamedTuple):
    """Whose actions they are: a campaign, and whether it was sent from here."""

    campaign: str
    is_sent_here: bool


def actions(
    campaign: str,
    checks: Iterable[Check],
    unsettled: Mapping[str, int],
    trust: Trust,
    *,
    is_sent_here: bool = True,
) -> tuple[Action, ...]:
    """
    What to do about a campaign, the most urgent first: people whose outcome is open, then what a
    check found, then what the data lack. Each step stands once.

    >>> [action.id for action in actions("q3", [], {"waiting": 100}, Trust("good", ()))]
    ['resume']
    >>> [action.what for action in actions("q3", [], {}, Trust("good", ()))]
    ['Nothing needs to be done.']
    """
    mailing = Mailing(campaign, is_sent_here)
    found = [
        *_about_unsettled(mailing, unsettled),
        *_about_checks(mailing, checks),
        *_about_trust(mailing, trust),
    ]
    if not found:
        found = [_action("nothing", mailing)]
    by_words = {action.what: action for action in reversed(found)}
    return tuple(reversed(by_words.values()))


def _about_unsettled(mailing: Mailing, unsettled: Mapping[str, int]) -> list[Action]:
    known = [(state, unsettled.get(state, 0)) for state in UNSETTLED]
    return [
        _action(STEPS_OF_UNSETTLED[state], mailing, count=number, evidence=state)
        for state, number in known
        if number
    ]


def _about_checks(mailing: Mailing, checks: Iterable[Check]) -> list[Action]:
    """
    A step for each check that alarms, FAIL before WARN, places before the whole; reading on is one
    only where no step is nearer.
    """
    alarms = [check for check in checks if check.word in ("FAIL", "WARN")]
    parts = {check.limit.part for check in alarms}
    own = [
        check
        for check in alarms
        if (check.limit.step != "read_answers" or parts.isdisjoint(NEARER[check.limit.part]))
        and not _is_explained(check, alarms)
    ]
    in_order = sorted(own, key=lambda check: (check.word != "FAIL", check.trouble is None))
    found: list[Action] = []
    for check in in_order:
        found.append(_action_of_check(mailing, check))
        if check.trouble and _says_half(check.trouble.answers):
            found.append(_action_at_place(mailing, check, check.trouble, check.limit.step))
    return found


def _is_explained(check: Check, alarms: Iterable[Check]) -> bool:
    """Whether one place has most of what is too much in the whole: there is the step."""
    if check.trouble or check.limit.part != "hard":
        return False
    at_places = [
        other.count or 0 for other in alarms if other.trouble and other.limit.part == "hard"
    ]
    return max(at_places, default=0) >= EXPLAINED * (check.count or 0)


def _says_half(answers: PlaceAnswers) -> bool:
    """Whether a blocklist is named, but not in most answers: the others need another step."""
    return bool(answers.blocklist) and 2 * answers.blocklist_messages < answers.messages


def _action_of_check(mailing: Mailing, check: Check) -> Action:
    step = check.limit.step
    stop = check.limit.stop
    if stop is not None and check.word == "FAIL" and _share(check) >= stop:
        step = "stop_sending"
    if check.trouble is None:
        return _action(step, mailing, count=check.count, evidence=check.limit.name)
    step = _step_of_answers(check.limit.step, check.trouble.answers)
    return _action_at_place(mailing, check, check.trouble, step)


def _share(check: Check) -> float:
    return (check.count or 0) / (check.whole or 1)


def _action_at_place(mailing: Mailing, check: Check, trouble: Trouble, step: str) -> Action:
    answers = trouble.answers
    where = f" --where {quote(f'{trouble.place.dimension}={trouble.place.name}')}"
    return _action(
        step,
        mailing,
        count=check.count,
        evidence=check.limit.name,
        place=place_text(trouble.place),
        where=where,
        lister=answers.blocklist.capitalize(),
        link=_link(step, trouble) or _own_command(step, mailing, where),
    )


def _step_of_answers(step: str, answers: PlaceAnswers) -> str:
    """The step that a place's answers call for, where they are about the sender."""
    if step not in ("ask_provider", "ask_domain"):
        return step
    if answers.is_listed:
        return "ask_delisting"
    if answers.category and 2 * answers.category_messages >= answers.messages:
        return STEPS_OF_CATEGORY.get(answers.category, step)
    return step


def _own_command(step: str, mailing: Mailing, where: str) -> str:
    """What shows more of a place that has no page of its own."""
    if step == "heed_complaints":
        return f"cxtools funnel {mailing.campaign} --by provider"
    return f"cxtools reasons {mailing.campaign}{where}"


def _link(step: str, trouble: Trouble) -> str:
    if step == "heed_complaints":
        return COMPLAINT_PAGES.get(trouble.place.name, "")
    if step == "ask_delisting":
        return BLOCKLIST_PAGES.get(trouble.answers.blocklist, "")
    return PROVIDER_PAGES.get(trouble.place.name, "")


def _about_trust(mailing: Mailing, trust: Trust) -> list[Action]:
    return [
        _action(reason.step, mailing, evidence=reason.text)
        for reason in trust.reasons
        if reason.step
    ]


def _action(
    step: str,
    mailing: Mailing,
    *,
    count: int | None = None,
    evidence: str = "",
    **words: str,
) -> Action:
    known = STEPS[step]
    how = known.how if mailing.is_sent_here else known.how_elsewhere or known.how
    people = wording.people(count) if count is not None else "people"
    texts = {"place": "", "where": "", "lister": "", "link": ""} | words
    return Action(
        id=step,
        who=known.who,
        what=known.what.format(people=people, **texts),
        count=count,
        command=how.format(campaign=mailing.campaign, **texts),
        evidence=evidence,
    )
