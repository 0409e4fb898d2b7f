"""
What people are told: a message as JSON for programs, as text and as HTML without scripts for
people. Pure; no address of a recipient is in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, parseaddr
from html import escape
from typing import Any, NamedTuple
from urllib.parse import quote

from cxtools.ledger.outbox import Webhook
from cxtools.ledger.streak import Streak
from cxtools.refresh.notices import Notice
from cxtools.refresh.reports import Channel, MailChannel
from cxtools.text import safe_line
from cxtools.verdicts.brief import brief_text
from cxtools.wording import age

VERDICT = "campaign.verdict"
FAILURE = "report.failed"
#: Characters of an error that a message holds.
ERROR_LENGTH = 300
#: Word -> ink and paper of its badge, readable on both light and dark.
TONES = {
    "PASS": ("#ffffff", "#17705f"),
    "WARN": ("#ffffff", "#8a5300"),
    "FAIL": ("#ffffff", "#a93412"),
}
NEUTRAL = ("#ffffff", "#4a5a6a")
HTML = """\
<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{subject}</title></head>
<body style="font:16px/1.5 system-ui,'Segoe UI',Roboto,Arial,sans-serif;margin:0;padding:16px">
<div style="max-width:40em">
<p style="margin:0 0 12px"><span style="display:inline-block;padding:2px 12px;border-radius:99px;\
font-weight:700;color:{ink};background:{paper}">{word}</span> <b>{title}</b>{change}</p>
{sentences}{action}{pages}
</div></body></html>
"""


class Page(NamedTuple):
    """A page that a message leads to: its heading and its file's name."""

    title: str
    file: str


def verdict_webhook(
    notice: Notice,
    *,
    channel: Channel,
    known: Mapping[str, Any],
    streak: Streak,
    pages: Sequence[Page],
    now: float,
) -> Webhook:
    """The message on a campaign's verdict; *known* is what `verdicts.brief` says of it."""
    data = {
        **known,
        "before": streak.before,
        "since": _iso(streak.since),
        "reminder": notice.reminder,
        "lasts_s": round(now - streak.since),
        "pages": [_page_record(page, channel) for page in pages],
    }
    return _webhook(notice.id, VERDICT, data, now)


def failure_webhook(notice: Notice, report: str, campaign: str, error: str, now: float) -> Webhook:
    """The message that a report can't be made."""
    first_line = error.partition("\n")[0]
    text = safe_line(first_line, ERROR_LENGTH)
    data = {"report": report, "campaign": campaign, "error": text}
    return _webhook(notice.id, FAILURE, data, now)


def _webhook(message_id: str, event: str, data: Mapping[str, Any], now: float) -> Webhook:
    document = {"type": event, "timestamp": _iso(now), "data": data}
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return Webhook(message_id, event, body.encode())


def _page_record(page: Page, channel: Channel) -> dict[str, str]:
    link = f"{channel.link}/{quote(page.file)}" if channel.link else ""
    return {"title": page.title, "file": page.file, "link": link}


def subject_of(message: Mapping[str, Any]) -> str:
    """
    The line that people see first.

    >>> data = {"campaign": "q3", "word": "WARN", "before": "PASS", "reminder": 0, "lasts_s": 5}
    >>> subject_of({"type": "campaign.verdict", "data": data})
    'q3: WARN (was PASS)'
    >>> subject_of({"type": "campaign.verdict", "data": {**data, "reminder": 1, "lasts_s": 864000}})
    'q3: still WARN, for 10 days'
    """
    data = message["data"]
    if message["type"] == FAILURE:
        about = f" of {data['campaign']}" if data["campaign"] else ""
        return f"The report {data['report']}{about} can't be made"
    return f"{data['campaign']}: {_word_text(data)}"


def _word_text(data: Mapping[str, Any]) -> str:
    if data["reminder"]:
        return f"still {data['word']}, for {age(data['lasts_s'])}"
    if data["before"]:
        return f"{data['word']} (was {data['before']})"
    return str(data["word"])


def text_of(message: Mapping[str, Any]) -> str:
    """A message as plain text."""
    data = message["data"]
    if message["type"] == FAILURE:
        return f"{data['error']}\n\n{_next_try()}\n"
    told = brief_text(dict(data)).splitlines()
    lines = [subject_of(message), "", *told[1:], ""]
    lines += [_page_line(page) for page in data["pages"]]
    return "\n".join(lines).rstrip() + "\n"


def _next_try() -> str:
    return "It is tried again by itself, after growing pauses; `cxtools refresh` says how it went."


def _page_line(page: Mapping[str, str]) -> str:
    return f"{page['title']}: {page['link'] or page['file']}"


def html_of(message: Mapping[str, Any]) -> str:
    """A message as HTML: no script, nothing from elsewhere."""
    data = message["data"]
    if message["type"] == FAILURE:
        text = [data["error"], _next_try()]
        return _html(subject_of(message), "NOT MADE", data["campaign"], "", text, "", "")
    change = _word_text(data).removeprefix(data["word"]).strip()
    action = data.get("action") or {}
    return _html(
        subject_of(message),
        data["word"],
        data["campaign"],
        change,
        data["sentences"],
        _action_html(action),
        _pages_html(data["pages"]),
    )


def _html(  # noqa: PLR0917  # the places of one template
    subject: str,
    word: str,
    title: str,
    change: str,
    sentences: Sequence[str],
    action: str,
    pages: str,
) -> str:
    ink, paper = TONES.get(word, NEUTRAL)
    return HTML.format(
        subject=escape(subject),
        ink=ink,
        paper=paper,
        word=escape(word),
        title=escape(title),
        change=f" {escape(change)}" if change else "",
        sentences="".join(f'<p style="margin:0 0 8px">{escape(each)}</p>' for each in sentences),
        action=action,
        pages=pages,
    )


def _action_html(action: Mapping[str, Any]) -> str:
    if not action:
        return ""
    how = f" <code>{escape(action['command'])}</code>" if action["command"] else ""
    who = escape(str(action["who"]))
    what = escape(str(action["what"]))
    return f'<p style="margin:12px 0"><b>To do, {who}:</b> {what}{how}</p>'


def _pages_html(pages: Sequence[Mapping[str, str]]) -> str:
    items = [_page_html(page) for page in pages]
    return f'<p style="margin:12px 0 0">{" · ".join(items)}</p>' if items else ""


def _page_html(page: Mapping[str, str]) -> str:
    title = escape(page["title"])
    if not page["link"]:
        return f"{title} ({escape(page['file'])})"
    return f'<a href="{escape(page["link"])}">{title}</a>'


def mail_of(
    message_id: str,
    message: Mapping[str, Any],
    channel: MailChannel,
    created_at: float,
    attachments: Mapping[str, bytes],
) -> EmailMessage:
    """
    A message as mail; sent again it has the same Message-ID, by which mailboxes know it.

    *attachments* are pages by their names.
    """
    mail = EmailMessage()
    name, address = parseaddr(channel.sender)
    mail["From"] = formataddr((name or "cxtools", address))
    mail["To"] = ", ".join(channel.to)
    mail["Subject"] = subject_of(message)
    mail["Date"] = format_datetime(datetime.fromtimestamp(created_at, UTC))
    mail["Message-ID"] = f"<{message_id}@{address.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text_of(message))
    mail.add_alternative(html_of(message), subtype="html")
    for file, content in attachments.items():
        mail.add_attachment(content, maintype="text", subtype="html", filename=file)
    return mail


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
