"""
Canaries: a secret, a token, a webhook's secret and an address go in, and come out nowhere: not plain, not in base64, not URL-encoded.

Ledger and events hold addresses, since they are about people; they never hold secrets.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from cxtools.api.client import Client
from cxtools.campaigns.audit import export_csv, export_json
from cxtools.campaigns.recipients import Campaign
from cxtools.connection import Connection
from cxtools.errors import CxError
from cxtools.events.imports import import_file
from cxtools.events.store import EventStore
from cxtools.settings import Settings, load_settings
from tests.fault_server import FAULTS, Fault, FaultServer, Reply

SECRET = "c4nary+s3cret/=&%ok"
TOKEN = "c4nary-t0ken.eyJhbGciOiJub25lIn0.abcdef0123456789"
HOOK_SECRET = "whsec_" + base64.b64encode(b"c4nary-webhook-secret-0123456789").decode()
ADDRESS = "c4nary.person@acme-01.example"
CANARIES = {"secret": SECRET, "token": TOKEN, "webhook secret": HOOK_SECRET, "webhook key": "c4nary-webhook-secret-0123456789", "address": ADDRESS}


def in_base64(text: str) -> Iterator[str]:
    """How a text looks within any base64: it may begin at each of three places."""
    for shift in range(3):
        begin, end = -(-shift * 8 // 6), (shift + len(text)) * 8 // 6
        yield base64.b64encode(b"\0" * shift + text.encode()).decode()[begin:end]


def forms(text: str) -> set[str]:
    return {text, quote(text), quote(text, safe=""), quote_plus(text), json.dumps(text)[1:-1], text.encode().hex(), *in_base64(text),
            *in_base64(quote_plus(text)), *(each.translate(str.maketrans("+/", "-_")) for each in in_base64(text))}


FORMS = {name: forms(text) for name, text in CANARIES.items()}


def leaked(text: str | bytes, *allowed: str) -> list[str]:
    """Which canaries are in a text, by name and form."""
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return [f"{name} as {form}" for name, written in FORMS.items() if name not in allowed for form in written if form in plain]


def test_the_canaries_would_be_seen() -> None:
    """The search finds each canary in each form: this test can fail."""
    for name, text in CANARIES.items():
        for dress in (text, quote(text, safe=""), base64.b64encode(f"xy:{text}".encode()).decode(), base64.urlsafe_b64encode(f"{text}:z".encode()).decode()):
            assert name in " ".join(leaked(f"...{dress}...")), (name, dress)


# --- errors, as they are shown and as they are kept ---

def chain(error: BaseException) -> Iterator[BaseException]:
    """An error and all that it drags along."""
    known: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        if (link := waiting.pop()) is not None and link not in known:
            known.append(link)
            waiting += [link.__cause__, link.__context__]
            yield link


def kept(error: BaseException) -> Iterator[str]:
    """What a debugger would show: arguments and attributes of all errors, and the locals of all frames but those of this file."""
    for link in chain(error):
        yield from (repr(link), str(link), repr(link.args), repr(vars(link)))
        for frame, _ in traceback.walk_tb(link.__traceback__):
            if frame.f_code.co_filename != __file__:
                for name, value in list(frame.f_locals.items()):
                    yield f"{frame.f_code.co_qualname}.{name} = {value if type(value) in (str, bytes) else repr(value)}"


def ours(error: BaseException) -> TracebackType | None:
    """The part of a traceback that isn't of this file, whose frames know the canaries."""
    part = error.__traceback__
    while part and part.tb_frame.f_code.co_filename == __file__:
        part = part.tb_next
    return part


def shown(error: BaseException) -> Iterator[str]:
    """Tracebacks: plain, with locals, rich's with locals, IPython's verbose."""
    import rich.console
    import rich.traceback
    from IPython.core.ultratb import VerboseTB

    kind, part = type(error), ours(error)
    yield "".join(traceback.format_exception(error))
    yield "".join(traceback.TracebackException(kind, error, part, capture_locals=True).format())
    out = io.StringIO()
    tale = rich.traceback.Traceback.from_exception(kind, error, part, show_locals=True, locals_max_length=99, locals_max_string=9999)
    rich.console.Console(file=out, width=300).print(tale)
    yield out.getvalue()
    yield str(VerboseTB(theme_name="nocolor").text(kind, error, part))


def leaks_of(error: BaseException, *, rendered: bool = True) -> list[str]:
    texts = [*kept(error), *(shown(error) if rendered else ())]
    return sorted({f"{leak} in {text[:90]!r}" for text in texts for leak in leaked(text)})


def caught(call: Callable[[], Any]) -> CxError | None:
    try:
        call()
    except CxError as error:
        return error
    return None


