"""
What the API answered when it was asked whether people are suppressed, by account.

An answer counts for as long as the settings trust it; then it is asked for again. It is kept from
the moment it comes until its batch is out, so that neither a kill nor a refused send loses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from cxtools.ledger.database import Database, in_groups
from cxtools.ledger.schema import suppression_answer


class Answer(NamedTuple):
    """
    The API's answer on one person.

        key          the person's
        reason       why the person must not be mailed; None: the person may be
        answered_at  when it came, Unix time in seconds
    """

    key: str
    reason: str | None
    answered_at: float


COLUMNS = [suppression_answer.c[name] for name in Answer._fields if name != "key"]


class Answers:
    """The answers that one ledger keeps."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(
        self,
        account: str,
        keys: Iterable[str],
        *,
        since: float,
        until: float,
    ) -> dict[str, Answer]:
        """The answers on these people that came in that time, both ends included, by key."""
        query = sa.select(suppression_answer.c.rcpt_key, *COLUMNS).filter_by(account=account)
        in_time = query.where(suppression_answer.c.answered_at.between(since, until))
        answers: dict[str, Answer] = {}
        for group in in_groups(keys):
            is_one = suppression_answer.c.rcpt_key.in_(group)
            for row in self._database.rows(in_time.where(is_one)):
                answer = Answer(*row)
                answers[answer.key] = answer
        return answers

    def keep(self, account: str, answers: Sequence[Answer]) -> None:
        """Write answers; of two on one person the later to be written stays."""
        last = {answer.key: answer for answer in answers}
        rows = [
            {
                "account": account,
                "rcpt_key": key,
                "reason": answer.reason,
                "answered_at": answer.answered_at,
            }
            for key, answer in last.items()
        ]
        with self._database.writing() as tx:
            _delete(tx, account, last)
            tx.execute(suppression_answer.insert(), rows)

    def forget(self, account: str, keys: Iterable[str]) -> None:
        """Delete the answers on these people: they have done their service."""
        with self._database.writing() as tx:
            _delete(tx, account, keys)

    def forget_lapsed(self, account: str, *, before: float) -> None:
        """Delete the answers that came earlier: nobody trusts them any more."""
        of_account = suppression_answer.delete().filter_by(account=account)
        with self._database.writing() as tx:
            tx.execute(of_account.where(suppression_answer.c.answered_at < before))


def _delete(tx: sa.Connection, account: str, keys: Iterable[str]) -> None:
    of_account = suppression_answer.delete().filter_by(account=account)
    for group in in_groups(keys):
        is_one = suppression_answer.c.rcpt_key.in_(group)
        tx.execute(of_account.where(is_one))
