"""A campaign verdict in brief, as a message says it: the word, why, and the first thing to do."""

from __future__ import annotations

from typing import Any

from cxtools.verdicts.verdict import CampaignVerdict

#: A message is read on a phone: so many sentences of the verdict, the most important ones.
SENTENCES = 3


def brief(verdict: CampaignVerdict) -> dict[str, Any]:
    """
    A verdict as plain data for a message: campaign, word, the first three sentences, the first
    action (id, who, what, count, command, evidence; count is how many people it is about, None
    where that isn't known), how many actions there are besides it, how far the data can be
    trusted, and up to which moment they were read (None: all). No address is in it.

    >>> from cxtools.verdicts.facts import Facts
    >>> from cxtools.verdicts.verdict import verdict
    >>> known = brief(verdict(Facts("q3", {"attempted": 0}, unsettled={"waiting": 100})))
    >>> known["word"], known["sentences"][0]
    ('WARN', '100 recipients were not mailed yet: `cxtools resume q3` continues.')
    >>> known["action"]["who"], known["action"]["count"], known["action"]["command"]
    ('operator', 100, 'cxtools resume q3')
    """
    record = verdict.record()
    first, *others = record["actions"]
    return {
        "campaign": record["campaign"],
        "word": record["word"],
        "sentences": record["sentences"][:SENTENCES],
        "action": first,
        "more_actions": len(others),
        "trust": record["trust"]["word"],
        "as_of": record["as_of"],
    }


def brief_text(known: dict[str, Any]) -> str:
    """
    The same as lines of plain text, for a mail or a chat.

    >>> from cxtools.verdicts.facts import Facts
    >>> from cxtools.verdicts.verdict import verdict
    >>> print(brief_text(brief(verdict(Facts("q3", {"attempted": 0})))))
    q3: TOO EARLY
    No delivery or bounce has been reported yet.
    To do, operator: Look again two days after the sending. cxtools verdict q3
    """
    action = known["action"]
    to_do = f"To do, {action['who']}: {action['what']} {action['command']}".rstrip()
    lines = [f"{known['campaign']}: {known['word']}", *known["sentences"], to_do]
    if known["more_actions"]:
        lines.append(f"{known['more_actions']} more to do: see the page.")
    return "\n".join(lines)
