"""The command line as scripts use it: forms, exit codes, one clear message, no traceback."""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cxtools.cli import main
from cxtools.cli.exits import MEANINGS
from cxtools.cli.program import app, command_tree
from cxtools.cli.session import global_options_first
from cxtools.measures.catalogue import QUESTIONS
from tests.conftest import Simulator

SPEC = """\
name = "q3"
subject = "Q3 Product Update"
template_id = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
sender = "marketing@example.com"
"""
PEOPLE = "email,tags,firstName\n" + "".join(
    f"p{number}@acme-01.example,vip;eu,P{number}\n" for number in range(30)
)


class Shell:
    """Runs `cxtools` in a folder of its own, with an environment of its own."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "CXTOOLS_HOME": str(folder / "home"),
            **environ,
        }
        (folder / "spec.toml").write_text(SPEC)
        (folder / "people.csv").write_text(PEOPLE)

    def __call__(
        self, *arguments: str, stdin: str = "", limit_bytes: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        def limited() -> None:
            if limit_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

        return subprocess.run(
            [sys.executable, "-m", "cxtools.cli", *arguments],
            check=False,
            cwd=self.folder,
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            preexec_fn=limited,
        )


@pytest.fixture
def shell(simulator: Simulator, tmp_path: Path) -> Shell:
    return Shell(
        tmp_path,
        CXONE_ENV_URL=simulator.url,
        CXONE_CLIENT_ID="simulator",
        CXONE_CLIENT_SECRET="simulator",
    )


def send(shell: Shell, *more: str) -> subprocess.CompletedProcess[str]:
    return shell("send", "spec.toml", "--recipients", "people.csv", *more)


def test_A04_the_command_really_sends(shell: Shell, simulator: Simulator) -> None:
    """
    A01-A04: the tool loads, runs and does its work: requests are made, and the result is one JSON
    document on stdout.
    """
    done = send(shell, "--json")
    document = json.loads(done.stdout)

    assert (0, "completed", 30) == (
        done.returncode,
        document["state"],
        document["recipients"]["submitted"],
    )
    assert {"campaign", "state", "recipients", "batches", "events", "webhooks"} <= set(document)
    assert 1 == len(simulator.truth()["jobs"])


def test_a_home_that_is_not_there_is_said(tmp_path: Path) -> None:
    """
    A mistyped CXTOOLS_HOME: said whenever somebody looks, and when it is made; not with --quiet.
    """
    shell = Shell(tmp_path)
    line = ["suppressions", "list"]
    looked = shell(*line).stderr
    is_made = (tmp_path / "home").exists()
    added = shell("suppressions", "add", "ann@example.com", "--reason", "asked").stderr
    again = shell(*line).stderr
    shell.environ["CXTOOLS_HOME"] = str(tmp_path / "hoem")
    quiet = shell("--quiet", *line).stderr

    new = f"CXTOOLS_HOME={tmp_path / 'home'} doesn't exist yet; what is kept makes it\n"
    assert [True, True, False] == [new in text for text in (looked, added, again)]
    assert (False, "") == (is_made, quiet)


def test_small_files_of_events_are_merged(tmp_path: Path) -> None:
    """One campaign or all; what nobody stored events of is answered with those that there are."""
    shell = Shell(tmp_path)
    for campaign in ("a", "b"):
        for name in ("ann", "bob"):
            row = {
                "eventType": "delivery",
                "messageId": name,
                "emailAddress": f"{name}@example.com",
            }
            (tmp_path / "feed.json").write_text(json.dumps(row))
            shell("import", "feed.json", "--campaign", campaign)
    one = shell("compact", "a")
    every = shell("compact", "--json")
    unknown = shell("compact", "c")

    assert (0, "a: 2 files were merged; files before: 2, now: 1\n") == (one.returncode, one.stdout)
    assert [("a", 1, 0, 1), ("b", 2, 2, 1)] == [
        tuple(row.values()) for row in json.loads(every.stdout)
    ]
    assert (6, True) == (unknown.returncode, "choose one of: a, b" in unknown.stderr)
    assert "a: nothing to merge, files: 1\n" == shell("compact", "a").stdout


def test_the_doctor_tells_of_a_home_that_can_be_no_folder(tmp_path: Path) -> None:
    """
    Each check has its line, also where the system itself refuses; the exit code is that of the
    first that failed.
    """
    done = Shell(tmp_path, CXTOOLS_HOME="/dev/null/x")("doctor", "--json")
    says = {finding["check"]: finding["says"] for finding in json.loads(done.stdout)}

    assert 2 == done.returncode, done.stderr
    assert "see that CXTOOLS_HOME is a folder" in says["space"]
    beside = {"policy", "schedules", "channels", "clock"}
    checks = {"settings", "http", "api", "ledger", "store", "space", "reports"}
    assert checks | beside == set(says)


@pytest.mark.parametrize(
    "line",
    [
        ["doctor"],
        ["send", "spec.toml", "--recipients", "people.csv"],
        ["import", "feed.csv", "--campaign", "c", "--map", "to=email", "--map", "what=kind"],
        ["resume"],
        ["audit", "verify"],
        ["funnel"],
        ["report", "bounce_report", "-p", "campaign=c"],
    ],
    ids=" ".join,
)
def test_whatever_makes_the_home_makes_it_private(shell: Shell, line: list[str]) -> None:
    """
    The home, what is above it and all that is in it: no other user can enter or read it, whichever
    command comes first.
    """
    above = shell.folder / "above"
    shell.environ["CXTOOLS_HOME"] = str(above / "home")
    (shell.folder / "feed.csv").write_text("to,what\na@x.example,delivery\n")
    before = os.umask(0o022)
    try:
        shell(*line)
    finally:
        os.umask(before)

    assert [] == [path for path in (above, *above.rglob("*")) if path.exists() and is_open(path)]


def is_open(path: Path) -> bool:
    """Whether the group or others have any right."""
    return bool(path.stat().st_mode & 0o077)


def test_the_doctor_fails_where_a_scope_is_missing(shell: Shell, simulator: Simulator) -> None:
    """The send would be refused: said before, with what to ask for."""
    simulator.reset(scopes="communications:email:read communications:email:analytics")
    done = shell("doctor")

    assert 3 == done.returncode
    assert "FAIL  api: the client lacks communications:email:send" in done.stdout


@pytest.mark.parametrize(
    "wrong", [{"CXONE_CLIENT_ID": "typo"}, {"CXONE_ENV_URL": "http://127.0.0.1:9"}]
)
def test_a_mistyped_account_does_not_lock_the_name(shell: Shell, wrong: dict[str, str]) -> None:
    """Nothing was sent by the wrong one, so the correction simply works."""
    right = dict(shell.environ)
    shell.environ |= wrong
    (shell.folder / "home").mkdir()
    (shell.folder / "home" / "profiles.toml").write_text("[quick]\npatience_s = 2\n")
    first = send(shell, "--profile", "quick")
    shell.environ = right

    assert (3, 0) == (first.returncode, send(shell).returncode), first.stderr


def test_a_failed_job_is_explained(shell: Shell, simulator: Simulator) -> None:
    """Which batch, why, and what to make of it; the code is not 0."""
    simulator.arm("job_fails")
    done = send(shell)

    assert 5 == done.returncode
    assert (
        "(30 recipients): the job ended as failed; some recipients may have been mailed"
        in done.stdout
    )


@pytest.mark.parametrize(
    ("fault", "expected"),
    [("job_fails", 5), ("post_reset_before_accept", 8)],
)
def test_a_report_ends_by_what_became_of_its_campaign(
    fault: str, expected: int, shell: Shell, simulator: Simulator
) -> None:
    """The page is written all the same; a schedule sees that jobs failed or outcomes are unknown."""
    simulator.arm(fault)
    sent = send(shell)
    ran = shell("report", "run_campaign", "q3", "--out", "pages")

    assert (expected, expected) == (sent.returncode, ran.returncode), ran.stderr
    assert (shell.folder / ran.stdout.strip()).exists()


def test_the_log_is_json_lines_without_addresses(shell: Shell) -> None:
    """What is said on stderr, an error among it, a document a line; the addresses in it are masked."""
    people = shell.folder / "people.csv"
    people.write_text("email\nann@acme-01.example\nann@acme-01.example\nbob@acme-01\n")
    said = [
        *send(shell, "--log-json", "--skip-invalid").stderr.splitlines(),
        *shell("status", "ann@acme-01.example", "--log-json").stderr.splitlines(),
    ]
    lines = [json.loads(line) for line in said]

    assert {"info", "error"} <= {line["level"] for line in lines}
    assert not [line for line in said if "ann@" in line]


def test_a_daily_limit_is_told_before_and_after(shell: Shell) -> None:
    """The dry run says how many wait, the status how to go on."""
    (shell.folder / "spec.toml").write_text(SPEC + "[limits]\ndaily = 20\n")
    plan, done = send(shell, "--dry-run"), send(shell)

    assert "10 of them not today, by the daily limit" in plan.stdout
    assert "next        `cxtools resume q3`" in done.stdout


def test_status_collect_and_measures_answer_in_json(shell: Shell) -> None:
    """
    The forms of the command line's contract, each one JSON document with the documented names.
    """
    send(shell)
    documents = {
        name: json.loads(shell(*name.split(), "--json").stdout)
        for name in ("status q3", "collect q3", "funnel", "bounces", "links", "timing")
    }

    assert "q3" == documents["status q3"]["campaign"]
    assert {
        "attempted",
        "delivered",
        "late_bounced",
        "bounced",
        "opened",
        "opened_strict",
        "clicked",
        "clicks_without_open",
        "open_rate",
        "open_rate_low",
        "open_rate_high",
        "click_to_open_rate",
    } <= set(documents["funnel"][0])
    assert {"campaign", "category", "kind", "recipients", "share"} <= set(documents["bounces"][0])
    assert documents["collect q3"]["duplicates"] > 0


def import_bounces(shell: Shell, hard: int, delivered: int) -> None:
    """A campaign "feed" with so many hard bounces and so many deliveries."""
    rows = ["email,event,timestamp,code"]
    rows += [f"b{n}@x.example,bounce,2026-09-14T09:00:00Z,5.1.1" for n in range(hard)]
    rows += [f"d{n}@x.example,delivery,2026-09-14T09:00:00Z," for n in range(delivered)]
    (shell.folder / "feed.csv").write_text("\n".join(rows))
    columns = {"email": "email", "event": "kind", "timestamp": "ts", "code": "bounce_code"}
    maps = [word for pair in columns.items() for word in ("--map", "=".join(pair))]
    done = shell("import", "feed.csv", "--campaign", "feed", "--format", "table", *maps)
    assert 0 == done.returncode, done.stderr


@pytest.mark.parametrize(
    ("hard", "options", "exit_code"),
    [
        (30, (), 0),
        (30, ("--fail-on", "FAIL"), 9),
        (30, ("--fail-on", "WARN"), 9),
        (5, ("--fail-on", "FAIL"), 0),
        (5, ("--fail-on", "WARN"), 9),
        (0, ("--fail-on", "WARN"), 0),
    ],
)
def test_a_verdict_can_fail_a_schedule(
    shell: Shell, hard: int, options: tuple[str, ...], exit_code: int
) -> None:
    """Exit code 9 where the word is as bad as --fail-on says, or worse; the verdict is printed."""
    import_bounces(shell, hard, 200)
    done = shell("verdict", "feed", *options)

    assert (exit_code, "") == (done.returncode, done.stderr)
    assert done.stdout.split()[0] in ("FAIL", "WARN", "TOO", "PASS")


def test_a_verdict_answers_in_json(shell: Shell) -> None:
    """Word, sentences and every limit with its count, as the command line's contract says."""
    import_bounces(shell, 30, 200)
    moment = "2026-09-15T00:00:00Z"
    document = json.loads(shell("verdict", "feed", "--json", "--as-of", moment).stdout)
    hard = {
        "name": "Hard bounces",
        "word": "FAIL",
        "count": 30,
        "of": 230,
        "target": 0.02,
        "limit": 0.05,
    }

    assert ("feed", "FAIL", "2026-09-15T00:00:00+00:00") == (
        document["campaign"],
        document["word"],
        document["as_of"],
    )
    assert hard == document["checks"][0]
    assert "stop sending until the list is cleaned" in document["sentences"][0]
    assert "not measured" == document["checks"][-1]["word"]


