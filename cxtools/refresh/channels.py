"""
Messages are brought from the outbox to the channels of `reports.toml`: mail, webhooks, chats.

At least once: a message is marked when its receiver has taken it, so a kill between the two lets it
be sent again, with the same id (`Message-ID` of a mail, `webhook-id` of a webhook), by which
mailboxes and programs know that they have it. Chats behind apprise don't; they may show it twice.
"""

from __future__ import annotations

import json
import logging
import random
import smtplib
import ssl
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cxtools.connection import Connection
from cxtools.errors import ConfigError
from cxtools.ledger.outbox import DueWebhook
from cxtools.refresh.messages import mail_of, subject_of, text_of
from cxtools.refresh.reports import (
    AnyChannel,
    AppriseChannel,
    MailChannel,
    Reports,
    WebhookChannel,
)
from cxtools.settings import Secret
from cxtools.settings.sources import channel_secret, channel_variable
from cxtools.text import safe_line
from cxtools.webhooks.deliver import Attempt, post, record_attempt

#: Seconds that a mail server may take for each of its answers.
MAIL_TIMEOUT_S = 20.0
#: Longer than one try, so that nobody else takes a message that is under way.
LEASE_S = 120.0
#: Characters of what a server said that are kept.
ANSWER_LENGTH = 200
#: The secret that a kind of channel needs; a mail server only where it has a user.
SECRETS = {"mail": "password", "webhook": "secret", "apprise": "url"}

#: Name of a page -> where it lies.
Find = Callable[[str], Path | None]


class Channels:
    """The channels of one `reports.toml`, with their secrets."""

    def __init__(self, client: Connection, reports: Reports, environ: Mapping[str, str]) -> None:
        """
        Raises:
            ConfigError: a channel's secret is missing, or apprise isn't installed; all are named.
        """
        self._client = client
        self._channels = reports.channels
        keyring = client.settings.keyring
        self._secrets = {
            name: Secret(channel_secret(name, SECRETS[channel.kind], environ, keyring=keyring))
            for name, channel in reports.channels.items()
        }
        missing = [
            channel_variable(name, SECRETS[channel.kind])
            for name, channel in reports.channels.items()
            if _needs_secret(channel) and not self._secrets[name]
        ]
        if missing:
            raise ConfigError(
                f"not set: {', '.join(missing)}",
                where="the channels of reports.toml",
                do="set the environment variables, or put them into the secrets folder or the "
                "keyring",
            )
        if any(channel.kind == "apprise" for channel in reports.channels.values()):
            _import_apprise()

    def deliver(self, find: Find, *, rng: random.Random, now: Callable[[], float]) -> Counter[str]:
        """
        Try each message that is due once, and return how many are delivered, pending, dead or
        parked; *find* says where a page lies that is to be attached.
        """
        states: Counter[str] = Counter()
        outbox = self._client.ledger.outbox
        due_by = now()
        for name, channel in self._channels.items():
            while True:
                due = outbox.take_due(lease_s=LEASE_S, limit=1, due_by=due_by, channel=name)
                for message in due:
                    attempt = self._send(name, channel, message, find, now)
                    states[record_attempt(outbox, message, attempt, now=now, rng=rng)] += 1
                if not due:
                    break
        return states

    def _send(
        self,
        name: str,
        channel: AnyChannel,
        message: DueWebhook,
        find: Find,
        now: Callable[[], float],
    ) -> Attempt:
        secret = self._secrets[name]
        match channel:
            case MailChannel():
                return send_mail(channel, secret, message, find)
            case WebhookChannel():
                return post(self._client.settings, channel.url, secret, message, now=now)
            case AppriseChannel():
                return send_chat(secret, message)


def _needs_secret(channel: AnyChannel) -> bool:
    return not isinstance(channel, MailChannel) or bool(channel.user)


def send_mail(channel: MailChannel, secret: Secret, message: DueWebhook, find: Find) -> Attempt:
    """Send one mail, once; what the server refused is said without addresses."""
    content = json.loads(message.body)
    attachments = _attachments(content, find) if channel.page == "attached" else {}
    mail = mail_of(message.id, content, channel, message.created_at, attachments)
    try:
        with _mail_server(channel) as server:
            if channel.user:
                server.login(channel.user, secret.reveal())
            refused = server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        [(code, answer), *_] = error.recipients.values()
        return Attempt(f"every recipient was refused: {code} {_said(answer)}")
    except smtplib.SMTPResponseException as error:
        return Attempt(f"the mail server refused: {error.smtp_code} {_said(error.smtp_error)}")
    except (smtplib.SMTPException, OSError) as error:
        return Attempt(safe_line(f"{type(error).__name__}: {error}", ANSWER_LENGTH))
    if refused:
        # the others have it: sent again, they would have it twice
        logging.getLogger(__name__).warning(
            "%d of %d recipients of a mail were refused", len(refused), len(channel.to)
        )
    return Attempt("")


def _said(answer: bytes | str) -> str:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    return safe_line(text, ANSWER_LENGTH)


@contextmanager
def _mail_server(channel: MailChannel) -> Iterator[smtplib.SMTP]:
    """A connection as safe as the channel says."""
    place = (channel.server, channel.port_number)
    tls = ssl.create_default_context()
    if channel.security == "tls":
        with smtplib.SMTP_SSL(*place, timeout=MAIL_TIMEOUT_S, context=tls) as server:
            yield server
        return
    with smtplib.SMTP(*place, timeout=MAIL_TIMEOUT_S) as server:
        if channel.security == "starttls":
            server.starttls(context=tls)
        yield server


def _attachments(content: Mapping[str, Any], find: Find) -> dict[str, bytes]:
    """The pages that a message names, as far as they are there."""
    found: dict[str, bytes] = {}
    for page in content["data"].get("pages", []):
        file = find(page["file"])
        if file is not None:
            found[page["file"]] = file.read_bytes()
    return found


def send_chat(secret: Secret, message: DueWebhook) -> Attempt:
    """Hand a message to each of the secret's URLs, once; apprise says no more than yes or no."""
    apprise = _import_apprise()
    content = json.loads(message.body)
    # it logs addresses of services, which hold their tokens
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    chats = apprise.Apprise()
    if not all(chats.add(url) for url in secret.reveal().split()):
        return Attempt("a URL that apprise doesn't know")
    is_sent = chats.notify(title=subject_of(content), body=text_of(content))
    return Attempt("" if is_sent else "the service didn't take it")


def _import_apprise() -> Any:
    try:
        import apprise
    except ImportError:
        raise ConfigError(
            "a channel of the kind apprise needs the library apprise",
            where="reports.toml",
            do="pip install 'cxtools[notify]'",
        ) from None
    return apprise
