"""The layer that covers all that a campaign's parts tell: found, or made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from cxtools.events import parts
from cxtools.events.messages import layer
from cxtools.events.messages.layer import Layer
from cxtools.events.relations import Relations
from cxtools.events.replacements import reading, repeat_when_replaced
from cxtools.events.store import FOLDER_PREFIX, EventStore

#: Opens relations for a `with` block.
Open = Callable[[], AbstractContextManager[Relations]]


@repeat_when_replaced
def current_layer(store: EventStore, campaign: str, open_relations: Open) -> Layer:
    """
    The messages of a campaign by all its parts; made when there are new ones.

    Whoever asks first makes it. Two who make it at the same time make the same.

    Raises:
        StoreError: a part can't be read, or the layer can't be written.
    """
    files = store.parts(campaign)
    origins = _origins(files)
    folder = layer.layers_folder(store.root, f"{FOLDER_PREFIX}{campaign}")
    known = layer.layers(folder)
    base = layer.widest(known, origins)
    if base and base.origins == origins:
        return base
    made = _make(folder, files, base, open_relations)
    layer.sweep(made)
    return made


@contextmanager
def layer_without_events(open_relations: Open) -> Iterator[Layer]:
    """A layer of no parts, for a `with` block: what is known of campaigns before their first."""
    from cxtools.events.messages.build import build

    with TemporaryDirectory() as folder, layer.unfinished(Path(folder, "campaign=")) as hidden:
        with open_relations() as relations:
            build(relations, hidden, [])
        yield Layer(hidden, frozenset())


def _make(
    folder: Path,
    files: list[Path],
    base: Layer | None,
    open_relations: Open,
) -> Layer:
    # What makes layers knows the causes of bounces, and takes a while to be loaded.
    from cxtools.events.messages.build import Overtaken, build

    old = []
    new = []
    for file in files:
        is_covered = base is not None and base.origins.issuperset(_origins([file]))
        (old if is_covered else new).append(file)
    try:
        with layer.unfinished(folder) as hidden:
            with reading(files), open_relations() as relations:
                build(relations, hidden, new, base, old)
            return layer.publish(hidden, _origins(files))
    except Overtaken:
        return _make(folder, files, None, open_relations)


def _origins(files: Iterable[Path]) -> frozenset[str]:
    """The names under which the rows of these parts were first written."""
    names: set[str] = set()
    for file in files:
        names.update(parts.merged_from(file) or [file.name])
    return frozenset(names)