def test_a_verdict_on_nothing_is_an_error(shell: Shell) -> None:
    """A slip in the name or in --about is one sentence, with what there is to choose from."""
    assert (6, 2) == (
        shell("verdict", "nope").returncode,
        shell("verdict", "nope", "--about", "sales").returncode,
    )


def test_dry_run_sends_and_writes_nothing(shell: Shell, simulator: Simulator) -> None:
    """The plan is shown; no request is made, no ledger appears."""
    done = send(shell, "--dry-run", "--json")

    plan = json.loads(done.stdout)
    assert (0, 30, [30]) == (
        done.returncode,
        plan["recipients"]["planned"],
        [batch["recipients"] for batch in plan["batches"]],
    )
    assert 0 == simulator.truth()["requests_total"]
    assert not (shell.folder / "home" / "ledger.sqlite").exists()


@pytest.mark.parametrize("line", ["status", "campaigns"])
def test_to_ask_where_everything_stands_makes_no_ledger(shell: Shell, line: str) -> None:
    """An empty home stays empty: the next one to look doesn't find a ledger that nobody needed."""
    (shell.folder / "home").mkdir()
    done = shell(line)

    assert (0, []) == (done.returncode, list((shell.folder / "home").iterdir()))


def test_status_says_that_a_home_is_not_there(shell: Shell) -> None:
    """It is most often a slip, and isn't made by looking."""
    done = shell("status")

    assert f"{shell.folder / 'home'} doesn't exist" in done.stderr
    assert not (shell.folder / "home").exists()


