"""
Layers on disk: `<root>/_messages/campaign=<name>/<version>-<digest>/`, one folder each.

A layer's name is a digest of the parts that it was made of, so a stale one is never read. It is
written under a hidden name, fsynced and renamed; there are no locks. Of several processes that make
the same layer one is first, and the others use it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxtools.errors import PartsReplaced, StoreError
from cxtools.files import PRIVATE_FILE, PRIVATE_FOLDER, make_private_folder, sync_folder

if TYPE_CHECKING:
    import pyarrow as pa

#: The version of the files in a layer; another one makes every layer anew.
VERSION = 3
#: The folders of layers, of whichever version and purposes of links.
LAYERS = "[0-9]*-*"
#: Where layers stand, beside the folders of the parts.
FOLDER = "_messages"
#: How the folder of a layer is named while it is being made.
HIDDEN = ".unfinished-"
#: A layer that is this much older than one which holds all of it has no readers any more, but for
#: questions of such a length: they are asked again.
SUPERSEDED_S = 60.0
#: A hidden folder that is this much older than a layer was left by a process that was killed.
ABANDONED_S = 3600.0
#: The file that says of which parts a layer was made.
PARTS = "parts.json"
#: How files are called that tell beside a layer what was judged of its causes. A layer that is made
#: of it and of news takes them over.
VERDICTS = "bounce-verdicts"
#: The relations of a layer: each is a folder of Parquet files.
RELATIONS = (
    "messages",
    "tail",
    "irregular_events",
    "clicks",
    "bounces",
    "causes",
    "repeats",
    "aliases",
    "splits",
    "job_events",
    "event_counts",
)


@dataclass(frozen=True)
class Layer:
    """
    One campaign's messages, as far as these parts tell.

        names     of the parts that it was made of
        origins   of these parts as they were first written: that small parts were merged into
                  larger ones doesn't make a layer stale
    """

    folder: Path
    names: frozenset[str]
    origins: frozenset[str]

    def files(self, relation: str) -> list[Path]:
        """
        The Parquet files of a relation.

        Raises:
            PartsReplaced: the layer was removed meanwhile, for a wider one took its place.
        """
        files = sorted((self.folder / relation).glob("*.parquet"))
        if not files:
            raise _brought_up_to_date(self.folder)
        return files

    def version(self) -> tuple[str, int, int]:
        """
        What tells this layer from any other, one that stood in its place before among them.

        Raises:
            PartsReplaced: the layer was removed meanwhile.
        """
        file = self.folder / PARTS
        try:
            stat = file.stat()
        except FileNotFoundError as error:
            raise _brought_up_to_date(self.folder) from error
        return (str(file), stat.st_ino, stat.st_mtime_ns)

    def row_count(self, relation: str) -> int:
        """How many rows a relation has."""
        import pyarrow.parquet as pq

        return sum(pq.read_metadata(file).num_rows for file in self.files(relation))

    @cached_property
    def counts(self) -> Mapping[str, Any]:
        """How many events there are of each kind, and the first and last moments of all."""
        [row] = self.rows("event_counts")
        return row

    @cached_property
    def last_irregular_at(self) -> datetime | None:
        """When the last event counts of the messages that are irregular; None without any."""
        import pyarrow as pa
        import pyarrow.compute as pc

        columns = [read_rows(file, ["counted_at"]) for file in self.files("irregular_events")]
        moment: datetime | None = pc.max(pa.concat_tables(columns)["counted_at"]).as_py()
        return moment

    def rows(self, relation: str) -> list[dict[str, Any]]:
        """The rows of a small relation that is one file."""
        [file] = self.files(relation)
        rows: list[dict[str, Any]] = read_rows(file).to_pylist()
        return rows


def _brought_up_to_date(folder: Path) -> PartsReplaced:
    return PartsReplaced(
        "the messages were brought up to date while they were read",
        where=str(folder),
        do="ask again",
    )


def read_rows(file: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """
    The rows of a small file of a layer: all columns, or some.

    Raises:
        StoreError: it is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as rows:  # `pq.read_table` takes twice as long for a small file
            return rows.read(columns)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise StoreError(
            f"the messages can't be read: {error}",
            where=str(file),
            do="remove its folder: it is made again of the events",
        ) from error


def layers_folder(root: Path, campaign_folder: str) -> Path:
    """Where the layers of a campaign stand; *campaign_folder* is the name of its parts' folder."""
    return root / FOLDER / campaign_folder


def layer_name(names: Iterable[str], purposes: str = "") -> str:
    """
    The name of the layer that is made of these parts. *purposes* is the digest of what links are
    for.

    >>> layer_name(["part-3-b.parquet", "part-3-a.parquet"])
    '3-23567201d8f3902b0fd16265'
    """
    text = "\n".join(sorted(names))
    digest = hashlib.sha256(text.encode()).hexdigest()[:24]
    return f"{_version(purposes)}-{digest}"


