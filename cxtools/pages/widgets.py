"""
The controls of a notebook on a page: nobody is there who answers them, so the page shows what they
showed at the end, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import nbformat

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
#: What runs in JupyterLab only.
SCRIPT = "application/javascript"
#: How a widget's state names another widget.
REFERENCE = "IPY_MODEL_"
NOTE = "The controls work in JupyterLab. They were left at what is shown here."
NOTHING = "The controls work in JupyterLab; the notebook doesn't hold what they showed."

#: The id of a widget -> what the notebook keeps of it.
States = Mapping[str, Any]


def replace_widgets(notebook: Any) -> None:
    """Put in the place of each control what it last showed, where the notebook holds that."""
    states = notebook.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    for cell in notebook.cells:
        outputs = []
        has_state = any(_view(output) in states for output in cell.get("outputs", []))
        has_kept = any(_is_kept(output) for output in cell.get("outputs", []))
        for output in cell.get("outputs", []):
            if has_state and _is_kept(output):
                continue  # it stands for the controls, which tell more
            view = output.get("data", {}).get(VIEW)
            outputs += [output] if view is None else _stills(view["model_id"], states, has_kept)
        if outputs:
            cell["outputs"] = outputs


def _view(output: Any) -> str:
    """The id of the widget that an output is; "" for none."""
    view = output.get("data", {}).get(VIEW) or {}
    return str(view.get("model_id", ""))


def _is_kept(output: Any) -> bool:
    """Whether an output is what controls leave for readers without a kernel."""
    return bool(output.get("metadata", {}).get("cxtools") == "kept")


def _stills(widget: str, states: States, has_kept: bool) -> list[Any]:
    """
    A sentence, and the outputs that a control and those inside it hold; or what is kept behind it.
    """
    shown = list(_held_outputs(widget, states))
    note = nbformat.v4.new_output(
        "display_data", data={"text/markdown": NOTE if shown or has_kept else NOTHING}
    )
    return [note, *map(nbformat.from_dict, shown)]


def _held_outputs(widget: str, states: States) -> Iterator[Any]:
    state = states.get(widget, {}).get("state", {})
    for output in state.get("outputs", []):
        if SCRIPT not in output.get("data", {}):
            yield output
    for child in state.get("children", []):
        yield from _held_outputs(child.removeprefix(REFERENCE), states)
