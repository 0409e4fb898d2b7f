"""What is told while a long piece of work is done: a bar or a sentence, on stderr or in a cell."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm


def progress_bar(
    label: str,
    *,
    is_shown: bool,
    total: int | None = None,
    unit: str = "it",
) -> tqdm[Any]:
    """
    A bar that goes away when its `with` block ends. Without a *total* it counts, and says how many
    a second.
    """
    from tqdm.auto import tqdm

    return tqdm(
        total=total,
        desc=label,
        unit=unit,
        unit_scale=total is None,
        disable=not is_shown,
        mininterval=0.5,
        leave=False,
    )


def say_on_stderr(text: str) -> None:
    """A sentence for people, where it is in no result's way."""
    print(text, file=sys.stderr)
