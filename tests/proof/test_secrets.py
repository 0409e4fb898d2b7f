"""
Canaries: a secret, a token, a webhook's secret and an address go in, and come out nowhere: not
plain, not in base64, not URL-encoded.

Ledger and events hold addresses, since they are about people; they never hold secrets.
"""

from __future__ import annotations

import base64
import inspect
import io
import json
import logging
import os
import re
import stat
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from cxtools.api.client import Client
from cxtools.connection import Connection
from cxtools.errors import CxError
from cxtools.events.importing import import_file
from cxtools.events.store import EventStore
from cxtools.ledger.audit import export_csv, export_json
from cxtools.sending.campaign import Campaign
from cxtools.settings import Settings, load_settings
from tests.conftest import Simulator
from tests.fault_server import FAULTS, Fault, FaultServer, Reply

SECRET = "c4nary+s3cret/=&%ok"
TOKEN = "c4nary-t0ken.eyJhbGciOiJub25lIn0.abcdef0123456789"
HOOK_SECRET = "whsec_" + base64.b64encode(b"c4nary-webhook-secret-0123456789").decode()
ADDRESS = "c4nary.person@acme-01.example"
CANARIES = {
    "secret": SECRET,
    "token": TOKEN,
    "webhook secret": HOOK_SECRET,
    "webhook key": "c4nary-webhook-secret-0123456789",
    "address": ADDRESS,
}


