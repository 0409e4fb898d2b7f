"""A campaign as the user hands it over: what is sent, and to whom."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cxtools.errors import ConfigError, without_locals
from cxtools.model import LeftOut, Recipient
from cxtools.sending.digests import Digests
from cxtools.sending.findings import Findings
from cxtools.sending.plan import plan_recipients
from cxtools.sending.recipients import FrameRows, RowList, Source, TableFile
from cxtools.sending.row import Row
from cxtools.sending.spec import ContentDigest, Spec, content_digest, parse_spec

if TYPE_CHECKING:
    import pandas


class Content(NamedTuple):
    """What was read: the version of the list of recipients, and the digest of spec and rows."""

    version: object
    digest: str


class Review(NamedTuple):
    """
    What one reading of all rows found: how many people would be mailed, who is left out, and what
    else the user should know.
    """

    digest: str
    people: int
    left_out: list[LeftOut]
    notes: list[str]


@dataclass(eq=False)
class Campaign:
    """
    What to send and to whom.

    Its content is what the first reading found: a list that has changed at a later reading is
    refused.

    >>> campaign = Campaign.from_list(
    ...     ["ann@example.com", {"email": "bob@example.com", "tags": "vip"}],
    ...     name="q3",
    ...     subject="Hi",
    ...     template_id="a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    ...     sender="me@example.com",
    ... )
    >>> [person.tags for person in campaign.plan()]
    [(), ('vip',)]
    """

    spec: Spec
    source: Source = field(repr=False)
    _content: Content | None = field(default=None, init=False, repr=False)
    _findings: Findings = field(default_factory=Findings, init=False, repr=False)

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def digest(self) -> str:
        """
        The identity of spec and rows. All rows are read at the first use, and again when the file
        was written since.

        Raises:
            ConfigError: the list can't be read, or it is another one than at the first reading.
        """
        version = self.source.version()
        if self._content is not None and self._content.version == version:
            return self._content.digest
        digest = content_digest(self.spec, self.rows())
        self._keep(version, digest)
        return digest

    def rows(self) -> Iterator[Row]:
        """The rows of the list, each time from the start."""
        self._findings = Findings()
        return self._findings.rows(self.source.rows())

    @property
    def notes(self) -> list[str]:
        """
        What the user should know before the list is mailed, as sentences: how it was read, and what
        looks mistyped. Nobody is left out for it. All rows are read at the first use.

        Raises:
            ConfigError: as `digest`.
        """
        _ = self.digest
        return [*self.source.notes, *self._findings.sentences()]

    @without_locals
    def plan(self, *, skip_invalid: bool = False) -> Iterator[Recipient | LeftOut]:
        """
        One item per row; see `plan.plan_recipients`.

        Raises:
            ConfigError: rows are wrong, or the list is another one than at the first reading;
                known only when all rows were read.
        """
        version = self.source.version()
        digest = ContentDigest(self.spec)
        rows = digest.rows(self.rows())
        with Digests() as people:
            yield from plan_recipients(rows, self.spec, people, skip_invalid=skip_invalid)
        self._keep(version, digest.text())

    @without_locals
    def review(self) -> Review:
        """
        Read all rows once, and say who would be mailed and who would not; wrong rows are left out.

        Raises:
            ConfigError: columns are missing or extra, or the list is another one than before.
        """
        people = 0
        left_out = []
        for item in self.plan(skip_invalid=True):
            if isinstance(item, LeftOut):
                left_out.append(item)
            else:
                people += 1
        return Review(self.digest, people, left_out, self.notes)

    def _keep(self, version: object, digest: str) -> None:
        if self._content is not None and self._content.digest != digest:
            raise ConfigError(
                f"the recipients of campaign {self.name!r} changed since they were first read",
                do="nothing was planned or sent; run the command again, or the cell that makes the "
                "campaign",
            )
        self._content = Content(version, digest)

    @classmethod
    @without_locals
    def from_toml(
        cls,
        spec: str | Path,
        recipients: str | Path,
        *,
        any_template_id: bool = False,
    ) -> Campaign:
        """
        A campaign from SPEC.toml (keys: name, subject, template_id, sender, fields, tracking,
        limits, retry) and a CSV file or an Excel workbook.

        Raises:
            ConfigError: a file can't be read, or the spec is wrong; all of its faults at once.
        """
        values = _read_toml(Path(spec))
        parsed = parse_spec(values, any_template_id=any_template_id, where=str(spec))
        return cls(parsed, TableFile(recipients))

    @classmethod
    @without_locals
    def from_csv(
        cls,
        path: str | Path,
        *,
        any_template_id: bool = False,
        **spec: Any,
    ) -> Campaign:
        """
        A campaign from a CSV file or an Excel workbook: column `email`, optional `tags` separated
        by `;`, every other column a merge field.

        *spec* are the keys of SPEC.toml: name, subject, template_id, sender, and optionally fields,
        tracking, limits, retry.

        Raises:
            ConfigError: the file can't be read as such a CSV, or the spec is wrong; all of its
                faults at once.
        """
        return cls(parse_spec(spec, any_template_id=any_template_id), TableFile(path))

    @classmethod
    @without_locals
    def from_frame(
        cls,
        frame: pandas.DataFrame,
        *,
        any_template_id: bool = False,
        **spec: Any,
    ) -> Campaign:
        """
        A campaign from a DataFrame with the columns of `from_csv`; tags may be lists, missing
        values are empty, a whole 3.0 is "3".

        Raises:
            ConfigError: columns or spec are wrong.
        """
        source = FrameRows(frame)
        return cls(parse_spec(spec, any_template_id=any_template_id), source)

    @classmethod
    @without_locals
    def from_list(
        cls,
        people: Iterable[str | Mapping[str, Any]],
        *,
        any_template_id: bool = False,
        **spec: Any,
    ) -> Campaign:
        """
        A campaign from addresses, or from mappings with `email`, optional `tags` (text or list) and
        merge fields.

        Raises:
            ConfigError: the spec is wrong.
        """
        source = RowList(people)
        return cls(parse_spec(spec, any_template_id=any_template_id), source)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as broken:
        reason = broken.strerror
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as broken:
        reason = str(broken)
    raise ConfigError(
        f"the campaign's spec can't be read: {reason}",
        where=str(path),
        do="correct the file; nothing was sent",
    )
