"""
Reading: a GET until its answer is final, signed anew when the token has ended, and lists page by
page until their proven end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlencode

from requests import PreparedRequest

from cxtools.api import wire
from cxtools.api.answer import Answer, failure_text
from cxtools.api.auth import SCOPES, SignIn
from cxtools.api.documents import read_cursor, read_results
from cxtools.api.refusals import as_error
from cxtools.api.retrier import Retrier
from cxtools.errors import ContractError, PossiblyTruncated
from cxtools.settings import Settings

#: Rows on a full page: the most that the API gives.
PAGE_ROWS = 1000
#: More pages than any job or list has: a cursor that never ends.
MOST_PAGES = 10_000


class Query(NamedTuple):
    """What is asked for: an endpoint's path, its parameters, and the right that it needs."""

    path: str
    parameters: Mapping[str, Any]
    scope: str

    def with_parameters(self, **more: Any) -> Query:
        return self._replace(parameters={**self.parameters, **more})


class Page(NamedTuple):
    """
    A document with a list `results`, and the *body* that it came in; `next_cursor` is "" on the
    last one.
    """

    document: dict[str, Any]
    next_cursor: str
    body: bytes


class Reader:
    """Reads for all threads of a client; each GET ends by `settings.patience_s`."""

    def __init__(
        self,
        settings: Settings,
        auth: SignIn,
        retrier: Retrier,
        *,
        clock: Callable[[], float],
        page_rows: int,
    ) -> None:
        self._settings = settings
        self._auth = auth
        self._retrier = retrier
        self._clock = clock
        self.page_rows = page_rows

    def get(self, query: Query) -> Answer:
        """The final answer: 2xx or a refusal. A 401 is answered by one fresh sign-in."""
        ends_at = self._clock() + self._settings.patience_s
        url = self._settings.env_url + query.path
        if query.parameters:
            url += f"?{urlencode(query.parameters)}"
        token = self._auth.token(ends_at)  # signed in before taking a turn

        def make() -> PreparedRequest:
            nonlocal token
            token = self._auth.token(ends_at)  # it may have ended while waiting
            return wire.request("GET", url, {"Authorization": token.header})

        answer = self._retrier.send("GET", query.path, make, ends_at)
        if answer.status == HTTPStatus.UNAUTHORIZED and self._auth.renewable:
            self._auth.drop(token)
            answer = self._retrier.send("GET", query.path, make, ends_at)
        return answer

    def get_document(self, query: Query) -> dict[str, Any]:
        return self.document(self.get(query), query)

    def document(self, answer: Answer, query: Query) -> dict[str, Any]:
        """
        The JSON object of a 2xx.

        Raises:
            ApiError: the API refused
            ContractError: the answer is not a JSON object
        """
        if not answer.is_2xx:
            scope = SCOPES[query.scope]
            lacking = ", which the token lacks," if self._auth.missing([scope]) else ""
            raise as_error(
                answer, method="GET", path=query.path, scope=f"the scope {scope}{lacking}"
            )
        if answer.document is None:
            raise ContractError(
                f"the answer is not a JSON object ({failure_text(answer)})",
                where=f"GET {query.path}, status {answer.status}",
                do="check CXONE_ENV_URL and the profile's paths; a proxy may be answering",
            )
        return answer.document

    def pages(self, query: Query, *, cursor: str = "") -> Iterator[Page]:
        """
        All pages of a list, from *cursor* on.

        Raises:
            PossiblyTruncated: a full page came without a cursor; the pages so far are good
            ContractError: the cursors run in a circle, or never end
        """
        where = f"GET {query.path}, $.nextCursor"
        seen = {cursor}
        for _ in range(MOST_PAGES):
            page = self._page(query, cursor, where)
            yield page
            cursor = page.next_cursor
            if not cursor:
                self._check_end(page, query, where)
                return
            if cursor in seen:
                raise ContractError(
                    "a cursor came twice: the pages run in a circle",
                    where=where,
                    do="run it again; then ask NICE",
                )
            seen.add(cursor)
        raise ContractError(f"the pages did not end after {MOST_PAGES}", where=where)

    def _page(self, query: Query, cursor: str, where: str) -> Page:
        if cursor:
            query = query.with_parameters(cursor=cursor)
        answer = self.get(query)
        if answer.status == HTTPStatus.NO_CONTENT:
            return Page({"results": []}, "", b'{"results":[]}')
        document = self.document(answer, query)
        read_results(document, query.path)
        return Page(document, read_cursor(document, where), answer.body)

    def _check_end(self, page: Page, query: Query, where: str) -> None:
        """
        A page without a cursor is the last one if it isn't full. If it is, a cursor of null means
        the end only where the API hands out cursors at all.
        """
        if len(page.document["results"]) < self.page_rows:
            return
        if "nextCursor" in page.document and self._hands_out_cursors(query, where):
            return
        raise PossiblyTruncated(
            "a full page came without a cursor: there may be more",
            where=where,
            do="don't take the numbers for complete; ask NICE how this endpoint pages",
        )

    def _hands_out_cursors(self, query: Query, where: str) -> bool:
        """Asked for one row of many, does the API give a cursor?"""
        return bool(self._page(query.with_parameters(limit=1), "", where).next_cursor)