ECHO = {
    "message": f"no {SECRET} {TOKEN} {ADDRESS}", "encoded": [quote(SECRET, safe=""), base64.b64encode(f"id:{SECRET}".encode()).decode(), quote(TOKEN, safe="")],
    "error": {"code": f"bad {ADDRESS}", "message": f"Bearer {TOKEN}, Basic {base64.b64encode(f'id:{quote_plus(SECRET)}'.encode()).decode()}"},
}
ECHO_HEADERS = {"X-Trace-Id": f"t-{TOKEN}-{ADDRESS}", "icStatusDescription": f"{SECRET} {ADDRESS}", "Retry-After": TOKEN, "Location": f"/x?{TOKEN}&email={quote(ADDRESS)}"}
STEPS: dict[str, Any] = {
    **{name: Fault(name) for name in FAULTS if name not in ("gzip_bomb", "drip_head")},
    **{f"echo {status}": Reply(status, ECHO, ECHO_HEADERS) for status in (200, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503)},
    "echo html": Reply(500, f"<html><title>{SECRET} {TOKEN} {ADDRESS}</title></html>".encode(), {"Content-Type": "text/html"}),
    "odd rows": Reply(200, {"results": [{"emailAddress": ADDRESS, "reason": {"x": ADDRESS}}, ADDRESS, {"eventId": "e1", "recipientEmail": [ADDRESS]}]}),
    "other job": Reply(200, {"jobId": ADDRESS, "status": ADDRESS, "createdAt": ADDRESS}),
}
CALLS: dict[str, tuple[str, Callable[[Client], Any]]] = {
    "sign in": ("POST /v1/oauth2/token", lambda client: client.auth.token(0.3 + client._clock())),
    "check": ("GET /v1/communications/email/suppressions", lambda client: client.fetch_suppression(ADDRESS)),
    "submit": ("POST /v1/communications/email/messages", lambda client: client.submit(ADDRESS.encode(), idempotency_key="k")),
    "poll": ("GET /v1/communications/email/jobs/j1", lambda client: client.fetch_job("j1")),
    "events": ("GET /v1/communications/email/events", lambda client: list(client.fetch_event_pages("j1"))),
}


def settings_for(url: str, **more: Any) -> Settings:
    facts = {"env_url": url, "client_id": "id", "client_secret": SECRET, "crm_webhook_url": f"{url}/hook", "crm_webhook_secret": HOOK_SECRET}
    return load_settings(environ={}, **facts | {"patience_s": 0.3, "call_deadline_s": 0.4, "connect_timeout_s": 0.4} | more)


#: what the network does is the same for every way to sign in; what the server echoes isn't
CASES = [(step, "body") for step in STEPS] + [(step, way) for step in STEPS if "echo" in step for way in ("basic", "token")]


@pytest.mark.parametrize(("step", "way"), CASES)
def test_no_error_and_no_log_of_the_api_shows_a_canary(step: str, way: str, caplog: pytest.LogCaptureFixture) -> None:
    """C01-C03, S02, S05: whatever the server does or echoes, at every endpoint and for every way to sign in."""
    caplog.set_level(logging.DEBUG)
    found: list[str] = []
    with FaultServer() as server:
        for request, call in CALLS.values():
            for other, _ in CALLS.values():
                server.script(other, Reply(200, {"access_token": TOKEN, "expires_in": 3600, "results": []}))
            server.script(request, STEPS[step])
            client = Client(settings_for(server.url, auth=way, token=TOKEN))
            error = caught(lambda: found.extend(leaked(repr(call(client)))))  # noqa: B023 - called at once
            found += leaks_of(error, rendered=way == "body") if error else []
            found += leaked(repr(client) + repr(vars(client)) + repr(client.settings))

    assert [] == found + leaked(caplog.text) + [leak for record in caplog.records for leak in leaked(repr(record.args))]


# --- mistakes of users, and faults during their deeds ---

SPEC = {"name": "q3", "subject": "Q3", "template_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890", "sender": "me@example.com"}


def listed(folder: Path, text: str, **spec: Any) -> Campaign:
    (folder / "people.csv").write_text(text)
    return Campaign.from_csv(folder / "people.csv", **SPEC | spec)


def imported(folder: Path, name: str, text: str, **how: Any) -> Any:
    (folder / name).write_text(text)
    return import_file(folder / name, "c", EventStore(folder / "events"), now=datetime(2026, 9, 14, tzinfo=UTC), **how)


