"""A real mail server on this machine, which keeps what it is sent."""

from __future__ import annotations

import email
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


class Mailbox:
    """What the server got: mails as they came, and what it answers instead of taking one."""

    def __init__(self) -> None:
        self.port = free_port()
        self.mails: list[EmailMessage] = []
        self.answers: list[str] = []
        self.password = b"s3cret"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take a mail, unless an answer waits that refuses it."""
        if self.answers:
            return self.answers.pop(0)
        mail = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 taken"

    def authenticate(self, *facts: Any) -> AuthResult:
        """Whether user and password are right."""
        given = facts[-1]
        assert isinstance(given, LoginPassword)
        return AuthResult(success=given.password == self.password, handled=False)

    @property
    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.mails]

    @property
    def ids(self) -> list[str]:
        return [str(mail["Message-ID"]) for mail in self.mails]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def open_mailbox(tls: ssl.SSLContext | None = None) -> Iterator[Mailbox]:
    """A server for a `with` block; with *tls* it wants STARTTLS and a password."""
    mailbox = Mailbox()
    options: dict[str, Any] = {}
    if tls:
        options = {
            "tls_context": tls,
            "require_starttls": True,
            "auth_required": True,
            "authenticator": mailbox.authenticate,
        }
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port, **options)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()
