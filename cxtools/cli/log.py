"""What is said to people, as JSON lines for programs that collect logs: no address is in them."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import structlog

from cxtools.errors import CxError
from cxtools.text import mask_addresses


def log(level: str, event: str, **facts: Any) -> None:
    """One line on stderr: level, moment, what happened, and its facts."""
    getattr(_logger(), level)(event, **facts)


def log_error(error: CxError, **facts: Any) -> None:
    """An error as a line: what happened, where, what to do, and the exit code it stands for."""
    log("error", error.what, where=error.where, do=error.do, exit_code=error.exit_code, **facts)


@cache
def _logger() -> Any:
    return structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_addresses,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def _without_addresses(_logger: Any, _level: str, line: Any) -> Any:
    return {name: _masked(value) for name, value in line.items()}


def _masked(value: Any) -> Any:
    return mask_addresses(value) if isinstance(value, str) else value
