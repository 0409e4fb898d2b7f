"""
The text of a bounce without what differs from recipient to recipient: "same cause, different mailbox" becomes one text.

`masked` works word by word through a bounded memory of words, because a bounce's words repeat even when its ids don't:
measured, that is five times as fast as one regular expression over the text. `words` folds the masked text further
for the rules: lower case, no accents, no punctuation, "n't" as "not", every Chinese or Japanese character a word.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

#: Characters of a text that are looked at. Bounces say why at their beginning; the bound is what makes every rule's time bounded.
LONGEST = 3_000
#: Characters of a reason, as reports print it.
LONGEST_REASON = 400

# Hosts are kept by their owner's name when it tells who refused; other names are masked. Sorted by use, matched at the end of a host.
KNOWN_HOSTS = (
    "google.com", "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "microsoft.com", "office.com", "live.com", "yahoo.com", "yahoo.co.jp",
    "yahooinc.com", "yahoodns.net", "aol.com", "apple.com", "icloud.com", "me.com", "comcast.net", "cox.net", "charter.net", "spectrum.net", "att.net",
    "verizon.net", "gmx.net", "gmx.de", "web.de", "mail.com", "1and1.com", "ionos.com", "kundenserver.de", "t-online.de", "orange.fr", "wanadoo.fr",
    "free.fr", "laposte.net", "sfr.fr", "libero.it", "mimecast.com", "mimecast.org", "pphosted.com", "ppe-hosted.com", "proofpoint.com",
    "barracudanetworks.com", "barracudacentral.org", "messagelabs.com", "symantec.com", "broadcom.com", "cloudmark.com", "trendmicro.com", "iphmx.com",
    "cloudfilter.net", "cisco.com", "senderbase.org", "talosintelligence.com", "zoho.com", "qq.com", "163.com", "126.com", "netease.com", "sina.com",
    "mail.ru", "yandex.ru", "yandex.net", "rambler.ru", "spamhaus.org", "spamhaus.com", "spamcop.net", "sorbs.net", "uceprotect.net", "spamrats.com",
    "surbl.org", "uribl.com", "abusix.zone", "abusix.com", "mailspike.net", "manitu.net", "invaluement.com", "psbl.org", "senderscore.org",
    "validity.com", "junkemailfilter.com", "backscatterer.org", "returnpath.net", "amazonses.com", "sendgrid.net", "docomo.ne.jp", "ezweb.ne.jp",
    "au.com", "softbank.ne.jp", "naver.com", "daum.net", "hanmail.net", "seznam.cz", "wp.pl", "onet.pl", "uol.com.br", "terra.com.br", "telenet.be",
    "secureserver.net", "emailsrvr.com", "fastmail.com", "protonmail.ch", "ovh.net", "shaw.ca", "rogers.com", "virginmedia.com", "btinternet.com",
)
_KNOWN = re.compile(r"(?:^|[.])(" + "|".join(map(re.escape, sorted(KNOWN_HOSTS, key=len, reverse=True))) + r")$")
_TLDS = "com|net|org|edu|gov|mil|int|info|biz|name|io|app|dev|cloud|email|local|lan|internal|arpa|test|invalid|example|online|shop|site|store|xyz|top"
_PLAIN = re.compile(r"[^\d@./:=_]*(?:[^\d@/:=_]\.+)?")
_URL = re.compile(r"(?i)(?:https?://|www\.)[^\s<>\"']+")
_ADDRESS = re.compile(r"<?[^\s<>()\[\]:;,\"'=]{1,200}@[^\s<>()\[\]:;,\"']{1,200}>?")
_IP = re.compile(r"(?<![\d.])\d{1,3}(?:[.]\d{1,3}){3}(?![\d.]\d)|(?i:(?<![\w:])[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){3,7}(?![\w:]))")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?|(?<![\w:])\d{1,2}:\d\d(?::\d\d)?(?:[.]\d+)?(?![\w:])|(?<!\w)[+-]\d{4}(?!\d)")
_HOST = re.compile(r"(?<![\w.-])(?:[A-Za-z0-9_-]{1,63}[.]){1,10}([A-Za-z]{2,24})(?![\w-])")
_CODE = re.compile(
    r"(?<![\w.])[245]\d\d(?!\w|[.]\d)|(?<![\d.])[245][.]\d{1,3}[.]\d{1,3}(?![.]?\d)|\b[245]\d\d[.]\d{1,2}\b|\bAS\(\d+\)|\bAUP#[A-Za-z]{0,3}-?\d+"
    r"|\b[A-Z]{1,5}[-_]?[A-Z]?\d{1,6}(?:[_-]\d{1,3})?\b|\b[a-z]{2,5}_\d{2,4}\b"
)
_NAMED = re.compile(r"[A-Za-z]{4,30}[._=-]")
_ID = re.compile(r"[\w+/.=-]*\d[\w+/.=-]*")
_SPOKEN_CODE = re.compile(
    r"[(\[#]*(?<![\w.])(?:[245]\d\d[- ]{1,2})?[(\[]?#?[245][.]\d{1,3}[.]\d{1,3}[)\]]?[-:]?(?![\w.])|(?<![\w.,])#?[245]\d\d[- ](?=[^\d])"
)
_CLOCK = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b,? ?|<n>,? ?|<time> ?|\(?(?:GMT|UTC|[PEJC][SD]T|CEST|CET)\)? ?){2,}"
)
_SENTENCE_END = re.compile(r"[.!?;]+(?=\s|$)|(?<=said):|(?<=was):")
_GAPS = re.compile(r"(?:[^\w\0]|_)+")
_CJK = re.compile(r"([\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])")


def masked(text: str) -> str:
    """
    *text* with addresses, hosts, IPs, ids, numbers and times masked; codes and the names of providers and blocklists stay.

    >>> masked("550-5.1.1 <ann@example.com> is no user here 8f3a99bc-17 - gsmtp")
    '550-5.1.1 <address> is no user here <id> - gsmtp'
    >>> masked("host mx3.mail.example.net[192.0.2.7] said: 421 slow down, see https://postmaster.google.com/?ip=192.0.2.7")
    'host <host>[<ip>] said: 421 slow down, see https://postmaster.google.com/?ip=<ip>'
    """
    return " ".join(map(_masked_word, text[:LONGEST].replace("...", "... ").split()))


def reason(masked_text: str) -> str:
    """
    The masked text as reports group by it: without codes and moments, at most 400 characters.

    >>> reason(masked("550-5.1.1 No such user. 550 5.1.1 Thu, 9 Apr 2026 23:34:45 +0100"))
    'No such user.'
    """
    spoken = _SPOKEN_CODE.sub(" ", masked_text)
    if "<time>" in spoken:
        spoken = _CLOCK.sub("<time> ", spoken)
    return " ".join(spoken.split()).removesuffix("<time>").rstrip()[:LONGEST_REASON]


def words(masked_text: str) -> list[str]:
    """
    The words that rules are matched against; "." stands where a sentence ends or a server begins to speak,
    "xaddress", "xhost", "xip" for what was masked.

    >>> words("550 5.1.1 Couldn't find <address>. Boîte inconnue 不存在")
    ['.', 'could', 'not', 'find', 'xaddress', '.', 'boite', 'inconnue', '不', '存', '在']
    """
    lower = _SENTENCE_END.sub(" \0 ", _SPOKEN_CODE.sub(". ", masked_text)).lower()
    if not lower.isascii():
        folded = unicodedata.normalize("NFKD", lower.replace("’", "'"))
        lower = _CJK.sub(r" \1 ", "".join(char for char in folded if not unicodedata.combining(char)))
    if "<" in lower:
        lower = lower.replace("<address>", " xaddress ").replace("<host>", " xhost ").replace("<ip>", " xip ")
    if "'" in lower:
        lower = lower.replace("can't", "can not").replace("n't", " not")
    if "e-mail" in lower:
        lower = lower.replace("e-mail", "email")
    return _GAPS.sub(" ", lower.replace("cannot", "can not")).replace("\0", ".").split()


@lru_cache(maxsize=16_384)
def _masked_word(word: str) -> str:
    if _PLAIN.fullmatch(word):
        return word
    if found := _URL.search(word):
        return word[: found.start()] + _masked_url(found.group()) + word[found.end():]
    word = _ADDRESS.sub("<address>", word)
    word = _MOMENT.sub("<time>", _IP.sub("<ip>", word))
    word = _HOST.sub(_masked_host, word)
    return _without_ids(word)


def _masked_url(url: str) -> str:
    """A URL keeps its host and its words, since providers put the cause there (…/?p=NoSuchUser); ids, IPs and addresses go."""
    url = _IP.sub("<ip>", _ADDRESS.sub("<address>", url))
    head, slash, path = url.partition("//")
    return head + slash + re.sub(r"(?<=[/?&=#])[^/?&=#<>]*\d[^/?&=#<>]*", "<id>", path)


def _masked_host(found: re.Match[str]) -> str:
    host, tld = found.group(), found.group(1)
    if known := _KNOWN.search(host.lower()):
        return known.group(1)
    # "mailbox.It" is two sentences run together, "RESOLVER.ADR" a diagnostic name: neither is a host.
    real = (len(tld) == 2 or re.fullmatch(_TLDS, tld.lower())) and (tld.islower() or host.isupper())
    return "<host>" if real else host


def _without_ids(word: str) -> str:
    kept, at = [], 0
    for code in _CODE.finditer(word):
        kept += [_ID.sub(_masked_id, word[at:code.start()]), code.group()]
        at = code.end()
    return "".join([*kept, _ID.sub(_masked_id, word[at:])])


def _masked_id(found: re.Match[str]) -> str:
    text = found.group()
    if named := _NAMED.match(text):  # "MCSpamSignature.sa.2.2", "SIZE=1543": what kind of id it is, is worth keeping
        return named.group() + "<id>"
    return "<n>" if text.strip("-+.=/_").isdecimal() else "<id>"
