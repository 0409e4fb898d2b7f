"""
The text of a bounce without what differs from recipient to recipient: "same cause, different
mailbox" becomes one text.

`masked` works word by word through a bounded memory of words, because a bounce's words repeat even
when its ids don't:
measured, that is five times as fast as one regular expression over the text. `words` folds the
masked text further for the rules: lower case, no accents, no punctuation, "n't" as "not", every
Chinese or Japanese character a word.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import lru_cache
from importlib.resources import files

#: Characters of a text that are looked at, at its head and at its tail; the bound is what makes
#: every rule's time bounded.
HEAD, TAIL = 2_000, 1_000
LONGEST_WORD = 300
# "RL00000123": letters and digits that are longer than this are an id.
LONGEST_CODE_WORD = 12
#: Characters of a reason, as reports print it.
LONGEST_REASON = 400

#: `names.toml`: hosts that keep their name, words by which providers and blocklists are known.
NAMES = tomllib.loads((files(__package__) / "names.toml").read_text("utf-8"))
_KNOWN = re.compile(
    r"(?:^|[.])("
    + "|".join(map(re.escape, sorted(NAMES["hosts"].split(), key=len, reverse=True)))
    + r")$"
)
_TLDS = frozenset(NAMES["tlds"].split())
# One pass over a word: the first kind that fits at a place is taken.
_MASKABLE = re.compile(
    r"""(?P<url>(?i:https?://|www[.])[^\s<>"']+)
    | (?P<address> <?[^\s<>()\[\]:;,"'=@]{1,200}@[^\s<>()\[\]:;,"'@]{1,200}>?)
    | (?P<ip>(?<![\d.])\d{1,3}(?:[.]\d{1,3}){3}(?![\d.]\d) | (?<![\w:])[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{0,4}){3,7}(?![\w:]))
    | (?P<time>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?
        | (?<![\w:])\d{1,2}:\d\d(?::\d\d)?(?:[.]\d+)?(?![\w:]) | (?<!\w)[+-]\d{4}(?!\d))
    | (?P<host>(?<![\w.-])(?:[A-Za-z0-9_-]{1,63}[.]){1,10}[A-Za-z]{2,24}(?![\w-]|[.]\d))
    | (?P<code>(?<![\w.])[245]\d\d(?!\w|[.]\d) | (?<![\d.])[245][.]\d{1,3}[.]\d{1,3}(?![.]?\d) | \b[245]\d\d[.]\d{1,2}\b | \bAS\(\d+\)
        | \bAUP\#[A-Za-z]{0,3}-?\d+ | \b[A-Z]{1,5}[-_]?[A-Z]?\d{1,6}(?:[_-]\d{1,3})?\b | \b[a-z]{2,5}_\d{2,4}\b)
    | (?P<id>(?:[\w+/=][\w+/.=-]{0,80})?\d[\w+/.=-]*)""",
    re.VERBOSE,
)
_WHOLE_ADDRESS = re.compile(
    r"""<?[^\s<>()\[\]:;,"'=@]{1,200}@[^\s<>()\[\]:;,"'@]{0,199}[^\s<>()\[\]:;,"'@.]>?([)\]:;,.]{0,3})"""
)
_PLAIN = re.compile(r"[^\d@./:=_]*(?:[^\d@/:=_][.]+)?")
_NAMED = re.compile(r"[A-Za-z]{4,30}[._=-]")
# Comcast tells the cause in a fragment: #BL000010.
_IN_URL = re.compile(r"(?<=[/?&=#])(?![A-Z]{2}0000\d\d\b)[^/?&=#<>]*\d[^/?&=#<>]*")
_IP = re.compile(r"\d{1,3}(?:[.]\d{1,3}){3}")
# The digit stands first and what may not precede it second: so the search jumps from digit to
# digit.
_SPOKEN_CODE = re.compile(
    r"[245](?<![\w.,][245])(?:\d\d(?:[- ]{1,2}[(\[]?#?[245][.]\d{1,3}[.]\d{1,3}[)\]]?[-:]?(?![\w.])|[- ](?=\D))"
    r"|[.]\d{1,3}[.]\d{1,3}[)\]]?[-:]?(?![\w.]))"
)
_CLOCK = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b,? ?|<n>,? ?|<time> ?"
    r"|\(?(?:GMT|UTC|[PEJC][SD]T|CEST|CET)\)? ?){2,}"
)
_CITED = re.compile(
    r"""(://[^\s/?#]+)/[^\s?#]* | \bsubject\b(?![ ]to\b)[^"'(\[.;]{0,12}(?<=[\s:=])["'(\[][^"')\]]*
    | \bsubject\s?[:=][^.;"]*?(?=[ ]-[ ]|[ ][\w-]+:|[.;"]|$)
    | \b(?:words?|phrase|text|terms?|contain\w*|quot\w+|cit\w+)\b[^"']{0,15}(?<=[\s:=(])["'][^"']*""",
    re.VERBOSE | re.IGNORECASE,
)
_CJK = re.compile(r"([\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])")
# Folding by whole-text replacements, in this order, and one translation: measured, four times as
# fast as a regular expression.
_FOLDS = (
    (" . : ", " . xnobody "),
    (": : ", " xnobody "),
    (". ", " \0 "),
    ("! ", " \0 "),
    ("? ", " \0 "),
    ("; ", " \0 "),
    ("said: ", "said \0 "),
    ("was: ", "was \0 "),
    ("<address>", " xaddress "),
    ("<host>", " xhost "),
    ("<ip>", " xip "),
    ("can't", "can not"),
    ("n't", " not"),
    ("cannot", "can not"),
    ("e-mail", "email"),
    # German without umlauts: the stems in which bounces say so.
    ("ß", "ss"),
    ("ueb", "ub"),
    ("fuell", "full"),
    ("empfaeng", "empfang"),
    ("gueltig", "gultig"),
    ("loesch", "losch"),
    ("verfuegb", "verfugb"),
    ("spaeter", "spater"),
    ("schoepf", "schopf"),
    ("groess", "gross"),
    ("moegl", "mogl"),
    ("koenn", "konn"),
)
_PUNCTUATION = {code: " " for code in range(128) if not chr(code).isalnum()} | {0: "."}
_BEYOND_ASCII = re.compile(r"[^\w.]+")


def masked(text: str) -> str:
    """
    *text* with addresses, hosts, IPs, ids, numbers and times masked; codes and the names of
    providers and blocklists stay.

    >>> masked("550-5.1.1 <ann@example.com> is no user here 8f3a99bc-17 - gsmtp")
    '550-5.1.1 <address> is no user here <id> - gsmtp'
    >>> masked("host mx3.mail.example.net[192.0.2.7] said: 421 slow down, see https://postmaster.google.com/?ip=192.0.2.7")
    'host <host>[<ip>] said: 421 slow down, see https://postmaster.google.com/?ip=<ip>'
    """
    text = text if len(text) <= HEAD + TAIL else f"{text[:HEAD]} ; {text[-TAIL:]}"
    return " ".join(
        [
            word if word.isalpha() else _masked_word(word)
            for word in text.replace("...", "... ").split()
        ]
    )


def spoken(masked_text: str) -> str:
    """
    The masked text without its codes; a "." stands where one was, since a server begins to speak
    there.
    """
    return (
        _SPOKEN_CODE.sub(" . ", masked_text)
        .replace("(# . ", " . ")
        .replace("# . ", " . ")
        .replace("( . ", " . ")
    )


def unquoted(masked_text: str) -> str:
    """
    The text without what its speaker only cites: subjects, quoted words, the paths of URLs (their
    queries and fragments stay).

    >>> unquoted('Subject "User unknown" refused, see https://<host>/no-such-user?p=Spam')
    '" refused, see https://<host>?p=Spam'
    """
    return _CITED.sub(r"\1", masked_text)


def reason(spoken_text: str) -> str:
    """
    The text as reports group by it: without codes and moments, at most 400 characters.

    >>> reason(spoken(masked("550-5.1.1 No such user. 550 5.1.1 Thu, 9 Apr 2026 23:34:45 +0100")))
    'No such user.'
    """
    if "<time>" in spoken_text:
        spoken_text = _CLOCK.sub("<time> ", spoken_text)
    return (
        " ".join(spoken_text.replace(" . ", " ").split())
        .removesuffix("<time>")
        .rstrip()[:LONGEST_REASON]
    )


def words(spoken_text: str) -> list[str]:
    """
    The words for the rules; "." where a sentence ends, "xaddress", "xhost", "xip" for what was
    masked, "xnobody" for an address left out.

    >>> words(spoken("550 5.1.1 Couldn't find <address>. Boîte inconnue 不存在"))
    ['.', 'could', 'not', 'find', 'xaddress', '.', 'boite', 'inconnue', '不', '存', '在']
    """
    text = spoken_text.lower() + " "
    if not text.isascii():
        folded = unicodedata.normalize("NFKD", text.replace("’", "'"))
        text = _CJK.sub(
            r" \1 ", "".join(char for char in folded if not unicodedata.combining(char))
        )
    for written, read in _FOLDS:
        if written in text:
            text = text.replace(written, read)
    text = text.translate(_PUNCTUATION)
    return (text if text.isascii() else _BEYOND_ASCII.sub(" ", text)).split()


@lru_cache(maxsize=16_384)
def _masked_word(word: str) -> str:
    if "@" in word and (found := _WHOLE_ADDRESS.fullmatch(word)):
        return "<address>" + found[1]
    if word.isalnum() and len(word) > LONGEST_CODE_WORD:
        return "<id>"
    return word if _PLAIN.fullmatch(word) else _MASKABLE.sub(_mask, word[:LONGEST_WORD])


def _mask(found: re.Match[str]) -> str:
    kind, text = found.lastgroup, found.group()
    if (
        kind == "url"
    ):  # keeps its host and its words, since providers put the cause there (…/?p=NoSuchUser)
        head, slashes, path = _IP.sub("<ip>", text).partition("//")
        return head + slashes + _IN_URL.sub("<id>", path)
    if kind == "id":
        if named := _NAMED.match(
            text
        ):  # "MCSpamSignature.sa.2.2", "SIZE=1543": what kind of id it is, is worth keeping
            return named.group() + "<id>"
        return "<n>" if len(text) < 7 and text.strip("-+.=/_").isdecimal() else "<id>"
    return text if kind == "code" else _masked_host(text) if kind == "host" else f"<{kind}>"


def _masked_host(host: str) -> str:
    if known := _KNOWN.search(host.lower()):
        return known.group(1)
    # "mailbox.It" is two sentences run together, "RESOLVER.ADR" a diagnostic name: neither is a
    # host.
    tld = host.rpartition(".")[2]
    real = (len(tld) == 2 or tld.lower() in _TLDS) and (tld.islower() or host.isupper())
    return "<host>" if real else host