def in_base64(text: str) -> Iterator[str]:
    """How a text looks within any base64: it may begin at each of three places."""
    for shift in range(3):
        begin, end = -(-shift * 8 // 6), (shift + len(text)) * 8 // 6
        yield base64.b64encode(b"\0" * shift + text.encode()).decode()[begin:end]


def forms(text: str) -> set[str]:
    return {
        text,
        quote(text),
        quote(text, safe=""),
        quote_plus(text),
        json.dumps(text)[1:-1],
        text.encode().hex(),
        *in_base64(text),
        *in_base64(quote_plus(text)),
        *(each.translate(str.maketrans("+/", "-_")) for each in in_base64(text)),
    }


FORMS = {name: forms(text) for name, text in CANARIES.items()}


FORMS_BY_NAME = [(name, form) for name, written in FORMS.items() for form in written]


def leaked(text: str | bytes, *allowed: str) -> list[str]:
    """Which canaries are in a text, by name and form."""
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return [
        f"{name} as {form}" for name, form in FORMS_BY_NAME if name not in allowed and form in plain
    ]


def test_the_canaries_would_be_seen() -> None:
    """The search finds each canary in each form: this test can fail."""
    for name, text in CANARIES.items():
        for form in (
            text,
            quote(text, safe=""),
            base64.b64encode(f"xy:{text}".encode()).decode(),
            base64.urlsafe_b64encode(f"{text}:z".encode()).decode(),
        ):
            assert name in " ".join(leaked(f"...{form}...")), (name, form)


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
    """
    What a debugger would show: arguments and attributes of all errors, and the locals of all frames
    but those of this file.
    """
    for link in chain(error):
        yield from (repr(link), str(link), repr(link.args), repr(vars(link)))
        for frame, _ in traceback.walk_tb(link.__traceback__):
            if frame.f_code.co_filename != __file__:
                for name, value in list(frame.f_locals.items()):
                    shown = value if type(value) in (str, bytes) else repr(value)
                    yield f"{frame.f_code.co_qualname}.{name} = {shown}"


def ours(error: BaseException) -> TracebackType | None:
    """The part of a traceback that isn't of this file, whose frames know the canaries."""
    part = error.__traceback__
    while part and part.tb_frame.f_code.co_filename == __file__:
        part = part.tb_next
    return part


def shown(error: BaseException) -> Iterator[str]:
    """As a notebook shows it; tracebacks plain, with locals, rich's with locals, IPython's verbose."""
    import rich.console
    import rich.traceback
    from IPython.core.ultratb import VerboseTB

    kind = type(error)
    part = ours(error)
    if isinstance(error, CxError):
        yield "\n".join(error._render_traceback_())
    yield "".join(traceback.format_exception(error))
    yield "".join(traceback.TracebackException(kind, error, part, capture_locals=True).format())
    out = io.StringIO()
    rendered = rich.traceback.Traceback.from_exception(
        kind, error, part, show_locals=True, locals_max_length=99, locals_max_string=9999
    )
    rich.console.Console(file=out, width=300).print(rendered)
    yield out.getvalue()
    yield str(VerboseTB(theme_name="nocolor").text(kind, error, part))


def leaks_of(error: BaseException, *, rendered: bool = True) -> list[str]:
    texts = list(kept(error))
    if rendered:
        texts += shown(error)
    return sorted({f"{leak} in {text[:90]!r}" for text in texts for leak in leaked(text)})


def caught(call: Callable[[], Any]) -> CxError | None:
    try:
        call()
    except CxError as error:
        return error
    return None


AS_BASIC = base64.b64encode(f"id:{quote_plus(SECRET)}".encode()).decode()
ECHO = {
    "message": f"no {SECRET} {TOKEN} {ADDRESS}",
    "encoded": [
        quote(SECRET, safe=""),
        base64.b64encode(f"id:{SECRET}".encode()).decode(),
        quote(TOKEN, safe=""),
    ],
    "error": {
        "code": f"bad {ADDRESS}",
        "message": f"Bearer {TOKEN}, Basic {AS_BASIC}",
    },
}
ECHO_HEADERS = {
    "X-Trace-Id": f"t-{TOKEN}-{ADDRESS}",
    "icStatusDescription": f"{SECRET} {ADDRESS}",
    "Retry-After": TOKEN,
    "Location": f"/x?{TOKEN}&email={quote(ADDRESS)}",
}
STEPS: dict[str, Any] = {
    **{name: Fault(name) for name in FAULTS if name not in ("gzip_bomb", "drip_head")},
    **{
        f"echo {status}": Reply(status, ECHO, ECHO_HEADERS)
        for status in (200, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503)
    },
    "echo html": Reply(
        500,
        f"<html><title>{SECRET} {TOKEN} {ADDRESS}</title></html>".encode(),
        {"Content-Type": "text/html"},
    ),
    "odd rows": Reply(
        200,
        {
            "results": [
                {"emailAddress": ADDRESS, "reason": {"x": ADDRESS}},
                ADDRESS,
                {"eventId": "e1", "recipientEmail": [ADDRESS]},
            ]
        },
    ),
    "other job": Reply(200, {"jobId": ADDRESS, "status": ADDRESS, "createdAt": ADDRESS}),
}
CALLS: dict[str, tuple[str, Callable[[Client], Any]]] = {
    "sign in": ("POST /v1/oauth2/token", lambda client: client.sign_in()),
    "check": (
        "GET /v1/communications/email/suppressions",
        lambda client: client.fetch_suppression(ADDRESS),
    ),
    "submit": (
        "POST /v1/communications/email/messages",
        lambda client: client.submit(ADDRESS.encode(), idempotency_key="k"),
    ),
    "poll": ("GET /v1/communications/email/jobs/j1", lambda client: client.fetch_job("j1")),
    "events": (
        "GET /v1/communications/email/events",
        lambda client: list(client.fetch_event_pages("j1")),
    ),
}


def settings_for(url: str, **more: Any) -> Settings:
    facts = {
        "env_url": url,
        "client_id": "id",
        "client_secret": SECRET,
        "crm_webhook_url": f"{url}/hook",
        "crm_webhook_secret": HOOK_SECRET,
    }
    return load_settings(
        environ={},
        **facts | {"patience_s": 0.3, "call_deadline_s": 0.4, "connect_timeout_s": 0.4} | more,
    )


#: what the network does is the same for every way to sign in; what the server echoes isn't
CASES = [(step, "body") for step in STEPS] + [
    (step, way) for step in STEPS if "echo" in step for way in ("basic", "token")
]


@pytest.mark.parametrize(("step", "way"), CASES)
def test_no_error_and_no_log_of_the_api_shows_a_canary(
    step: str, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    """
    C01-C03, S02, S05: whatever the server does or echoes, at every endpoint and for every way to
    sign in.
    """
    caplog.set_level(logging.DEBUG)
    leaks: list[str] = []
    with FaultServer() as server:
        for request, call in CALLS.values():
            for other, _ in CALLS.values():
                server.script(
                    other, Reply(200, {"access_token": TOKEN, "expires_in": 3600, "results": []})
                )
            server.script(request, STEPS[step])
            client = Client(settings_for(server.url, auth=way, token=TOKEN))
            error = caught(lambda: leaks.extend(leaked(repr(call(client)))))  # noqa: B023 - called at once
            if error:
                leaks += leaks_of(error, rendered=way == "body")
            leaks += leaked(repr(client) + repr(vars(client)) + repr(client.settings))

    assert [] == leaks + leaked(caplog.text) + [
        leak for record in caplog.records for leak in leaked(repr(record.args))
    ]


# --- mistakes of users, and faults during their campaigns ---

SPEC: dict[str, Any] = {
    "name": "q3",
    "subject": "Q3",
    "template_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    "sender": "me@example.com",
}


def listed(folder: Path, text: str, **spec: Any) -> Campaign:
    (folder / "people.csv").write_text(text)
    return Campaign.from_csv(folder / "people.csv", **SPEC | spec)


def imported(folder: Path, name: str, text: str, **how: Any) -> Any:
    (folder / name).write_text(text)
    return import_file(
        folder / name,
        "c",
        EventStore(folder / "events"),
        now=datetime(2026, 9, 14, tzinfo=UTC),
        **how,
    )


MISTAKES: dict[str, Callable[[Path, FaultServer], Any]] = {
    "ragged row": lambda folder, _: list(
        listed(folder, f"email,name\n{ADDRESS},A,{ADDRESS}\n").plan()
    ),
    "bad address": lambda folder, _: list(listed(folder, f"email\n{ADDRESS} {ADDRESS}\n").plan()),
    "bad list": lambda folder, _: list(
        Campaign.from_list([{"email": ADDRESS + "@"}, {"mail": ADDRESS}], **SPEC).plan()
    ),
    "missing field": lambda folder, _: list(
        listed(folder, f"email\n{ADDRESS}\n", fields=["firstName"]).plan()
    ),
    "open quote": lambda folder, _: list(listed(folder, f'email\n"{ADDRESS}\n{ADDRESS}').plan()),
    "no header": lambda folder, _: listed(folder, f"{ADDRESS}\n{ADDRESS}\n"),
    "wrong spec": lambda folder, _: Campaign.from_list(
        [ADDRESS], **SPEC | {"sender": SECRET, "template_id": TOKEN, "limits": {"daily": SECRET}}
    ),
    "address as template": lambda folder, _: Campaign.from_list(
        [ADDRESS], **SPEC | {"template_id": ADDRESS}
    ),
    "changed list": lambda folder, server: changed_list(connection(folder, server)),
    "dry run": lambda folder, server: connection(folder, server).dry_run(
        listed(folder, f"email\n{ADDRESS}\n{ADDRESS} x\n")
    ),
    "unreadable events": lambda folder, _: imported(
        folder, "a.jsonl", f'{{"email": "{ADDRESS}"}}\n["{ADDRESS}"]\n{ADDRESS}\n', format="ses"
    ),
    "no JSON": lambda folder, _: imported(folder, "b.json", f'{{"{ADDRESS}": "{ADDRESS}"'),
    "unknown map": lambda folder, _: imported(
        folder, "c.csv", f"a,b\n{ADDRESS},x\n", format="table", column_map={"nope": "email"}
    ),
    "secret in a profile": lambda folder, _: profile(
        folder, f'[default]\nclient_secret = "{SECRET}"\ntoken = "{TOKEN}"\n'
    ),
    "wrong profile": lambda folder, _: profile(
        folder, f'[default]\nworkers = "{SECRET}"\nnope = "{TOKEN}"\n'
    ),
    "broken profile": lambda folder, _: profile(folder, f'[default\nclient_secret = "{SECRET}"'),
    "secret in an address": lambda folder, _: load_settings(
        environ={},
        env_url=f"https://u:{quote(SECRET)}@api.example",
        crm_webhook_url=f"https://x.example/?t={TOKEN}",
    ),
    "secrets of a wrong type": lambda folder, _: load_settings(
        environ={},
        client_secret=[SECRET],
        token={"t": TOKEN},
        crm_webhook_secret=HOOK_SECRET,
        workers=0,
    ),
    "ledger with a password": lambda folder, server: (
        connection(
            folder, server, ledger=f"postgresql+psycopg://cx:{quote(SECRET, safe='')}@127.0.0.1:9/x"
        ).ledger
    ),
}


def changed_list(client: Connection) -> None:
    """The campaign was planned with other content."""
    client.ledger.plans.write("q3", digest="other", spec=SPEC, planned=[], batch_size=1)
    client.send(Campaign.from_list([ADDRESS], **SPEC))


def profile(folder: Path, text: str) -> Settings:
    (folder / "profiles.toml").write_text(text)
    return load_settings(environ={"CXTOOLS_PROFILES": str(folder / "profiles.toml")})


def connection(folder: Path, server: FaultServer, **more: Any) -> Connection:
    return Connection(settings_for(server.url, home=folder, **more), quiet=True)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_no_mistake_shows_a_canary(
    mistake: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """S03: what is wrong with a file, a spec or a setting is said without quoting it."""
    caplog.set_level(logging.DEBUG)
    with FaultServer() as server:
        error = caught(lambda: MISTAKES[mistake](tmp_path, server))

    assert error is not None
    assert [] == leaks_of(error) + leaked(caplog.text)


def test_every_call_of_a_connection_goes_without_locals() -> None:
    """
    What asks the ledger or the settings alone holds no address; every other method lets its errors
    go without the locals of their frames.
    """
    plain = {
        name
        for name, method in vars(Connection).items()
        if inspect.isfunction(method) and not hasattr(method, "__wrapped__")
    }

    words = {"__init__", "__repr__", "__dir__", "_open_home", "needs_all"}
    assert words | {"unfinished", "status", "unsettled", "_how_far"} == plain


@pytest.mark.parametrize(
    "step",
    [
        "reset",
        "hang",
        "cut_body",
        "echo 403",
        "echo 404",
        "echo 500",
        "echo 429",
        "odd rows",
        "other job",
    ],
)
@pytest.mark.parametrize("at", ["sign in", "check", "submit", "poll", "events"])
def test_no_fault_during_a_campaign_shows_a_canary(
    at: str, step: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A send that fails at any endpoint, in any of its threads, raises an error and leaves a status
    and a trail without secrets or addresses.
    """
    caplog.set_level(logging.DEBUG)
    with FaultServer() as server:
        for request, _ in CALLS.values():
            server.script(
                request,
                Reply(
                    200,
                    {
                        "access_token": TOKEN,
                        "expires_in": 3600,
                        "results": [],
                        "jobId": "j1",
                        "status": "completed",
                    },
                ),
            )
        server.script("POST /hook", Reply(500, ECHO, ECHO_HEADERS))
        server.script(CALLS[at][0], STEPS[step])
        client = connection(tmp_path, server, job_deadline_s=0.5, token=TOKEN)
        error = caught(
            lambda: client.send(Campaign.from_list([{"email": ADDRESS, "note": "x"}], **SPEC))
        )
    trail = "".join(export_json(client.ledger.audit_log.entries())) + "".join(
        export_csv(client.ledger.audit_log.entries())
    )
    status = (
        str(client.status("q3"))
        + json.dumps(client.status("q3").to_dict())
        + client.status("q3")._repr_html_()
    )
    hooks = repr([astuple(row) for row in client.ledger.outbox.webhooks()])

    assert [] == (leaks_of(error, rendered=False) if error else []) + leaked(
        caplog.text + trail + status + hooks + repr(client.context)
    )
    assert [] == [
        leak
        for file in tmp_path.rglob("*")
        if file.is_file()
        for leak in leaked(file.read_bytes(), "address")
    ]


# --- everything the command line leaves behind ---

NOISY = """
import json, logging, sys, traceback
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
def note(event, arguments):
    if event == "subprocess.Popen":
        print("argv", json.dumps([str(word) for word in arguments[1]]), file=sys.stderr)
sys.addaudithook(note)
from cxtools.cli import main
codes = []
for line in sys.argv[1:]:
    try:
        main(line.split())
    except SystemExit as end:
        codes.append(end.code or 0)
    except Exception:
        traceback.print_exc()
        codes.append(1)
print("codes", codes, file=sys.stderr)
"""
TOML = "".join(f"{name} = {json.dumps(text)}\n" for name, text in SPEC.items())
#: what the simulator's tokens look like; it makes them itself
SIM_TOKEN = re.compile(rb"sim\.[0-9a-f]{20}")


class Run:
    """
    The command line with all loggers at DEBUG and every child's argv noted; keeps all its output.
    """

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        self.output = ""
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "CXTOOLS_HOME": str(folder / "home"),
            **environ,
        }

    def __call__(self, *lines: str, **environ: str) -> tuple[list[int], str]:
        """Exit codes and output of some commands, one after the other in one process."""
        done = subprocess.run(
            [sys.executable, "-c", NOISY, *lines],
            cwd=self.folder,
            env=self.environ | environ,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        self.output += done.stdout + done.stderr
        return json.loads(done.stderr.rpartition("codes ")[2]), done.stdout


@pytest.fixture
def run(simulator: Simulator, tmp_path: Path) -> Run:
    """
    A folder with a campaign of forty, the canary among them; the simulator knows the canary
    secrets.
    """
    simulator.reset(client_secret=SECRET, crm_secret=HOOK_SECRET)
    (tmp_path / "spec.toml").write_text(TOML)
    (tmp_path / "people.csv").write_text(
        "email\n"
        + "".join(f"p{number}@acme-01.example\n" for number in range(39))
        + f"{ADDRESS}\n{ADDRESS} x\n"
    )
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "profiles.toml").write_text(
        "[default]\npatience_s = 3\nevent_horizon_s = 0\n"
    )
    return Run(
        tmp_path,
        CXONE_ENV_URL=simulator.url,
        CXONE_CLIENT_ID="simulator",
        CXONE_CLIENT_SECRET=SECRET,
        CRM_WEBHOOK_URL=f"{simulator.url}/_sim/crm",
        CRM_WEBHOOK_SECRET=HOOK_SECRET,
    )


def test_nothing_that_a_campaign_leaves_behind_shows_a_canary(
    run: Run, simulator: Simulator
) -> None:
    """
    C01-C03, S01: logs, tracebacks, argv, results, notebook, page, exports and files of a send with
    faults; only ledger and events know addresses.
    """
    send = "send spec.toml --recipients people.csv --debug"
    codes = [*run(send, f"{send} --skip-invalid", CXONE_CLIENT_SECRET=SECRET + "x")[0]]
    simulator.arm("server_error_500_html", count=None, endpoint="suppressions")
    codes += run(f"{send} --skip-invalid")[0]
    simulator.arm(None)
    simulator.arm("crm_503")
    codes += run(f"{send} --skip-invalid --json", "report run_campaign -p campaign=q3 --out out")[0]
    run(
        "status",
        "collect",
        "outbox list",
        "outbox replay --since 2000-01-01",
        "outbox deliver",
        "audit verify",
        "doctor",
        "funnel --csv",
        "bounces --json",
        "links --csv",
        "reasons --csv",
        "jobs --csv",
        "timing --csv",
        "retry q3 --dry-run",
        "reconcile nope --abandon",
        "report nope -p x=y",
    )
    _, exports = run("audit export --csv", "audit export --json")
    page = (run.folder / "out" / "run_campaign-q3.html").read_text().partition('id="bundle"')[0]
    kept = {
        str(file.relative_to(run.folder)): file.read_bytes()
        for file in run.folder.rglob("*")
        if file.is_file()
    }

    assert [2, 3, 3, 0, 0] == codes
    assert [] == leaked(run.output) + leaked(exports) + leaked(page) + leaked(
        (run.folder / "out" / "run_campaign-q3.ipynb").read_bytes()
    )
    assert [] == [
        (name, leak) for name, content in kept.items() for leak in leaked(content, "address")
    ]
    assert [] == [
        name
        for name, content in (kept | {"output": run.output.encode()}).items()
        if SIM_TOKEN.search(content)
    ]
    assert set() == {
        name
        for name in kept
        if leaked(kept[name])
        and not name.startswith(("people.csv", "home/ledger.sqlite", "home/events/"))
    }
    assert re.search(r"row [0-9]+, hash [0-9a-f]{16}", page)
    assert '"POST /v1/oauth2/token' in run.output
    assert "argv" in run.output
    assert verified(simulator)


def verified(simulator: Simulator) -> bool:
    """The receiver, which checks every signature, took the webhook."""
    return len(simulator.received()) > 0


def test_what_knows_addresses_is_for_its_owner_only(run: Run) -> None:
    """S15: ledger, events, key and anchors are 0600, whatever the umask."""
    send = "cxtools.cli send spec.toml --recipients people.csv --skip-invalid"
    subprocess.run(
        ["bash", "-c", f"umask 000; {sys.executable} -m {send}"],
        cwd=run.folder,
        env=run.environ,
        check=True,
        capture_output=True,
    )
    files = [
        file
        for file in (run.folder / "home").rglob("*")
        if file.is_file() and file.name != "profiles.toml"
    ]

    assert {"ledger.sqlite", "audit-anchors.txt"} <= {file.name for file in files}
    assert [] == [file.name for file in files if stat.S_IMODE(file.stat().st_mode) & 0o077]
