"""Everything an operation on a campaign needs; tests replace the clock and the random generator."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cxtools.api.client import Client
from cxtools.errors import ConfigError
from cxtools.events.store import EventStore
from cxtools.ledger.ledger import Ledger
from cxtools.measures.engine import Engine
from cxtools.progress import progress_bar
from cxtools.settings import Settings

if TYPE_CHECKING:
    from tqdm import tqdm


@dataclass(frozen=True)
class Context:
    """
    One account's settings, API, ledger and events, with the clock that is read and slept by.

    `now` is Unix time in seconds.
    """

    settings: Settings
    api: Client
    ledger: Ledger
    engine: Engine
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    rng: random.Random = field(default_factory=random.Random)
    quiet: bool = False

    @property
    def store(self) -> EventStore:
        return self.engine.store

    def sends(self, name: str) -> bool:
        """Whether a campaign goes out by this account, or was planned before accounts were kept."""
        return self.ledger.plans.account(name) in ("", self.settings.account)

    def refuse_foreign(self, name: str) -> None:
        """
        Refuse a campaign of another account: its jobs and its suppressions are not known here.

        Raises:
            ConfigError: another account sends it.
        """
        if self.sends(name):
            return
        url, _, client = self.ledger.plans.account(name).partition("|")
        raise ConfigError(
            f"campaign {name!r} is sent by client {client!r} of {url}, not by this profile",
            do="name that account's profile with --profile",
        )

    def progress(self, total: int, label: str) -> tqdm[Any]:
        """A progress bar on stderr; none when quiet or with nothing to do."""
        is_shown = not self.quiet and total > 0
        return progress_bar(label, is_shown=is_shown, total=total)
