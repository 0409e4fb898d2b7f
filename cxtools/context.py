"""
The desk: what every deed of a campaign works with, in one place, so that tests can lay their own
clock and dice on it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cxtools.api.client import Client
from cxtools.errors import ConfigError
from cxtools.events.store import EventStore
from cxtools.ledger.ledger import Ledger
from cxtools.settings import Settings


@dataclass(frozen=True)
class Desk:
    """`now` is Unix time in seconds; `progress(total, label)` gives a tqdm-like bar."""

    settings: Settings
    api: Client
    ledger: Ledger
    store: EventStore
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    rng: random.Random = field(default_factory=random.Random)
    quiet: bool = False

    def own(self, name: str) -> None:
        """
        Refuse (ConfigError) a campaign that another account sends: its jobs and its suppressions
        are not known here.
        """
        if (account := self.ledger.account(name)) not in ("", self.settings.account):
            url, _, client = account.partition("|")
            raise ConfigError(
                f"campaign {name!r} is sent by client {client!r} of {url}, not by this profile",
                do="name that account's profile with --profile",
            )

    def progress(self, total: int, label: str) -> Any:
        from tqdm.auto import tqdm

        return tqdm(
            total=total, desc=label, disable=self.quiet or total == 0, mininterval=0.5, leave=False
        )