def test_dry_run_of_a_sent_campaign_mails_nobody(shell: Shell) -> None:
    """Who was mailed isn't counted again."""
    send(shell)
    text, document = send(shell, "--dry-run"), send(shell, "--dry-run", "--json")

    assert (
        "was planned before; would mail the 0 of 30 people who still wait"
        in text.stdout + text.stderr
    )
    assert 0 == json.loads(document.stdout)["recipients"]["waiting"]


def test_dry_run_of_a_waiting_campaign_tells_the_days_limit(shell: Shell) -> None:
    """Who waits for the limit of another day is counted among those who wait, not among all."""
    (shell.folder / "spec.toml").write_text(SPEC + "[limits]\ndaily = 20\n")
    send(shell)
    plan = send(shell, "--dry-run")

    assert (
        "would mail the 10 of 30 people who still wait; 10 of them not today, by the daily limit"
        in plan.stdout + plan.stderr
    )


def test_classify_answers_line_by_line(shell: Shell) -> None:
    """One verdict per line, in order; a bad line gets an error object."""
    done = shell(
        "classify",
        stdin='{"code": "550 5.1.1", "text": "no such user"}\nnonsense\n{"code": "", "text": ""}\n',
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]

    assert ["invalid_recipient", None, "unknown"] == [answer.get("category") for answer in answers]
    assert "error" in answers[1]


