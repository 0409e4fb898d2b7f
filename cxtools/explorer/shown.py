"""
The explorer in a notebook: its controls while there is a kernel, and a picture when there is none.

A notebook that is opened again holds no widgets: JupyterLab shows what stands behind them, the
figure as it was left, which follows each change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cxtools.explorer import answers
from cxtools.explorer.answers import Shown, TimeLine
from cxtools.explorer.choice import Choice
from cxtools.explorer.controls import Controls, controls
from cxtools.measures.engine import Engine

#: What tells a page that an output stands for controls which may be there themselves.
KEPT = {"cxtools": "kept"}


class Explorer:
    """What a cell shows."""

    def __init__(self, parts: Controls) -> None:
        self.parts = parts
        self.widget = parts.widget
        self._kept: Any = None

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.widget)  # type: ignore[no-untyped-call]
        self._kept = display(  # type: ignore[no-untyped-call]
            self._bundle(self.parts.choice()), raw=True, metadata=KEPT, display_id=True
        )
        self.parts.on_shown = self._follow

    def _follow(self, first: Shown) -> None:
        self._kept.update(answers.kept_form(first), raw=True, metadata=KEPT)

    def _bundle(self, choice: Choice) -> dict[str, Any]:
        [first, *_] = choice.views()
        return answers.kept_form(answers.shown(self.parts.engine, first, with_numbers=False))


def explore(
    engine: Engine, names: Sequence[str] | None = None, timeline: TimeLine | None = None
) -> Explorer:
    """
    The explorer of these campaigns (None: all).

    Raises:
        StoreError: there are no campaigns.
    """
    return Explorer(controls(engine, names, timeline))
