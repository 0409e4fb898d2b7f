"""
An older ledger becomes the newest, whole or not at all; a newer or foreign database is refused.

The old one is a ledger that cxtools 0.1.0 itself has written (`tests/proof/ledgers`).
"""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from cxtools.cli.ledger import describe
from cxtools.connection import Connection
from cxtools.errors import ConfigError, StoreError
from cxtools.ledger import schema, version
from cxtools.ledger.backup import without_password
from cxtools.ledger.database import Database
from cxtools.ledger.judgements import Judgement
from cxtools.ledger.ledger import Ledger
from cxtools.ledger.upgrade import Upgrade, upgrade
from cxtools.ledger.version import NEWEST, read_version
from cxtools.settings import load_settings
from cxtools.simulated import SIMULATOR_ACCOUNT
from tests.conftest import Simulator
from tests.postgres import Cluster
from tests.proof.ledgers import first

ROOT = Path(__file__).parents[2]
NOW = 1_800_000_000.0


@pytest.fixture
def old(ledger_url: str, tmp_path: Path) -> str:
    """The URL of a ledger of 0.1.0, of either kind; its home is *tmp_path*."""
    first.load(ledger_url, tmp_path)
    return ledger_url


def upgraded(url: str, home: Path, **how: Any) -> Upgrade:
    return upgrade(url, home=home, now=lambda: NOW, actor="ops@mailer", **how)


#: Columns that later versions gave to tables of 0.1.0.
LATER_COLUMNS = {"outbox": {"channel"}}


def rows_of(url: str) -> dict[str, list[Any]]:
    """All rows of the tables that 0.1.0 had, in the columns that it had."""
    database = Database(url)
    with database.reading() as tx:
        return {
            name: list(tx.execute(sa.select(*first_columns(table))))
            for name, table in schema.TABLES.tables.items()
            if name in version.FIRST_TABLES
        }


def first_columns(table: sa.Table[Any]) -> list[sa.ColumnElement[Any]]:
    later = LATER_COLUMNS.get(table.name, set())
    return [column for column in table.columns if column.name not in later]


def shape(url: str) -> dict[str, Any]:
    """Tables, columns, keys and indexes as the database itself tells them."""
    database = Database(url)
    with database.reading() as tx:
        inspector = sa.inspect(tx)
        return {
            name: {
                "columns": [
                    (column["name"], str(column["type"]), column["nullable"])
                    for column in inspector.get_columns(name)
                ],
                "key": inspector.get_pk_constraint(name)["constrained_columns"],
                "indexes": sorted(
                    (str(index["name"]), index["column_names"])
                    for index in inspector.get_indexes(name)
                ),
            }
            for name in inspector.get_table_names()
        }


def test_an_old_ledger_is_upgraded_and_nothing_in_it_changes(old: str, tmp_path: Path) -> None:
    """Every row of 0.1.0 stays to the byte, the audit log verifies, and the second time is idle."""
    before = rows_of(old)
    done = upgraded(old, tmp_path)
    ledger = Ledger(old, now=time.time, home=tmp_path)
    with ledger.reading() as tx:
        history = tx.execute(sa.select(schema.ledger_version)).all()

    assert (1, NEWEST) == (done.before, done.after)
    assert before == rows_of(old)
    assert [(number, NOW, "ops@mailer") for number in range(2, NEWEST + 1)] == history
    assert () == ledger.audit_log.verify().faults
    assert Upgrade(NEWEST, NEWEST) == upgraded(old, tmp_path)


@pytest.mark.parametrize("before", range(1, NEWEST))
def test_an_upgraded_ledger_has_the_shape_of_a_new_one(
    old: str, tmp_path: Path, request: pytest.FixtureRequest, before: int
) -> None:
    """The migrations and the tables say the same, on both kinds, from each version on."""
    with Database(old).writing() as tx:
        for number in range(2, before + 1):
            for statement in version.statements(number):
                tx.exec_driver_sql(statement)
            version.write_version(tx, number, actor="ops@mailer", now=NOW)
    assert before == upgraded(old, tmp_path).before
    new = f"sqlite:///{tmp_path / 'new.sqlite'}"
    if not old.startswith("sqlite"):
        new = request.getfixturevalue("postgres").database()
    Ledger(new, now=time.time, home=tmp_path)

    assert shape(new) == shape(old)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_tables_of_0_1_0_are_made_by_the_same_statements(dialect: str) -> None:
    """A new ledger's first tables are those of 0.1.0 with the columns that came later, to the letter."""
    from sqlalchemy.schema import CreateIndex, CreateTable

    kind = sa.create_engine(f"{dialect}://").dialect
    made: list[Any] = []
    for table in schema.TABLES.sorted_tables:
        if table.name in version.FIRST_TABLES:
            made += [CreateTable(table), *map(CreateIndex, sorted(table.indexes, key=str))]
    statements = [f"{str(each.compile(dialect=kind)).strip()};" for each in made]
    lines = "\n".join(statements).splitlines(keepends=True)
    later = tuple(f"\t{name} " for names in LATER_COLUMNS.values() for name in names)
    kept = [line for line in lines if not line.startswith(later)]

    assert (first.FOLDER / f"{dialect}.sql").read_text() == "".join(kept) + "\n"