def write(name: str, text: str) -> Any:
    def prepare(shell: Shell) -> None:
        (shell.folder / name).write_text(text)

    return prepare


def environ(**variables: str) -> Any:
    def prepare(shell: Shell) -> None:
        shell.environ |= variables

    return prepare


def profile(text: str) -> Any:
    def prepare(shell: Shell) -> None:
        (shell.folder / "home").mkdir()
        (shell.folder / "home" / "profiles.toml").write_text(text)

    return prepare


SENDING = ("send", "spec.toml", "--recipients", "people.csv")
BAD_INPUT = {
    # what is wrong         preparation
    # command                   exit, what the message says
    "ragged CSV": (
        write("people.csv", "email,name\na@x.example,A,surplus\n"),
        SENDING,
        2,
        "line 2",
    ),
    "no email column": (write("people.csv", "mail\na@x.example\n"), SENDING, 2, "email"),
    "bad address": (write("people.csv", "email\nnot an address\n"), SENDING, 2, "line 2"),
    "empty CSV": (write("people.csv", ""), SENDING, 2, "people.csv"),
    "no such file": (
        lambda shell: None,
        ("send", "spec.toml", "--recipients", "nowhere.csv"),
        2,
        "nowhere.csv",
    ),
    "broken spec": (write("spec.toml", "name = "), SENDING, 2, "spec.toml"),
    "wrong spec": (write("spec.toml", 'name = "q3"\nsubject = ""\n'), SENDING, 2, "template_id"),
    "no settings": (
        environ(CXONE_ENV_URL="", CXONE_CLIENT_SECRET=""),
        SENDING,
        2,
        "CXONE_ENV_URL, CXONE_CLIENT_SECRET",
    ),
    "API and CRM": (
        environ(CXONE_CLIENT_SECRET="", CRM_WEBHOOK_URL="https://crm.example"),
        SENDING,
        2,
        "CXONE_CLIENT_SECRET, CRM_WEBHOOK_SECRET",
    ),
    "plain http": (environ(CXONE_ENV_URL="http://api.example.com"), SENDING, 2, "https"),
    "unreachable host": (
        environ(CXONE_ENV_URL="http://127.0.0.1:9"),
        SENDING,
        3,
        "check the network",
    ),
    "wrong credentials": (environ(CXONE_CLIENT_SECRET="wr0ng-s3cret"), SENDING, 3, "credentials"),
    "broken profile": (profile("[default\n"), SENDING, 2, "profiles.toml"),
    "secret in a profile": (
        profile('[default]\nclient_secret = "s3cret"\n'),
        SENDING,
        2,
        "must not hold secrets",
    ),
    "unknown setting": (profile("[default]\nwokers = 3\n"), SENDING, 2, "wokers"),
    "unknown profile": (lambda shell: None, (*SENDING, "--profile", "nope"), 2, "nope"),
    "unknown campaign": (lambda shell: None, ("status", "nope"), 2, "nope"),
    "unknown option": (lambda shell: None, ("send", "--nonsense"), 2, "nonsense"),
    "no such import": (
        lambda shell: None,
        ("import", "nowhere.json", "--campaign", "x"),
        2,
        "nowhere.json",
    ),
    "unknown split": (lambda shell: None, ("funnel", "--by", "colour"), 6, "colour"),
    "unknown report": (lambda shell: None, ("report", "nope"), 7, "nope"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_clear_message(shell: Shell, simulator: Simulator, case: str) -> None:
    """
    C08, D03: what is wrong, where, what to do; its own exit code; no traceback; nothing was sent.
    """
    prepare, command, exit_code, words = BAD_INPUT[case]
    prepare(shell)
    done = shell(*command)

    assert (exit_code, "") == (done.returncode, done.stdout)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert {} == simulator.truth()["jobs"]


def test_a_missing_scope_says_which_right_is_missing(shell: Shell, simulator: Simulator) -> None:
    """403 is a matter of scope, role or permission: exit code 3, and the words say so."""
    simulator.arm("missing_scope", count=None)
    done = send(shell)

    assert 3 == done.returncode
    assert "scope" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_disk_stops_before_the_post_and_leaves_a_whole_ledger(
    shell: Shell, simulator: Simulator
) -> None:
    """
    The ledger comes first: what can't be written down is not sent; with space again the same
    command goes through.
    """
    done = shell(*SENDING, limit_bytes=30_000)
    jobs_then = simulator.truth()["jobs"]
    again = send(shell, "--json")

    assert (6, {}) == (done.returncode, jobs_then)
    assert "Traceback" not in done.stderr
    assert "space" in done.stderr
    assert (0, 30) == (again.returncode, json.loads(again.stdout)["recipients"]["submitted"])
    assert [] == simulator.truth()["mailed_twice"]


def test_no_command_loads_what_only_others_need() -> None:
    """A second for each call otherwise: half a library of SQL, and the tables of another."""
    heavy = (
        "sqlalchemy",
        "pandas",
        "pyarrow",
        "duckdb",
        "requests",
        "plotly",
        "babel",
        "structlog",
    )
    program_alone = (
        f"import sys, cxtools.cli.program; print([m for m in {heavy} if m in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program_alone], capture_output=True, text=True, check=True
    )

    assert "[]\n" == loaded.stdout


def hears_ctrl_c() -> None:
    """
    Where the tests themselves run in the background of a shell, Ctrl-C is ignored by all that they
    start.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_is_one_sentence_and_the_campaign_can_be_continued(
    shell: Shell, simulator: Simulator
) -> None:
    """
    Stopped while it waits for a job: exit code 130, no traceback; run again, the same campaign
    comes to its end.
    """
    simulator.arm("job_never_ends")
    waiting = subprocess.Popen(
        [sys.executable, "-m", "cxtools.cli", *SENDING],
        cwd=shell.folder,
        env=shell.environ,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hears_ctrl_c,  # noqa: PLW1509  # one thread here
    )
    while not simulator.truth()["jobs"] and waiting.poll() is None:
        time.sleep(0.1)
    time.sleep(1)  # the answer is in the ledger
    waiting.send_signal(signal.SIGINT)
    _, said = waiting.communicate(timeout=60)

    assert 130 == waiting.returncode
    assert "run the same command again to continue" in said
    assert "Traceback" not in said
    assert 1 == len(simulator.truth()["jobs"])


def test_debug_shows_the_traceback(shell: Shell) -> None:
    """
    For a report of a bug: --debug anywhere in the line; the exit code stays that of the error.
    """
    done = shell("status", "nope", "--debug")

    assert (2, True) == (done.returncode, "Traceback" in done.stderr)


def test_C02_secrets_and_tokens_stay_out_of_every_message(
    shell: Shell, simulator: Simulator
) -> None:
    """
    C01-C03: neither the secret nor an address is in output, ledger text or traceback, whatever
    fails.
    """
    shell.environ["CXONE_CLIENT_SECRET"] = "c4nary-s3cret"
    texts = [send(shell, "--debug"), send(shell)]
    simulator.arm("server_error_500_html", count=None)
    shell.environ["CXONE_CLIENT_SECRET"] = "simulator"
    profile("[default]\npatience_s = 2\n")(shell) if not (shell.folder / "home").exists() else (
        shell.folder / "home" / "profiles.toml"
    ).write_text("[default]\npatience_s = 2\n")
    texts.append(send(shell, "--debug"))

    assert all(done.returncode for done in texts)
    for done in texts:
        assert "c4nary-s3cret" not in done.stdout + done.stderr
        assert "p1@acme-01.example" not in done.stdout + done.stderr


def test_audit_and_outbox_can_be_read(shell: Shell) -> None:
    """
    The audit log verifies and exports; the outbox lists the webhook that waits for an address to be
    set.
    """
    send(shell)
    verified = json.loads(shell("audit", "verify", "--json").stdout)
    exported = json.loads(shell("audit", "export", "--json").stdout)
    hooks = json.loads(shell("outbox", "list", "--json").stdout)

    assert [] == verified["faults"]
    assert verified["rows"] == len(exported)
    assert ["pending"] == [hook["state"] for hook in hooks]


def test_no_cell_of_a_csv_runs_in_a_spreadsheet(shell: Shell) -> None:
    """S10: a bounce reason that begins as a formula came from outside; in a CSV it is text."""
    rows = [
        {
            "eventId": "1",
            "eventType": "bounce",
            "jobId": "j",
            "messageId": "n",
            "email": "=b@x.example",
            "timestamp": "2026-09-14T08:00:00Z",
            "bounceCode": "550",
            "bounceDescription": "=cmd|' /C calc'!A0",
        }
    ]
    (shell.folder / "events.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = shell("import", "events.jsonl", "--campaign", "c")
    tables = {name: shell(name, "--csv").stdout for name in ("reasons", "bounces")}
    cells = [
        cell for text in tables.values() for row in csv.reader(io.StringIO(text)) for cell in row
    ]

    assert (0, True) == (done.returncode, "'=cmd|" in tables["reasons"])
    assert [] == [cell for cell in cells if cell[:1] in tuple("=+-@|")]


@pytest.mark.parametrize(
    "line",
    [
        ["--quiet", *SENDING],
        [*SENDING, "--quiet"],
        ["send", "--quiet", "spec.toml", "--recipients", "people.csv"],
    ],
    ids=" ".join,
)
def test_quiet_says_nothing_but_errors(shell: Shell, line: list[str]) -> None:
    """A schedule that mails what a command prints stays silent as long as all is well."""
    done = shell(*line)
    wrong = shell("status", "nope", "--quiet")

    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)
    assert (2, "") == (wrong.returncode, wrong.stdout)
    assert "nope" in wrong.stderr


def test_quiet_still_prints_the_document_that_was_asked_for(shell: Shell) -> None:
    """--json is for programs, which want their answer."""
    done = send(shell, "--quiet", "--json")

    assert ("completed", "") == (json.loads(done.stdout)["state"], done.stderr)


def test_no_progress_bar_where_stderr_is_not_a_terminal(shell: Shell) -> None:
    """A log file holds sentences, not thousands of bars."""
    (shell.folder / "home").mkdir()

    assert "" == send(shell).stderr


@pytest.mark.parametrize(
    ("line", "front"),
    [
        # what is typed                                 what comes first
        (["status", "q3", "--debug"], ["--debug"]),
        (["status", "--profile", "eu", "q3"], ["--profile", "eu"]),
        (["--profile=eu", "status", "q3"], ["--profile=eu"]),
        (["status", "q3", "--profile"], ["--profile"]),
        (["status", "q3", "--", "--debug"], []),
    ],
)
def test_global_options_may_stand_anywhere(line: list[str], front: list[str]) -> None:
    """They are moved to the front, the rest keeps its order; what follows -- is left alone."""
    rest = line if not front else [word for word in line if word not in front]

    assert front + rest == global_options_first(line)


def test_the_shell_completes_commands(shell: Shell) -> None:
    """Shell completion is on: what bash asks for after `cxtools st` is `status`."""
    shell.environ |= {
        "_CXTOOLS_COMPLETE": "complete_bash",
        "COMP_WORDS": "cxtools st",
        "COMP_CWORD": "1",
    }

    assert "status" == shell().stdout.strip()


@pytest.mark.parametrize("anchor", ["42", "42:xyz", "x:9f86d081", "42:9f86", "42:9f86d081 "])
def test_an_anchor_is_a_row_and_a_hash(shell: Shell, anchor: str) -> None:
    """Anything else is refused before the log is read."""
    done = shell("audit", "verify", "--anchor", anchor)

    assert (2, "") == (done.returncode, done.stdout)
    assert f"an anchor is ROW:HASH, as 42:9f86d081884c7d65, not {anchor!r}" in done.stderr


@pytest.mark.parametrize("pair", ["campaign", "=q3", " =q3"])
def test_a_parameter_is_key_equals_value(shell: Shell, pair: str) -> None:
    """Anything else is refused, and quoted."""
    done = shell("report", "bounce_report", "-p", pair)

    assert 2 == done.returncode
    assert f"-p needs key=value, not {pair!r}" in done.stderr


#: Values that someone's script may hand to an option by mistake.
NONSENSE = [
    "",
    "-1",
    "99999999999999999999999999",
    "nan",
    "x",
    "nowhere/none",
    "folder",
    "empty",
    "binary",
    "/dev/null/x",
    "\udcff",
    "y" * 5000,
    "=x",
    "x=y",
    "email=kind",
    "limit=-1",
    "0001-01-01",
    "9999-12-31T23:59:59-14:00",
]
#: Every exit code but that of a bug.
KNOWN = {None, *MEANINGS} - {1}
#: What a command needs beside the option that is tried.
NEEDED = {
    "spec": "spec.toml",
    "recipients": "people.csv",
    "campaign": "q3",
    "batch": "none",
    "file": "feed.csv",
    "name": "bounce_report",
    "hook_id": "none",
}
#: The simulator's flags have a test of their own, the lab and the demo run on, and all questions are
#: one function, as the funnel is.
TRIED_ELSEWHERE = {("simulate",), ("lab",), ("demo",), *((name,) for name in QUESTIONS)}
TRIED_ELSEWHERE -= {("funnel",)}


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each command by its words: `("outbox", "replay")`."""
    if not hasattr(command, "commands"):
        yield words, command
        return
    for word, below in command.commands.items():
        yield from commands(below, (*words, word))


def values_of(command: Any) -> list[Any]:
    """The arguments and options of a command that take a value."""
    return [each for each in command.params if not getattr(each, "is_flag", False)]


def command_line(words: tuple[str, ...], command: Any, tried: Any, value: str) -> list[str]:
    """The command with *value* for one of its parameters, and what it needs for the others."""
    options: list[str] = []
    arguments: list[str] = []
    for each in values_of(command):
        given = value if each is tried else NEEDED.get(each.name, "")
        if each is not tried and not each.required:
            continue
        if each.param_type_name == "argument":
            arguments.append(given)
        else:
            options += [each.opts[0], given]
    return [*words, *options, "--", *arguments]


WITH_VALUES = [
    (words, command, tried)
    for words, command in commands(command_tree())
    if words not in TRIED_ELSEWHERE
    for tried in values_of(command)
]


@pytest.mark.parametrize(
    ("words", "command", "tried"),
    WITH_VALUES,
    ids=[f"{' '.join(words)} {tried.opts[0]}" for words, _, tried in WITH_VALUES],
)
def test_no_value_of_an_option_is_a_bug(
    words: tuple[str, ...],
    command: Any,
    tried: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    Whatever is handed to an option, a number, a path or nothing like it: what is wrong is said, and
    the exit code is never that of a bug.
    """
    monkeypatch.chdir(tmp_path)
    for name, value in Shell(tmp_path).environ.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 10)
    (tmp_path / "feed.csv").write_text("email,kind\na@x.example,delivery\n")
    said = io.StringIO()
    monkeypatch.setattr(sys, "stdin", io.StringIO("{}"))
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", said)
    with pytest.raises(SystemExit):
        main(["import", "feed.csv", "--campaign", "q3"])
    codes: dict[str, Any] = {}
    for value in NONSENSE:
        line = command_line(words, command, tried, value)
        with pytest.raises(SystemExit) as ended:
            main(line)
        codes[value] = ended.value.code

    assert {} == {value: code for value, code in codes.items() if code not in KNOWN}
    assert "Traceback" not in said.getvalue()
    assert "bug" not in said.getvalue()


NOT_FLAGS = [
    # flags                                     what is said
    (["--port", "99999"], "--port: a whole number from 0 to 65535 is needed, not '99999'"),
    (["--port", "-1"], "--port: a whole number from 0 to 65535 is needed, not '-1'"),
    (["--port", "x"], "--port: a whole number from 0 to 65535 is needed, not 'x'"),
    (["--seed", "x"], "--seed: invalid int value: 'x'"),
    (["--epoch", "x"], "--epoch: a moment of 1970 to 2999 is needed"),
    (["--epoch", "0001-01-01"], "--epoch: a moment of 1970 to 2999 is needed"),
    (["--speed", "nan"], "--speed: a number from 0 on is needed, not 'nan'"),
    (["--speed", "-1"], "--speed: a number from 0 on is needed, not '-1'"),
    (["--latency-ms", "inf"], "--latency-ms: a number with an end is needed, not 'inf'"),
    (["--rate-limit", "x"], "--rate-limit: a number from 0 on is needed, not 'x'"),
    (["--expires-in-s", "-1"], "--expires-in-s: a number from 0 on is needed, not '-1'"),
    (["--population", "999999999999"], "--population: a whole number from 0 to 10000000 is needed"),
    (["--idempotency-window-s", "nan"], "--idempotency-window-s: a number from 0 on is needed"),
    (["--crm-secret", "whsec_!"], "--crm-secret: whsec_ and then base64 is needed"),
    (["--fault", "nope"], "--fault: there is no fault 'nope'; choose one of: crm_410"),
    (["--fault", "hang=x"], "--fault: a whole number from 0 to 10000000 is needed, not 'x'"),
    (["recipients", "--count", "-1"], "--count: a whole number from 0 to 10000000 is needed"),
    (["history", "--out", "h", "--campaigns", "9999999"], "--campaigns: a whole number"),
    (["history", "--out", "h", "--recipients", "-1"], "--recipients: a whole number"),
    (["nope"], "invalid choice: 'nope'"),
]


@pytest.mark.parametrize(("flags", "words"), NOT_FLAGS, ids=lambda each: " ".join(each)[:30])
def test_the_simulator_refuses_flags_with_words(
    tmp_path: Path, flags: list[str], words: str
) -> None:
    """A number that can't be is a matter of usage, said with the flag and what it takes."""
    done = Shell(tmp_path)("simulate", *flags)

    assert (2, "") == (done.returncode, done.stdout)
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["recipients", "--out", "folder"], "folder: Is a directory"),
        (["recipients", "--out", "nowhere/list.csv"], "nowhere/list.csv: No such file"),
        (["history", "--out", "spec.toml"], "spec.toml: File exists"),
        (["--port", "{taken}"], "port {taken}: Address already in use"),
    ],
    ids=lambda each: " ".join(each)[:30],
)
def test_the_simulator_says_what_the_system_refuses(
    tmp_path: Path, simulator: Simulator, flags: list[str], words: str
) -> None:
    """A file that can't be written, a port that is taken: exit code 6 and the place."""
    (tmp_path / "folder").mkdir()
    taken = simulator.url.rpartition(":")[2]
    done = Shell(tmp_path)("simulate", *(flag.format(taken=taken) for flag in flags))

    assert (6, "") == (done.returncode, done.stdout)
    assert words.format(taken=taken) in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_home_says_where_the_demo_is(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After `make demo` the status of one's own home is empty: which home, and what to say instead."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CXTOOLS_HOME", str(home))
    alone = CliRunner().invoke(app, ["status"])
    (tmp_path / "reports" / "demo" / "home").mkdir(parents=True)
    (tmp_path / "reports" / "demo" / "home" / ".cxtools-demo").touch()
    beside = CliRunner().invoke(app, ["status"])

    assert f"{home} holds no campaign that was sent" in alone.stderr
    assert "demo" not in alone.stderr.replace(str(home), "")
    assert "say CXTOOLS_HOME=reports/demo/home cxtools status" in beside.stderr
    assert (0, "no campaigns\n") == (beside.exit_code, beside.stdout)


def test_a_report_takes_the_campaign_by_position(home: Path) -> None:
    """As other commands do; two different names are a slip of the pen."""
    twice = CliRunner().invoke(app, ["report", "bounce", "q3", "-p", "campaign=q4"])
    unknown = CliRunner().invoke(app, ["report", "bounce", "q3"])

    assert "two campaigns are named: q3 and q4" in str(twice.exception)
    assert "there is no campaign 'q3'" in str(unknown.exception)


def test_notebooks_are_copied_or_shown(shell: Shell) -> None:
    """Into a folder, where nothing is overwritten; without one it is said where they lie."""
    copied = shell("notebooks", "mine")
    again = shell("notebooks", "mine")
    shown = shell("notebooks", "--path")

    assert (0, 2, 0) == (copied.returncode, again.returncode, shown.returncode)
    assert 6 == len(copied.stdout.splitlines())
    assert "nothing was copied" in again.stderr
    for name in ("bounce_report", "explore_deliverability"):
        source = Path(shown.stdout.strip()) / f"{name}.ipynb"
        assert source.read_bytes() == (shell.folder / "mine" / source.name).read_bytes()
