"""
A simulator that ends with this process, and what connects to it: an account, and a home that stays.

It is started as a process of its own, as a server would be. Its jobs are kept in its home, so that
one that is started there again knows them: a notebook that is run again goes on.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cxtools.errors import StoreError, Unreachable
from cxtools.files import make_private_folder
from cxtools.settings import SIMULATOR, Settings, default_home, load_settings

#: The file of the simulator's jobs, in its home.
JOBS = "simulator.jsonl"
#: The simulator's account; none of it is a secret, it serves whoever started it.
SIMULATOR_ACCOUNT = {
    "client_id": "simulator",
    "client_secret": "simulator",
    "crm_webhook_secret": "whsec_c2ltdWxhdGVkLXNlY3JldA==",
}


class SimulatorSettings(Settings, frozen=True):
    """Settings of a simulator: the same account at whatever port it listens."""

    @property
    def account(self) -> str:
        return f"{SIMULATOR}|{self.client_id}"


def simulator_settings(settings: Mapping[str, Any]) -> Settings:
    """
    The settings of a simulator that is started now, changed by *settings*; without a `home` theirs
    is the folder `simulator` in the home of the environment.

    Raises:
        ConfigError: a setting is wrong.
        StoreError: its home can't be made.
        Unreachable: the simulator did not start.
    """
    home = Path(settings.get("home") or default_home(os.environ) / SIMULATOR)
    _make_home(home)
    url = start_simulator(
        "--crm-secret",
        SIMULATOR_ACCOUNT["crm_webhook_secret"],
        "--state",
        str(home / JOBS),
    )
    facts: dict[str, Any] = {
        "env_url": url,
        "crm_webhook_url": f"{url}/_sim/crm",
        "event_horizon_s": 0,
        **SIMULATOR_ACCOUNT,
        **settings,
        "home": home,
    }
    checked = load_settings(environ={}, **facts)
    return SimulatorSettings(**dict(checked) | {"profile": SIMULATOR})


def _make_home(home: Path) -> None:
    try:
        make_private_folder(home)
    except OSError as refused:
        raise StoreError(
            f"the simulator's home can't be made: {refused.strerror}",
            where=str(home),
            do="check the folder's rights and space, or name another one: "
            'cx.connect("simulator", home="…")',
        ) from refused


def start_simulator(*flags: str) -> str:
    """
    Start a simulator that ends with this process, and return its address.

    Raises:
        Unreachable: it did not start.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "cxtools.simulator", "--port", "0", "--exit-on-eof", *flags],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Ctrl-C, and Jupyter's "interrupt", go to the whole process group: they stop what asks the
        # simulator, which serves on.
        start_new_session=True,
    )
    atexit.register(process.terminate)
    line = process.stdout.readline() if process.stdout else ""
    _, greeting, url = line.partition("listening on ")
    if not greeting:
        raise Unreachable(
            "the simulator did not start",
            do="run `python -m cxtools.simulator` to see why",
        )
    return url.strip()