MISTAKES: dict[str, Callable[[Path, FaultServer], Any]] = {
    "ragged row": lambda folder, _: list(listed(folder, f"email,name\n{ADDRESS},A,{ADDRESS}\n").planned()),
    "bad address": lambda folder, _: list(listed(folder, f"email\n{ADDRESS} {ADDRESS}\n").planned()),
    "bad list": lambda folder, _: list(Campaign.from_list([{"email": ADDRESS + "@"}, {"mail": ADDRESS}], **SPEC).planned()),
    "missing field": lambda folder, _: list(listed(folder, f"email\n{ADDRESS}\n", fields=["firstName"]).planned()),
    "open quote": lambda folder, _: list(listed(folder, f'email\n"{ADDRESS}\n{ADDRESS}').planned()),
    "no header": lambda folder, _: listed(folder, f"{ADDRESS}\n{ADDRESS}\n"),
    "wrong spec": lambda folder, _: Campaign.from_list([ADDRESS], **SPEC | {"sender": SECRET, "template_id": TOKEN, "limits": {"daily": SECRET}}),
    "address as template": lambda folder, _: Campaign.from_list([ADDRESS], **SPEC | {"template_id": ADDRESS}),
    "changed list": lambda folder, server: [office(folder, server).desk.ledger.plan("q3", digest="other", spec=SPEC, planned=[], batch_size=1),
                                            office(folder, server).send(Campaign.from_list([ADDRESS], **SPEC))],
    "dry run": lambda folder, server: office(folder, server).dry_run(listed(folder, f"email\n{ADDRESS}\n{ADDRESS} x\n")),
    "unreadable events": lambda folder, _: imported(folder, "a.jsonl", f'{{"email": "{ADDRESS}"}}\n["{ADDRESS}"]\n{ADDRESS}\n', format="ses"),
    "no JSON": lambda folder, _: imported(folder, "b.json", f'{{"{ADDRESS}": "{ADDRESS}"'),
    "unknown map": lambda folder, _: imported(folder, "c.csv", f"a,b\n{ADDRESS},x\n", format="table", column_map={"nope": "email"}),
    "secret in a profile": lambda folder, _: profile(folder, f'[default]\nclient_secret = "{SECRET}"\ntoken = "{TOKEN}"\n'),
    "wrong profile": lambda folder, _: profile(folder, f'[default]\nworkers = "{SECRET}"\nnope = "{TOKEN}"\n'),
    "broken profile": lambda folder, _: profile(folder, f'[default\nclient_secret = "{SECRET}"'),
    "secret in an address": lambda folder, _: load_settings(environ={}, env_url=f"https://u:{quote(SECRET)}@api.example", crm_webhook_url=f"https://x.example/?t={TOKEN}"),
    "secrets of a wrong type": lambda folder, _: load_settings(environ={}, client_secret=[SECRET], token={"t": TOKEN}, crm_webhook_secret=HOOK_SECRET, workers=0),
    "ledger with a password": lambda folder, server: office(folder, server, ledger=f"postgresql+psycopg://cx:{quote(SECRET, safe='')}@127.0.0.1:9/x").ledger,
}


def profile(folder: Path, text: str) -> Settings:
    (folder / "profiles.toml").write_text(text)
    return load_settings(environ={"CXTOOLS_PROFILES": str(folder / "profiles.toml")})


def office(folder: Path, server: FaultServer, **more: Any) -> Connection:
    return Connection(settings_for(server.url, home=folder, **more), quiet=True)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_no_mistake_shows_a_canary(mistake: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """S03: what is wrong with a file, a spec or a setting is said without quoting it."""
    caplog.set_level(logging.DEBUG)
    with FaultServer() as server:
        error = caught(lambda: MISTAKES[mistake](tmp_path, server))

    assert error is not None
    assert [] == leaks_of(error) + leaked(caplog.text)


@pytest.mark.parametrize("step", ["reset", "hang", "cut_body", "echo 403", "echo 404", "echo 500", "echo 429", "odd rows", "other job"])
@pytest.mark.parametrize("at", ["sign in", "check", "submit", "poll", "events"])
def test_no_fault_during_a_campaign_shows_a_canary(at: str, step: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A send that fails at any endpoint, in any of its threads, raises an error and leaves a status and a trail without secrets or addresses."""
    caplog.set_level(logging.DEBUG)
    with FaultServer() as server:
        for request, _ in CALLS.values():
            server.script(request, Reply(200, {"access_token": TOKEN, "expires_in": 3600, "results": [], "jobId": "j1", "status": "completed"}))
        server.script("POST /hook", Reply(500, ECHO, ECHO_HEADERS))
        server.script(CALLS[at][0], STEPS[step])
        client = office(tmp_path, server, job_deadline_s=0.5, token=TOKEN)
        error = caught(lambda: client.send(Campaign.from_list([{"email": ADDRESS, "note": "x"}], **SPEC)))
    trail = "".join(export_json(client.ledger.entries())) + "".join(export_csv(client.ledger.entries()))
    told = str(client.status("q3")) + json.dumps(client.status("q3").to_dict()) + client.status("q3")._repr_html_()
    hooks = repr([tuple(row) for row in client.ledger.webhooks()])

    assert [] == (leaks_of(error) if error else []) + leaked(caplog.text + trail + told + hooks + repr(client.desk))
    assert [] == [leak for file in tmp_path.rglob("*") if file.is_file() for leak in leaked(file.read_bytes(), "address")]
