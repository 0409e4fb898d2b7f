"""
What a click is for: the content of a mail, or leaving its list.

Whoever follows a link to unsubscribe has not clicked in the sense of a click rate. A layer counts
by it, so a layer that was made by other purposes is another layer.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

#: Links to leave a list or to choose what to get, as platforms write them.
SHIPPED_LEAVES = "unsub|opt-?out|preference|abmeld|list-manage|manage[-_]?(subscription|email)"
#: The characters of a part of a link that patterns give a meaning of their own.
SPECIAL = ".?+"


@dataclass(frozen=True)
class Purposes:
    """
    Parts of links, in small letters.

    content      a link with one of these is content, whatever else is in it
    unsubscribe  a link with one of these isn't, as those that ship are not

    >>> Purposes(content=("/coffee-preferences",)).is_content
    "(regexp_like(lower(link_url), '/coffee-preferences') or not regexp_like(lower(link_url), \
'unsub|opt-?out|preference|abmeld|list-manage|manage[-_]?(subscription|email)'))"
    """

    content: tuple[str, ...] = ()
    unsubscribe: tuple[str, ...] = ()

    @property
    def is_content(self) -> str:
        """The SQL that tells of a `link_url` whether it is content; null where there is none."""
        leaves = "|".join([*map(_pattern, self.unsubscribe), SHIPPED_LEAVES])
        is_other = f"not regexp_like(lower(link_url), '{leaves}')"
        if not self.content:
            return is_other
        content = "|".join(map(_pattern, self.content))
        return f"(regexp_like(lower(link_url), '{content}') or {is_other})"

    @property
    def digest(self) -> str:
        """What tells these purposes from others; "" for those that ship."""
        if not self.content and not self.unsubscribe:
            return ""
        return hashlib.sha256(self.is_content.encode()).hexdigest()[:8]


#: What links are for where nobody says otherwise.
SHIPPED_PURPOSES = Purposes()


def _pattern(part: str) -> str:
    """
    The pattern that finds a part of a link; without a backslash, which Spark's texts would eat.

    >>> _pattern("a.example/?leave")
    'a[.]example/[?]leave'
    """
    return "".join(f"[{letter}]" if letter in SPECIAL else letter for letter in part)
