"""
The messages of a layer that bounced, in a file beside it: whoever asks for the people behind a
cause reads these alone, a twentieth of all, and not every address.

The file holds what the layer says of them, whatever rules say of their bounces; a message whose
last bounce came before a moment is among them as well. It goes with its layer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from cxtools.events.messages.layer import Layer
from cxtools.events.relations import Relations
from cxtools.files import PRIVATE_FILE, hidden_until_whole
from cxtools.measures.sql import statement

#: What it is called; another number makes it anew.
NAME = "bounced-1.parquet"
Open = Callable[[], AbstractContextManager[Relations]]


def bounced_files(layers: Mapping[str, Layer], open_relations: Open) -> list[Path]:
    """
    A file for each of these layers; made where it isn't there. None at all where one can't be
    written (the layer may have been removed meanwhile), or there is no campaign.
    """
    files = [layer.folder / NAME for name, layer in layers.items() if name]
    with suppress(OSError):
        for layer in layers.values():
            _make(layer, open_relations)
    return files if all(file.exists() for file in files) else []


def _make(layer: Layer, open_relations: Open) -> None:
    import pyarrow.parquet as pq

    file = layer.folder / NAME
    if file.exists() or not os.access(layer.folder, os.W_OK):
        return
    messages = layer.files("messages")
    columns = ", ".join(pq.read_schema(messages[0]).names)
    with open_relations() as relations, hidden_until_whole(file, make_folder=False) as hidden:
        relations.read("stored_main", messages)
        relations.write(statement("bounced_messages").format(columns=columns), hidden)
        hidden.chmod(PRIVATE_FILE)
