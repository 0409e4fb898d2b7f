"""
A simulator that ends with this process, and what connects to it: an account and a temporary home.

It is started as a process of its own, as a server would be.
"""

from __future__ import annotations

import atexit
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

from cxtools.errors import Unreachable
from cxtools.settings import Settings, load_settings

#: The simulator's account; none of it is a secret, it serves whoever started it.
SIMULATOR_ACCOUNT = {
    "client_id": "simulator",
    "client_secret": "simulator",
    "crm_webhook_secret": "whsec_c2ltdWxhdGVkLXNlY3JldA==",
}


def simulator_settings(settings: Mapping[str, Any]) -> Settings:
    """
    The settings of a simulator that is started now, changed by *settings*; without a `home` they
    have one that ends with this process.

    Raises:
        ConfigError: a setting is wrong.
        Unreachable: the simulator did not start.
    """
    url = start_simulator("--crm-secret", SIMULATOR_ACCOUNT["crm_webhook_secret"])
    facts: dict[str, Any] = {
        "env_url": url,
        "crm_webhook_url": f"{url}/_sim/crm",
        "event_horizon_s": 0,
        **SIMULATOR_ACCOUNT,
        **settings,
    }
    if not facts.get("home"):
        facts["home"] = _temporary_home()
    return load_settings(environ={}, **facts)


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


def _temporary_home() -> str:
    """A home for as long as this process lives."""
    home = tempfile.mkdtemp(prefix="cxtools-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return home
