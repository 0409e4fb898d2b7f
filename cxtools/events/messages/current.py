"""The layer that covers all that a campaign's parts tell: found, or made."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from cxtools.errors import StoreError
from cxtools.events import parts
from cxtools.events.messages import layer
from cxtools.events.messages.layer import Layer
from cxtools.events.messages.purposes import SHIPPED_PURPOSES, Purposes
from cxtools.events.own_folder import own_folder
from cxtools.events.relations import Relations
from cxtools.events.replacements import reading, repeat_when_replaced
from cxtools.events.store import FOLDER_PREFIX, EventStore

#: Opens relations for a `with` block.
Open = Callable[[], AbstractContextManager[Relations]]


@repeat_when_replaced
def current_layer(
    store: EventStore,
    campaign: str,
    open_relations: Open,
    purposes: Purposes = SHIPPED_PURPOSES,
) -> Layer:
    """
    The messages of a campaign by all its parts; made when there are new ones.

    Whoever asks first makes it. Two who make it at the same time make the same.

    Raises:
        StoreError: a part can't be read, or the layer can't be written.
    """
    files = store.parts(campaign)
    names = frozenset(file.name for file in files)
    campaign_folder = f"{FOLDER_PREFIX}{campaign}"
    folder = layer.layers_folder(store.root, campaign_folder)
    known = layer.layers(folder, purposes.digest)
    if not os.access(store.root, os.W_OK):
        folder = layer.layers_folder(own_folder(), campaign_folder)
        known += layer.layers(folder, purposes.digest)
    for each in known:
        if each.names == names:
            return each
    rows = _origins(files)
    base = layer.widest(known, rows.values())
    if base and all(origins <= base.origins for origins in rows.values()):
        return base
    try:
        made = _make(folder, rows, base, open_relations, purposes)
        layer.sweep(made)
    except OSError as error:
        raise StoreError(
            f"the messages can't be written: {error.strerror or error}",
            where=str(folder),
            do="free some disk space or correct the folder's permissions, then ask again",
        ) from error
    return made


@contextmanager
def layer_without_events(open_relations: Open) -> Iterator[Layer]:
    """A layer of no parts, for a `with` block: what is known of campaigns before their first."""
    from cxtools.events.messages.build import build

    with (
        tempfile.TemporaryDirectory(dir=own_folder()) as folder,
        layer.unfinished(Path(folder, "campaign=")) as hidden,
    ):
        with open_relations() as relations:
            build(relations, hidden, [])
        yield Layer(hidden, frozenset(), frozenset())


def _make(
    folder: Path,
    rows: Mapping[Path, frozenset[str]],
    base: Layer | None,
    open_relations: Open,
    purposes: Purposes,
) -> Layer:
    # What makes layers knows the causes of bounces, and takes a while to be loaded.
    from cxtools.events.messages.build import Overtaken, build

    base_origins = base.origins if base else frozenset[str]()
    old = [file for file, origins in rows.items() if origins <= base_origins]
    new = [file for file, origins in rows.items() if not origins <= base_origins]
    names = frozenset(file.name for file in rows)
    origins = frozenset[str]().union(*rows.values())
    try:
        with layer.unfinished(folder) as hidden:
            with reading([*rows]), open_relations() as relations:
                build(relations, hidden, new, base, old, purposes=purposes)
            return layer.publish(hidden, names, origins, purposes.digest)
    except Overtaken:
        return _make(folder, rows, None, open_relations, purposes)


def _origins(files: Sequence[Path]) -> dict[Path, frozenset[str]]:
    """Part -> the names under which its rows were first written."""
    import pyarrow as pa

    origins = {}
    with reading(files):
        for file in files:
            try:
                origins[file] = parts.origins(file)
            except pa.ArrowException as error:
                raise StoreError(
                    f"the events can't be read: {error}",
                    where=str(file),
                    do="the file may be damaged: move it away, then collect or import again",
                ) from error
    return origins
