"""The command that plans a test of two versions: ab-size."""

from __future__ import annotations

from typing import Annotated

import typer

from cxtools.cli.options import Json
from cxtools.cli.session import session

commands = typer.Typer()

Base = Annotated[float, typer.Option(help="The rate as it is today, a share: 0.08 for 8 %.")]
Lift = Annotated[
    float,
    typer.Option(help="The smallest difference worth knowing: 0.01 for 8 against 9 %."),
]
Power = Annotated[float, typer.Option(help="How likely it shall be seen, if it is there.")]
Arms = Annotated[int, typer.Option(help="How many versions, today's included.")]


@commands.command("ab-size")
def ab_size(
    context: typer.Context,
    *,
    base: Base,
    lift: Lift,
    power: Power = 0.8,
    arms: Arms = 2,
    as_json: Json = False,
) -> None:
    """
    How many messages each version of an A/B test needs to tell two rates apart.
    """
    from cxtools.measures import samples

    size = samples.ab_size(base=base, lift=lift, power=power, arms=arms)
    session(context).print_result(size.record(), str(size), as_json=as_json)
