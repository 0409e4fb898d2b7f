"""A name server on loopback that answers by a table, over UDP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping, Sequence
from typing import Self

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

#: What a name is mapped to whose question is never answered.
SILENT = None


class NameServer:
    """
    Answers for MX by a table: name -> entries such as "10 mail.example.". A name with no entries
    exists without mail servers; one that isn't in the table doesn't exist. `asked` lists the names
    that were asked for.
    """

    def __init__(self, entries: Mapping[str, Sequence[str] | None]) -> None:
        self.entries = entries
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def address(self) -> str:
        host, port = self._socket.getsockname()
        return f"{host}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        host, port = self._socket.getsockname()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as knock:
            knock.sendto(b"", (host, port))
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            data, sender = self._socket.recvfrom(4096)
            if not data:
                return
            answer = self._answer(dns.message.from_wire(data))
            if answer:
                self._socket.sendto(answer.to_wire(), sender)

    def _answer(self, question: dns.message.Message) -> dns.message.Message | None:
        name = str(question.question[0].name)
        self.asked.append(name.rstrip("."))
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        if self.asked[-1] not in self.entries:
            answer.set_rcode(dns.rcode.NXDOMAIN)
            return answer
        entries = self.entries[self.asked[-1]]
        if entries is SILENT:
            return None
        if entries:
            answer.answer.append(dns.rrset.from_text(name, 300, "IN", "MX", *entries))
        return answer