def _version(purposes: str) -> str:
    return f"{VERSION}.{purposes}" if purposes else f"{VERSION}"


def layers(folder: Path, purposes: str = "") -> list[Layer]:
    """
    The layers of a campaign that were made by these purposes; one that is being removed or of
    another version is left out.
    """
    return _layers(folder, f"{_version(purposes)}-*")


def all_layers(folder: Path) -> list[Layer]:
    """The layers of a campaign, those of other versions and purposes among them."""
    return _layers(folder, LAYERS)


def _layers(folder: Path, pattern: str) -> list[Layer]:
    found = []
    for path in folder.glob(pattern):
        try:
            known = json.loads((path / PARTS).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            continue
        found.append(Layer(path, frozenset(known["names"]), frozenset(known["origins"])))
    return found


def widest(known: Iterable[Layer], parts: Collection[frozenset[str]]) -> Layer | None:
    """
    Of the layers that hold nothing but these parts, each given by its origins, the one that holds
    most of them.

    A layer that holds some rows of a part and lacks others, since parts were merged after it was
    made, is of no use: the part would be counted again.
    """
    usable = [layer for layer in known if _holds_whole_parts(layer, parts)]
    return max(usable, key=lambda layer: len(layer.origins), default=None)


def _holds_whole_parts(layer: Layer, parts: Collection[frozenset[str]]) -> bool:
    held = [origins for origins in parts if origins <= layer.origins]
    return layer.origins == frozenset[str]().union(*held)


@contextmanager
def unfinished(folder: Path) -> Iterator[Path]:
    """A hidden folder to make a layer in; what is left in it when the block ends is removed."""
    make_private_folder(folder)
    hidden = Path(tempfile.mkdtemp(prefix=HIDDEN, dir=folder))
    try:
        for relation in RELATIONS:
            (hidden / relation).mkdir()
        yield hidden
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def publish(
    hidden: Path,
    names: frozenset[str],
    origins: frozenset[str],
    purposes: str = "",
) -> Layer:
    """Make what stands in a hidden folder durable, and give it its name: it is a layer now."""
    known = json.dumps({"names": sorted(names), "origins": sorted(origins)}, indent=0)
    (hidden / PARTS).write_text(known, encoding="utf-8")
    for path in sorted(hidden.rglob("*"), reverse=True):
        _keep_private(path)
    sync_folder(hidden)
    final = hidden.parent / layer_name(names, purposes)
    try:
        hidden.rename(final)
    except OSError:
        # Another process made the same layer, of the same parts, a moment ago; or what somebody
        # kept beside a layer outlived it.
        if not (final / PARTS).exists():
            remove(final)
            hidden.rename(final)
    sync_folder(final.parent)
    return Layer(final, names, origins)


def sweep(layer: Layer) -> None:
    """Remove layers that this one has made needless, and what killed processes left."""
    folder = layer.folder.parent
    made_at = layer.folder.stat().st_mtime
    for other in all_layers(folder):
        if _is_needless(other, layer) and _is_older(other.folder, made_at - SUPERSEDED_S):
            remove(other.folder)
    for hidden in folder.glob(f"{HIDDEN}*"):
        if _is_older(hidden, made_at - ABANDONED_S):
            shutil.rmtree(hidden, ignore_errors=True)


def _is_needless(other: Layer, layer: Layer) -> bool:
    """Whether a layer holds less than this one, or the same in another version."""
    return other.folder != layer.folder and other.origins <= layer.origins


def half_removed(folder: Path) -> list[Path]:
    """
    What `remove` left when it was killed: hidden folders with a layer in them, where one that is
    being made has only its relations.
    """
    return [hidden for hidden in folder.glob(f"{HIDDEN}*") if any(hidden.glob(LAYERS))]


def remove(folder: Path) -> None:
    """Remove a layer: all of it goes at once, so that nobody reads half of one."""
    hidden = Path(tempfile.mkdtemp(prefix=HIDDEN, dir=folder.parent))
    with suppress(FileNotFoundError):
        folder.rename(hidden / folder.name)
    shutil.rmtree(hidden, ignore_errors=True)


def _is_older(path: Path, moment: float) -> bool:
    try:
        return path.stat().st_mtime < moment
    except FileNotFoundError:
        return False


def _keep_private(path: Path) -> None:
    """Make a file or folder durable, and its owner's only."""
    if path.is_dir():
        path.chmod(PRIVATE_FOLDER)
        sync_folder(path)
        return
    path.chmod(PRIVATE_FILE)
    with path.open("rb") as written:
        os.fsync(written.fileno())
