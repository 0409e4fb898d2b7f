"""How the reports of `reports.toml` ended: what the next refresh decides by."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

import sqlalchemy as sa

from cxtools.ledger.database import Database
from cxtools.ledger.schema import report_run


@dataclass(frozen=True)
class ReportRun:
    """
    The last runs of one report of `reports.toml` on one campaign ("" for a report about none).

    `ran_at` is when the last page was made (Unix time in seconds; None: never), `data_digest` and
    `rules_digest` of what, `page` its path. After a failure `tries` counts the failures in a row,
    `next_at` is when it may be tried again, `failing_since` when the first of them was, `error`
    what was wrong.
    """

    report: str
    campaign: str
    ran_at: float | None = None
    data_digest: str = ""
    rules_digest: str = ""
    page: str = ""
    tries: int = 0
    next_at: float | None = None
    failing_since: float | None = None
    error: str = ""


COLUMNS = [report_run.c[column.name] for column in fields(ReportRun)]


class ReportRuns:
    """The runs of reports that one ledger keeps."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[ReportRun]:
        """One row per report and campaign that was ever run."""
        return [ReportRun(*row) for row in self._database.rows(sa.select(*COLUMNS))]

    def put(self, tx: sa.Connection, run: ReportRun) -> None:
        """Write how a run ended in place of what was known of the one before."""
        same = report_run.delete().filter_by(report=run.report, campaign=run.campaign)
        tx.execute(same)
        tx.execute(report_run.insert().values(**asdict(run)))
