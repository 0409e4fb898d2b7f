"""How many messages a test of two versions takes, before it is sent."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from cxtools import wording
from cxtools.errors import ConfigError
from cxtools.measures.stats import messages_per_arm

#: How often a difference is seen where there is none, all pairs of arms taken together.
ERROR_RATE = 0.05
FEWEST_ARMS = 2
MOST_ARMS = 20


@dataclass(frozen=True)
class SampleSize:
    """
    What a test takes.

    Attributes:
        base, lift: the rate as it is, and by how much it must differ to be seen, as shares
        power: how likely such a difference is seen
        arms: the versions, that which is mailed today included
        per_arm, total: delivered messages (or of whatever the rate is a share)
    """

    base: float
    lift: float
    power: float
    arms: int
    per_arm: int
    total: int

    def record(self) -> dict[str, Any]:
        """The same for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        other = wording.percent(self.base + self.lift)
        return (
            f"{wording.count(self.per_arm)} messages for each of {self.arms} arms, "
            f"{wording.count(self.total)} in all: {wording.percent(self.base)} and {other} are "
            f"told apart {wording.percent(self.power, 0)} of the time."
        )

    __repr__ = __str__


def ab_size(*, base: float, lift: float, power: float = 0.8, arms: int = 2) -> SampleSize:
    """
    How many messages each version of an A/B test needs.

    A test that is smaller will most likely show no difference though there is one. Counted for a
    two-sided test at 5 %; with more than two arms for each pair of them, by Bonferroni. What the
    formula is, says `cxtools.measures.stats.messages_per_arm`.

    Arguments:
        base   the rate as it is today, a share: 0.08 for 8 % clicked of delivered
        lift   the smallest difference that is worth knowing, in the same unit: 0.01 for 8 against
               9 %, -0.01 for 8 against 7 %
        power  how likely it shall be seen, if it is there
        arms   how many versions, that which is mailed today included

    Raises:
        ConfigError: a rate isn't between 0 and 1, or there is nothing to tell apart

    Example:
        cx.ab_size(base=0.08, lift=0.01)

    >>> ab_size(base=0.08, lift=0.01)
    12,208 messages for each of 2 arms, 24,416 in all: 8.0% and 9.0% are told apart 80% of the time.
    """
    _check_rates(base, lift, power)
    if not FEWEST_ARMS <= arms <= MOST_ARMS:
        raise ConfigError(f"a test has {FEWEST_ARMS} to {MOST_ARMS} arms, not {arms}")
    pairs = arms * (arms - 1) // 2
    per_arm = ceil(messages_per_arm(base, base + lift, power, ERROR_RATE / pairs))
    return SampleSize(base, lift, power, arms, per_arm, arms * per_arm)


def _check_rates(base: float, lift: float, power: float) -> None:
    rates = {"base": base, "base and lift together": base + lift, "power": power}
    wrong = [f"{name} is {value:g}" for name, value in rates.items() if not 0 < value < 1]
    if wrong:
        raise ConfigError(
            f"{'; '.join(wrong)}: that must lie between 0 and 1",
            do="write shares: 0.08 for 8 %",
        )
    if power <= ERROR_RATE or base + lift == base:
        raise ConfigError(
            "there is nothing to tell apart",
            do=f"give a lift that isn't 0, and a power above {ERROR_RATE:g}",
        )
