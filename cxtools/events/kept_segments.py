"""
What a store keeps of segments.

    _segments/campaign=NAME/planned-3f….parquet   of a campaign that is sent from here: a row says
                                                  of a person that a segment has a value. A row
                                                  without a person holds for everybody
    _segments/campaign=NAME/kept.json             the columns of imported files that are segments;
                                                  their values stand in the events' own rows

Asking keeps nothing of a segment that isn't there: what a plan tells waits in a folder of the
process, as a draft, until a question names one of its segments. An erasure gives the person's rows
the key of the address that stands in its place.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxtools.erasures import Erasure, Erasures
from cxtools.events.own_folder import own_folder
from cxtools.events.segments import LEFT_OUT, NAMES, person_key
from cxtools.files import write_whole
from cxtools.identity import recipient_key

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER = "_segments"
KEPT = "kept.json"
PLANNED = "planned-*.parquet"
#: Files that a killed process didn't finish.
HIDDEN = ".planned-*.tmp"
#: What may be a local part.
WORD = re.compile(r"""[^\s"'<>(),;:\\\[\]@]+""")
#: How the files begin that a layer keeps of segments.
DERIVED = "segments-"


class CampaignSegments:
    """
    What is known of one campaign's segments. Asking touches nothing.

    >>> import tempfile
    >>> kept = CampaignSegments(Path(tempfile.mkdtemp()), "campaign=q3")
    >>> kept.keep_columns(["arm"])
    >>> kept.keep_columns(["plan"])
    >>> kept.columns(), kept.planned_names()
    (['arm', 'plan'], [])
    """

    def __init__(self, root: Path, campaign_folder: str, planned_in: Path | None = None) -> None:
        """*planned_in* is where the plan's segments stand while they aren't kept in the store."""
        self.root = root
        self.folder = root / FOLDER / campaign_folder
        self._planned_in = planned_in or self.folder

    @property
    def is_draft(self) -> bool:
        """Whether the plan's segments aren't kept in the store yet."""
        return self._planned_in != self.folder

    def keep_columns(self, columns: Iterable[str]) -> None:
        """Keep that these columns of imported rows are segments, with those that are known."""
        known = self.columns()
        names = list(dict.fromkeys([*known, *columns]))
        if names != known:
            write_whole(self.folder / KEPT, json.dumps(names, ensure_ascii=False).encode())

    def columns(self) -> list[str]:
        """The columns of imported rows that are segments."""
        try:
            names: list[str] = json.loads((self.folder / KEPT).read_bytes())
        except FileNotFoundError:
            return []
        return names

    def planned_file(self, digest: str = "") -> Path | None:
        """The file of the plan with this digest, or of the only plan; None while there is none."""
        if digest:
            file = self._file(digest)
            return file if file.exists() else None
        return next(iter(self.planned_files()), None)

    def planned_files(self) -> list[Path]:
        """
        The file of the plan first; and that of one that was replaced, where a process was killed
        before it could remove it.
        """
        written_at = {}
        for file in self._planned_in.glob(PLANNED):
            with suppress(FileNotFoundError):  # another process has just replaced it
                written_at[file] = file.stat().st_mtime_ns
        return sorted(written_at, key=lambda file: (-written_at[file], file.name))

    def keep_planned(self, rows: pa.Table, digest: str) -> None:
        """Keep the segments of a plan, in the place of those of one that was replaced."""
        import pyarrow.parquet as pq

        file = self._file(digest)
        write_whole(file, partial(pq.write_table, rows, compression="zstd"))
        for other in self._planned_in.glob(PLANNED):
            if other != file:
                other.unlink(missing_ok=True)

    def keep_draft(self) -> None:
        """Keep in the store what waits in the process's own folder; nothing of what is kept."""
        import pyarrow.parquet as pq

        file = self.planned_file() if self.is_draft else None
        if file is None:
            return
        rows = pq.read_table(file, partitioning=None)
        self._planned_in = self.folder
        self.keep_planned(rows, file.stem.partition("-")[2])
        file.unlink()

    def planned_names(self) -> list[str]:
        """The segments of the plan."""
        names: list[str] = json.loads(self._metadata().get(NAMES, b"[]"))
        return names

    def left_out(self) -> dict[str, str]:
        """The fields of the plan that are no segments, and why; `tag:` stands for rare tags."""
        reasons: dict[str, str] = json.loads(self._metadata().get(LEFT_OUT, b"{}"))
        return reasons

    def _metadata(self) -> dict[bytes, bytes]:
        import pyarrow.parquet as pq

        file = self.planned_file()
        return (pq.read_schema(file).metadata or {}) if file else {}

    def version(self) -> str:
        """What tells these segments from what they were and will be."""
        state: list[Any] = [self.columns()]
        file = self.planned_file()
        if file:
            stat = file.stat()
            state += [file.name, stat.st_ino, stat.st_mtime_ns]
        return hashlib.sha256(json.dumps(state).encode()).hexdigest()[:24]

    def erase(self, erasures: Erasures) -> bool:
        """
        Write the segments anew without those who are erased; whether anything changed. What a
        killed process left unfinished is removed.
        """
        for hidden in self.folder.glob(HIDDEN):
            hidden.unlink(missing_ok=True)
        files = self.planned_files()
        for replaced in files[1:]:
            replaced.unlink(missing_ok=True)
        return bool(files) and _erase_in_file(files[0], erasures)

    def _file(self, digest: str) -> Path:
        return self._planned_in / PLANNED.replace("*", digest[:24])


