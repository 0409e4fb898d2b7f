"""The command that asks for the verdict on a campaign: verdict."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from cxtools.cli.exits import BAD_VERDICT
from cxtools.cli.options import Json
from cxtools.cli.session import session

commands = typer.Typer()

Campaign = Annotated[str, typer.Argument(help="The campaign's name.")]
About = Annotated[
    Literal["run", "bounces", "engagement"],
    typer.Option(help="What the verdict is about; NO DATA where that can't be seen."),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        metavar="MOMENT",
        help="Later events don't count: than a day, as 2026-09-14, to its end, or than "
        "2026-09-14T10:00:00+02:00.",
    ),
]
FailOn = Annotated[
    Literal["WARN", "FAIL"] | None,
    typer.Option(help="End with exit code 9 when the verdict is that bad or worse."),
]


@commands.command()
def verdict(
    context: typer.Context,
    campaign: Campaign,
    *,
    about: About = "run",
    as_of: AsOf = None,
    as_json: Json = False,
    fail_on: FailOn = None,
) -> None:
    """
    The verdict on a campaign: one word, the sentences behind it, what to do, what the data don't
    tell, each limit that was checked.
    """
    from cxtools.charts.verdicts import text
    from cxtools.verdicts.checks import is_as_bad_as

    client = session(context).connect()
    answer = client.verdict(campaign, about=about, as_of=as_of)
    session(context).print_result(answer.record(), text(answer), as_json=as_json)
    if fail_on and is_as_bad_as(answer.word, fail_on):
        raise typer.Exit(BAD_VERDICT)