def test_the_backup_is_the_ledger_as_it_was(tmp_path: Path) -> None:
    """It stands beside the ledger, private, is of the old version and can take its place."""
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    first.load(url, tmp_path)
    done = upgraded(url, tmp_path)
    assert done.backup is not None
    copy = f"sqlite:///{done.backup}"

    assert 0o600 == stat.S_IMODE(done.backup.stat().st_mode)
    assert tmp_path == done.backup.parent
    assert (1, rows_of(url)) == (read_version(Database(copy)), rows_of(copy))
    os.replace(done.backup, tmp_path / "ledger.sqlite")
    assert 1 == upgraded(url, tmp_path).before
    Ledger(url, now=time.time).audit_log.check_anchors()


def test_the_backup_of_a_ledger_on_postgresql_is_a_dump_that_can_be_restored(
    postgres: Cluster, tmp_path: Path
) -> None:
    """`pg_restore` makes the old ledger of it, in another database; no password is in the dump."""
    url, other = postgres.database(), postgres.database()
    first.load(url, tmp_path)
    before = rows_of(url)
    backup = upgraded(url, tmp_path).backup
    assert backup is not None
    place = sa.make_url(other)
    subprocess.run(
        ["pg_restore", "--dbname", without_password(place), backup],
        env={**os.environ, "PGPASSWORD": str(place.password)},
        check=True,
    )

    assert 0o600 == stat.S_IMODE(backup.stat().st_mode)
    assert str(place.password).encode() not in backup.read_bytes()
    assert (1, before) == (read_version(Database(other)), rows_of(other))


def test_without_pg_dump_the_operator_must_say_that_there_is_a_backup(
    postgres: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is changed until then."""
    url = postgres.database()
    first.load(url, tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match=r"no pg_dump on PATH.*\n.*--backup-made"):
        upgraded(url, tmp_path)

    assert 1 == read_version(Database(url))
    assert Upgrade(1, NEWEST) == upgraded(url, tmp_path, backup_made=True)


def test_a_backup_that_fails_leaves_the_ledger_as_it_was(tmp_path: Path) -> None:
    """There is no room for the copy: refused in a sentence, no half copy stays."""
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    first.load(url, tmp_path)
    there = {file.name for file in tmp_path.iterdir()}
    script = (
        "import resource, sys; from pathlib import Path; "
        "from cxtools.ledger.upgrade import upgrade; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)); "
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "upgrade(sys.argv[1], home=Path(sys.argv[2]), now=lambda: 1.0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, url, tmp_path], capture_output=True, text=True, check=False
    )

    assert "StoreError: the ledger can't be backed up" in done.stderr
    assert "nothing was changed" in done.stderr
    assert there == {file.name for file in tmp_path.iterdir()}
    assert 1 == read_version(Database(url))


def test_two_that_upgrade_at_once_upgrade_once(old: str, tmp_path: Path) -> None:
    """One does it and makes the backup; the others find it done."""
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: upgraded(old, tmp_path), range(4)))

    assert 1 == sum(each.before == 1 for each in done)
    assert 1 == sum(each.backup is not None for each in done)
    assert [NEWEST] * 4 == [each.after for each in done]
    assert 1 == len([*tmp_path.glob("*-version-1-*")])


KILLED = """
import json, shutil, sys
from pathlib import Path
from cxtools.ledger.upgrade import upgrade
from tests.proof.killer import traced

old, folder, step = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])

def run(name, kill_at):
    home = folder / name
    shutil.copytree(old, home)
    work = lambda: upgrade(f"sqlite:///{home / 'ledger.sqlite'}", home=home, now=lambda: 1.0) and 0
    return traced(work, kill_at)