def draft_segments(root: Path, campaign_folder: str, erasures: Path) -> CampaignSegments:
    """
    The same with a place of this process for what a plan tells; another one when somebody was
    erased since.
    """
    store = hashlib.sha256(str(root.absolute()).encode()).hexdigest()[:24]
    people = hashlib.sha256(erasures.read_bytes() if erasures.exists() else b"").hexdigest()[:24]
    drafts = own_folder() / f"drafts-{store}"
    for other in drafts.glob("*"):
        if other.name != people:
            shutil.rmtree(other, ignore_errors=True)
    return CampaignSegments(root, campaign_folder, drafts / people / campaign_folder)


def _erase_in_file(file: Path, erasures: Erasures) -> bool:
    import pyarrow.parquet as pq

    rows = pq.read_table(file, partitioning=None)
    cleaned = erased_rows(rows, erasures)
    if cleaned.equals(rows):
        return False
    write_whole(file, partial(pq.write_table, cleaned, compression="zstd"))
    return True


def erased_rows(rows: pa.Table, erasures: Erasures) -> pa.Table:
    """
    The segments without those who are erased: their rows have the key of the address that stands in
    the place of theirs, and no value names them.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    values = rows["value"].unique().to_pylist()
    cleaned = [erasures.clean(value) for value in values]
    if cleaned != values:
        places = pc.index_in(rows["value"], pa.array(values, pa.string()))
        texts = pa.array(cleaned, pa.string()).take(places)
        rows = rows.set_column(2, rows.schema.field(2), texts)
    for person in erasures.people.values():
        is_person = pc.fill_null(pc.equal(rows["person"], _key_of_key(person.key)), False)
        if pc.any(is_person).as_py():
            rows = _without(rows, person, is_person)
    return rows


def _without(rows: pa.Table, person: Erasure, is_person: pa.ChunkedArray) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    key_now = pa.scalar(person_key(person.replacement), pa.int64())
    texts = rows["value"].filter(is_person).to_pylist()
    named = _with_address(person, texts)
    own = [named.clean_own(text) for text in texts]
    people = pc.if_else(is_person, key_now, rows["person"])
    values = pc.replace_with_mask(
        rows["value"].combine_chunks(), is_person.combine_chunks(), pa.array(own, pa.string())
    )
    rows = rows.set_column(0, rows.schema.field(0), people)
    return rows.set_column(2, rows.schema.field(2), values)


def _with_address(person: Erasure, own_texts: Iterable[str]) -> Erasure:
    """
    The person, with the address. Where only the key is known any more, since an erasure was killed
    that had cleaned what else held it, the local part is looked for in the person's own texts.

    >>> ann = Erasure(recipient_key("ann@x.example"), "erased-1", "x.example")
    >>> _with_address(ann, ["user ann, pro"]).address
    'ann@x.example'
    """
    if person.address:
        return person
    for text in own_texts:
        for word in WORD.findall(text):
            address = f"{word}@{person.domain}"
            if recipient_key(address) == person.key:
                return replace(person, address=address)
    return person


def _key_of_key(recipient_key: str) -> int:
    """The number of a person who is known by the ledger's key: both begin with the same digits."""
    return int(recipient_key[:16], 16) >> 1


def remove_derived(layers: Path) -> None:
    """Remove what the layers of a campaign keep of segments; it is made again when asked for."""
    for file in layers.glob(f"*/{DERIVED}*"):
        with suppress(FileNotFoundError):
            file.unlink()


def all_segments(root: Path) -> Iterator[CampaignSegments]:
    """What a store keeps, campaign by campaign."""
    for folder in sorted((root / FOLDER).glob("*")):
        yield CampaignSegments(root, folder.name)
