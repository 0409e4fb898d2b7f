"""
What the user should know about a list before it is mailed, though nobody is left out for it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from cxtools.sending.address import bare_address
from cxtools.sending.row import Row, cell_text
from cxtools.text import key_by_value, safe_line
from cxtools.wording import quantity

#: Providers of mail -> how their domains are mistyped: what is registered by nobody, or by those
#: who wait for such mail.
MISTYPED = {
    "gmail.com": "gmail.co gmail.cm gmail.om gmial.com gmai.com gmal.com gmaill.com "
    "gamil.com gmali.com gnail.com gmaul.com gmeil.com gmailcom gmail gmil.com "
    "ggmail.com gimail.com gmsil.com gmaik.com",
    "googlemail.com": "goglemail.com googelmail.com googlmail.com",
    "hotmail.com": "hotmail.co hotmail.cm hotmail.om hotmial.com hotmal.com hotmai.com hotmil.com "
    "hotmaill.com hotamil.com hotnail.com hormail.com homail.com htomail.com "
    "hotmali.com hotmsil.com",
    "outlook.com": "outlook.co outlook.cm outlok.com outloo.com outllook.com outlokk.com "
    "oulook.com outlool.com putlook.com",
    "yahoo.com": "yahoo.co yahoo.cm yahoo.om yaho.com yahooo.com yhoo.com yahho.com yaoo.com "
    "yhaoo.com yahoomail.com ayhoo.com",
    "icloud.com": "icloud.co icloud.cm iclould.com icoud.com iclou.com icload.com iclod.com",
    "live.com": "live.cm live.co liev.com",
    "aol.com": "aol.co aol.cm aoll.com",
    "msn.com": "msn.co msn.cm",
    "comcast.net": "comcas.net concast.net comcat.net",
    "gmx.de": "gmx.d gmx.ed gmy.de",
    "web.de": "web.d wev.de",
    "t-online.de": "t-onlin.de tonline.de t-onlien.de",
    "orange.fr": "orange.rf ornge.fr",
    "wanadoo.fr": "wandoo.fr wanado.fr",
    "libero.it": "libro.it liber.it",
}
#: Ends of domains that no registry has -> what is meant.
ENDINGS = {
    "con": "com",
    "cmo": "com",
    "ocm": "com",
    "vom": "com",
    "xom": "com",
    "cpm": "com",
    "comm": "com",
    "coom": "com",
    "c0m": "com",
    "cim": "com",
    "dom": "com",
    "nte": "net",
    "nett": "net",
    "ogr": "org",
    "orgg": "org",
}
MEANT = key_by_value({meant: domains.split() for meant, domains in MISTYPED.items()})


def meant_domain(domain: str) -> str:
    """
    The domain that was probably meant by a mistyped one; "" where nothing seems wrong.

    >>> meant_domain("gmail.con"), meant_domain("hotmial.com"), meant_domain("one.example")
    ('gmail.com', 'hotmail.com', '')
    """
    name, dot, ending = domain.rpartition(".")
    if dot and ending in ENDINGS:
        corrected = f"{name}.{ENDINGS[ending]}"
        return MEANT.get(corrected, corrected)
    return MEANT.get(domain, "")


@dataclass
class Seen:
    """How many rows something was seen in, and the line of the first."""

    first_line: int
    count: int = 0


@dataclass
class Findings:
    """What is seen in the rows of one reading of a list."""

    mistyped: dict[str, Seen] = field(default_factory=dict)
    named: Seen | None = None

    def rows(self, rows: Iterator[Row]) -> Iterator[Row]:
        """The same rows; each is looked at."""
        for row in rows:
            self._look_at(row.line, cell_text(row.cells.get("email")))
            yield row

    def _look_at(self, line: int, written: str) -> None:
        address = bare_address(written)
        if address != written:
            self.named = self.named or Seen(line)
            self.named.count += 1
        domain = address.strip().rpartition("@")[2].lower()
        if meant_domain(domain):
            seen = self.mistyped.setdefault(domain, Seen(line))
            seen.count += 1

    def sentences(self) -> list[str]:
        """
        What was seen, for people.

        >>> findings = Findings()
        >>> rows = [Row(2, {"email": "Ann <ann@one.example>"}), Row(3, {"email": "bob@gmail.con"})]
        >>> _ = list(findings.rows(iter(rows)))
        >>> for sentence in findings.sentences():
        ...     print(sentence)
        names or links around addresses: 1 recipient (first in line 2); the bare address is mailed
        1 recipient at gmail.con (first in line 3): is gmail.com meant? Nothing was changed
        """
        found = []
        if self.named:
            found.append(
                f"names or links around addresses: {_place(self.named, '')}; "
                "the bare address is mailed"
            )
        for domain, seen in self.mistyped.items():
            found.append(
                f"{_place(seen, f' at {safe_line(domain, 80)}')}: "
                f"is {meant_domain(domain)} meant? Nothing was changed"
            )
        return found


def _place(seen: Seen, where: str) -> str:
    return f"{quantity(seen.count, 'recipient')}{where} (first in line {seen.first_line})"