calls = len(run("whole", 0)["trace"])
killed = [run(str(call), call)["killed"] for call in range(1, calls + 1, step)]
print(json.dumps({"calls": calls, "killed": sum(killed)}))
"""


def test_killed_at_any_system_call_it_is_either_old_or_new(tmp_path: Path) -> None:
    """Every third call is tried; whatever was left, the next upgrade ends it, and all verifies."""
    old, folder = tmp_path / "old", tmp_path / "killed"
    old.mkdir()
    first.load(f"sqlite:///{old / 'ledger.sqlite'}", old)
    before = rows_of(f"sqlite:///{old / 'ledger.sqlite'}")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, old, folder, "3"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    told = json.loads(done.stdout)
    if not told["calls"]:
        pytest.skip("this system forbids tracing")
    seen = []
    for home in folder.iterdir():
        url = f"sqlite:///{home / 'ledger.sqlite'}"
        seen.append(read_version(Database(url)))
        upgraded(url, home)
        assert before == rows_of(url)
        assert () == Ledger(url, now=time.time).audit_log.verify().faults

    assert told["killed"] > 20
    assert {1, NEWEST} == set(seen)


OTHERS = {
    "an older ledger": (
        "",
        f"has schema version 1, this cxtools works with version {NEWEST}.*\n.*upgrade`",
    ),
    "a newer ledger": (
        "insert into ledger_version values (99, 0, 'x')",
        f"has schema version 99, this cxtools knows up to {NEWEST}.*\n.*upgrade cxtools",
    ),
    "a part of a ledger": (
        "drop table attempt; drop table ledger_version",
        "not a ledger: it holds audit.*\n.*another database",
    ),
}


@pytest.mark.parametrize(("statements", "says"), OTHERS.values(), ids=OTHERS)
def test_another_schema_is_refused_with_what_to_do(
    old: str, tmp_path: Path, statements: str, says: str
) -> None:
    """Nothing is read or written that this version doesn't know."""
    if statements:
        upgraded(old, tmp_path, backup_made=True)
        with Database(old).writing() as tx:
            for statement in statements.split(";"):
                tx.exec_driver_sql(statement)
    with pytest.raises(StoreError, match=says) as refused:
        Ledger(old, now=time.time, home=tmp_path)

    assert "c4n4ry" not in str(refused.value)


def test_a_file_of_another_program_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    """A mistyped path doesn't make a ledger of somebody's database."""
    file = tmp_path / "places.sqlite"
    with closing(sqlite3.connect(file)) as database:
        database.execute("create table places (name text)")
    content = file.read_bytes()
    for opens in (Ledger, upgrade):
        with pytest.raises(StoreError, match="not a ledger: it holds places"):
            opens(f"sqlite:///{file}", now=time.time, home=tmp_path)

    assert content == file.read_bytes()


def test_a_server_may_hold_tables_of_others(postgres: Cluster, tmp_path: Path) -> None:
    """A ledger on PostgreSQL stands beside what others keep in the same database."""
    url = postgres.database()
    with Database(url).writing() as tx:
        tx.exec_driver_sql("create table spatial_ref_sys (srid integer)")

    assert [] == Ledger(url, now=time.time, home=tmp_path).plans.names()


