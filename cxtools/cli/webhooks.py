"""The commands on webhooks to the CRM: outbox list, deliver, replay, forget."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cxtools.cli.options import Json
from cxtools.cli.session import session
from cxtools.errors import ConfigError, Unreachable

if TYPE_CHECKING:
    from cxtools.connection import Connection

commands = typer.Typer(
    no_args_is_help=True, help="Webhooks to the CRM: list, deliver, replay, forget."
)

LINE = "{id}  {state:<10} {tries} tries  {event}  {campaign}  {channel}  {last_error}"
STUCK = ("dead", "parked")


@commands.command("list")
def list_webhooks(context: typer.Context, as_json: Json = False) -> None:
    """All webhooks, with their state and last error."""
    client = session(context).connect()
    rows = client.ledger.outbox.webhooks() if client.has_ledger else ()
    documents = [webhook_document(row) for row in rows]
    lines = [LINE.format(**document) for document in documents]
    text = "\n".join(lines) or "the outbox is empty"
    session(context).print_result(documents, text, as_json=as_json)


@commands.command("deliver")
def deliver_webhooks(context: typer.Context) -> None:
    """
    Try every webhook that is due, once. Exit code 3 while dead or parked ones are in the outbox.
    """
    from cxtools.webhooks import deliver

    client = session(context).connect()
    client.settings.needs("crm")
    tried = deliver.deliver_due(client.context)
    session(context).say(
        f"{tried.delivered:,} delivered, {tried.waiting:,} to be tried again, "
        f"{tried.dead:,} dead, {tried.parked:,} refused for good"
    )
    stuck = count_stuck(client)
    if stuck:
        raise Unreachable(
            f"{stuck:,} webhooks don't get through to the CRM any more",
            do="`cxtools outbox list` says why; when it is mended, "
            "`cxtools outbox replay --since DATE`",
        )


@commands.command("replay")
def replay_webhooks(
    context: typer.Context,
    hook_id: Annotated[str | None, typer.Option("--id", help="One webhook.")] = None,
    since: Annotated[datetime | None, typer.Option(help="All created since (UTC).")] = None,
) -> None:
    """Make delivered, dead or parked webhooks pending again, with their old id and body."""
    if bool(hook_id) == bool(since):
        raise ConfigError(
            "it isn't clear which webhooks to replay",
            where="outbox replay",
            do="say one of: --id ID, --since DATE",
        )
    since_s = since.replace(tzinfo=UTC).timestamp() if since else None
    outbox = session(context).connect().ledger.outbox
    count = outbox.replay(webhook_id=hook_id, since=since_s)
    if hook_id and not count:
        raise ConfigError(
            f"no webhook {hook_id} was delivered, is dead or parked",
            do="`cxtools outbox list` shows all",
        )
    session(context).say(f"{count:,} webhooks wait again; `cxtools outbox deliver` tries them")


@commands.command("forget")
def forget_webhook(context: typer.Context, hook_id: str) -> None:
    """Give one webhook up for good; its row stays."""
    if not session(context).connect().ledger.outbox.forget(hook_id):
        raise ConfigError(
            f"no webhook {hook_id} waits, is dead or parked", do="`cxtools outbox list` shows all"
        )
    session(context).say(f"webhook {hook_id} is given up; its row stays")


def webhook_document(row: Any) -> dict[str, Any]:
    """A row of the outbox as `--json` prints it."""
    next_at = datetime.fromtimestamp(row.next_at, UTC).isoformat() if row.next_at else None
    return {
        "id": row.id,
        "campaign": row.campaign,
        "event": row.event,
        "channel": row.channel,
        "state": row.state,
        "tries": row.tries,
        "next_at": next_at,
        "last_error": row.last_error,
    }


def count_stuck(client: Connection) -> int:
    """How many webhooks to the CRM wait for a person to do something."""
    from cxtools.ledger.outbox import CRM

    rows = client.ledger.outbox.webhooks()
    return sum(row.state in STUCK for row in rows if row.channel == CRM)
