"""
What bounce verdicts depend on, as a digest: with another one they have to be given anew.

It is made of files, not of a judge: to make a judge takes half a second, which a question whose
verdicts are known need not wait for.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

#: The name of a user's own rules in CXTOOLS_HOME.
OWN_RULES = "bounce_rules.toml"
#: The package that gives verdicts.
BOUNCE = Path(__file__).parents[1] / "bounce"
#: Its files that verdicts come from: the code, and the tables beside it.
SUFFIXES = {".py", ".toml", ".tsv"}
#: How the reason of a verdict is masked.
TEXT = BOUNCE.parent / "text.py"


def rules_digest(own_rules: Path) -> str:
    """The digest of the rules that ship, the code that obeys them, and a file of a user's own."""
    digest = hashlib.sha256(_shipped())
    if own_rules.is_file():
        digest.update(own_rules.read_bytes())
    return digest.hexdigest()[:24]


@cache
def _shipped() -> bytes:
    digest = hashlib.sha256(TEXT.read_bytes())
    for file in sorted(BOUNCE.iterdir()):
        if file.suffix in SUFFIXES:
            digest.update(file.read_bytes())
    return digest.digest()