def run(home: Path, *words: str, ledger: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "CXTOOLS_HOME": str(home), "HOME": str(home)}
    if ledger:
        environment["CXTOOLS_LEDGER"] = ledger
    return subprocess.run(
        [sys.executable, "-m", "cxtools.cli", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_says_from_which_to_which_and_where_the_backup_is(
    old: str, tmp_path: Path
) -> None:
    """Before it every command refuses with exit code 6 and names it; after it they work."""
    refused = run(tmp_path, "status", ledger=old)
    said = run(tmp_path, "ledger", "upgrade", "--json", ledger=old)
    again = run(tmp_path, "ledger", "upgrade", ledger=old)
    document = json.loads(said.stdout)

    assert (6, True) == (refused.returncode, "`cxtools ledger upgrade`" in refused.stderr)
    assert (0, 1, NEWEST) == (said.returncode, document["from"], document["to"])
    assert Path(document["backup"]).exists()
    assert "has the newest schema already" in again.stdout
    assert 0 == run(tmp_path, "audit", "verify", ledger=old).returncode


def test_where_there_is_no_ledger_none_is_made(tmp_path: Path) -> None:
    """A script may say it always; the first command that needs a ledger makes a new one."""
    said = run(tmp_path, "ledger", "upgrade")

    assert (0, describe(Upgrade(0, 0)) + "\n") == (said.returncode, said.stdout)
    assert [] == [*tmp_path.glob("ledger*")]


def take(url: str, payloads: dict[str, bytes]) -> None:
    """POST these bytes to the API, each under its key."""
    with requests.Session() as session:
        sign_in = {"grant_type": "client_credentials", "client_id": "simulator"}
        answer = session.post(
            f"{url}/v1/oauth2/token", data={**sign_in, "client_secret": "simulator"}, timeout=10
        )
        session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        session.headers["Content-Type"] = "application/json"
        for key, payload in payloads.items():
            session.post(
                f"{url}/v1/communications/email/messages",
                data=payload,
                headers={"Idempotency-Key": key},
                timeout=10,
            ).raise_for_status()


@pytest.fixture
def resumed(simulator: Simulator, tmp_path: Path, ledger_url: str) -> Callable[[], Connection]:
    """
    The old ledger's account, on a simulator that took what the ledger says was sent: the same bytes
    under the same keys become the same jobs.
    """
    simulator.reset(speed="inf")
    address = f"{simulator.url}|simulator"
    first.load(ledger_url, tmp_path, account=address)
    settings = load_settings(
        environ={},
        home=tmp_path,
        ledger=ledger_url,
        env_url=simulator.url,
        crm_webhook_url=f"{simulator.url}/_sim/crm",
        event_horizon_s=0,
        batch_size=20,
        **SIMULATOR_ACCOUNT,
    )
    simulator.suppress(sorted(first.SUPPRESSED))
    sent = [row for row in rows_of(ledger_url)["batch"] if row.payload]
    take(simulator.url, {row.id: row.payload for row in sent})
    return lambda: Connection(settings, quiet=True)


def test_a_send_that_0_1_0_began_goes_on_after_the_upgrade(
    resumed: Callable[[], Connection], simulator: Simulator, tmp_path: Path, ledger_url: str
) -> None:
    """
    The lost answer is settled by an operator, what waited goes out, nobody is mailed twice, and the
    audit log tells of all of it.
    """
    upgraded(ledger_url, tmp_path, backup_made=True)
    client = resumed()
    [lost] = client.ledger.batches.rows("q3", ["unknown"])
    jobs = {job["idempotency_key"]: id_ for id_, job in simulator.truth()["jobs"].items()}
    client.reconcile(lost.id, job_id=jobs[lost.id])
    ended = [client.send(campaign, skip_invalid=True).state for campaign in first.campaigns()]
    truth = simulator.truth()
    mailed = [address for job in truth["jobs"].values() for address in job["recipients"]]

    assert ["completed", "completed"] == ended
    assert sorted(first.ADDRESSES - first.SUPPRESSED) == sorted(mailed)
    assert [] == truth["mailed_twice"]
    assert () == client.ledger.audit_log.verify().faults


def standing(moment: float) -> Callable[[], float]:
    """A clock that stands."""
    return lambda: moment


def test_a_judgement_that_was_kept_is_the_latest(ledger_url: str, tmp_path: Path) -> None:
    """
    The same one in a row is kept once; another word is another judgement, also one that it had before.
    """
    at = iter((1.0, 2.0, 3.0, 4.0, 5.0))
    ledger = Ledger(ledger_url, now=lambda: 0.0, home=tmp_path)
    early = Judgement("q3", "run", None, "WARN", "[]", "rules", "data", page="q3.html")
    late = Judgement("q3", "run", None, "PASS", "[]", "rules", "data")
    streaks = []
    for made in (early, late, late, early, early):
        ledger.now = standing(next(at))
        ledger.judgements.keep(made)
        assert made == ledger.judgements.latest("q3", "run")
        streaks.append(ledger.judgements.streak("q3", "run"))

    assert [("WARN", 1.0, ""), ("PASS", 2.0, "WARN"), ("PASS", 2.0, "WARN")] == [
        (streak.word, streak.since, streak.before) for streak in streaks[:3] if streak
    ]
    assert [("WARN", 4.0, "PASS")] * 2 == [
        (streak.word, streak.since, streak.before) for streak in streaks[3:] if streak
    ]
    assert len({streak.id for streak in streaks if streak}) == 3
    assert ledger.judgements.latest("q3", "bounces") is None
