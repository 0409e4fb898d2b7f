"""The tables of `cxtools/bounce/README.md`, and a bounce for each of their rows."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from cxtools.bounce.policy import Treatment

PAGE = Path(str(files("cxtools.bounce"))) / "README.md"
RETRY = {"no": "no", "now": "now", "later": "later", "after the fix": "after_fix"}
SUPPRESS = {"never": "never", "when it repeats": "after_n", "now": "now"}
#: The first words above each table of the page.
TABLES = {
    "always": "| category | kind | try again | suppress the recipient | whose side | in plain",
    "transient": "| category | kind | try again | suppress the recipient | whose side |\n",
    "held back": "| what speaks against it |",
    "classed": "| what the class is |",
    "unreachable": "| who was silent |",
}


def page_table(table: str) -> dict[str, Treatment]:
    """What the page says of each of its rows, in the policy's words."""
    page = PAGE.read_text(encoding="utf-8")
    lines = page[page.index(TABLES[table]) :].partition("\n\n")[0].splitlines()
    rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in lines[2:]]
    return {
        name: Treatment(kind, RETRY[retry], SUPPRESS[suppress], side)  # type: ignore[arg-type]
        for name, kind, retry, suppress, side, *_ in rows
    }


class Case(NamedTuple):
    """A bounce, and the row of the page that it belongs to."""

    table: str
    row: str
    code: str
    text: str
    bounce_class: str = ""

    def __str__(self) -> str:
        return f"{self.table}: {self.row}: {self.code} {self.text}{self.bounce_class}"

    @property
    def expected(self) -> Treatment:
        return page_table(self.table)[self.row]


CASES = [
    Case("always", "invalid_recipient", "550 5.1.1", "user unknown"),
    Case("always", "invalid_domain", "550 5.1.2", "the domain does not exist"),
    Case("always", "inactive_mailbox", "550", "this account has been disabled"),
    Case("always", "mailbox_full", "552", "the mailbox is full"),
    Case("always", "message_too_large", "552", "the message is too large"),
    Case("always", "content_rejected", "554", "this looks like spam"),
    Case("always", "reputation_block", "554", "listed at zen.spamhaus.org"),
    Case("always", "authentication", "550", "the SPF record forbids it"),
    Case("always", "policy_block", "554", "local policy says no"),
    Case("always", "routing_error", "550", "relaying denied"),
    Case("always", "rate_limited", "421", "too many connections from you"),
    Case("always", "greylisted", "450", "greylisted, try again in 5 minutes"),
    Case("always", "temporary_failure", "451", "internal server error"),
    Case("unreachable", "unreachable", "451", "the queue expired"),
    Case("unreachable", "unreachable", "4.4.1", "the connection to mx.example.com timed out"),
    Case("unreachable", "unreachable", "4.4.3", "the name server didn't answer: lookup timed out"),
    Case("unreachable", "unreachable", "5.4.7", ""),
    Case("unreachable", "unreachable", "", "", "powermta: message-expired"),
    Case("always", "protocol_error", "501", "syntax error in parameters"),
    Case("always", "unknown", "599", "xyzzy plugh"),
    Case("always", "auto_reply", "", "Automatic reply: back on Monday"),
    Case("always", "complaint", "", "Feedback-Type: abuse, for a reader"),
    Case("always", "unsubscribe", "", "please remove me from your list"),
    Case("always", "suppressed", "", "the address is on our suppression list"),
    Case("transient", "invalid_recipient", "450", "user unknown"),
    Case("transient", "invalid_domain", "450 4.1.2", "the domain does not exist"),
    Case("transient", "inactive_mailbox", "450", "this account has been disabled"),
    Case("transient", "policy_block", "450", "local policy says no"),
    Case("transient", "unknown", "499", "xyzzy plugh"),
    Case("always", "invalid_recipient", "", "", "ses: Permanent General"),
    Case("always", "temporary_failure", "", "", "soft bounce"),
    Case("transient", "invalid_recipient", "450", "", "hard bounce"),
    Case("classed", "likely", "", "", "hard bounce"),
    Case("classed", "likely", "550", "", "salesforce: Hard bounce User Unknown"),
    Case("held back", "weak_proof", "", "", "undeliverable"),
    Case("held back", "weak_proof", "250", "", "hard bounce"),
    Case("held back", "weak_proof", "250", "user unknown"),
    Case("held back", "weak_proof", "5.4.4", ""),
    Case("held back", "senders_side", "550 5.1.1", "message refused"),
    Case("held back", "senders_side", "550", "your mailbox has been disabled for abuse"),
    Case("held back", "senders_side", "550", "user unknown, says the callback to <me@example.com>"),
]
