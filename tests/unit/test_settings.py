"""Settings: where they come from, what is refused, and that secrets stay inside."""

from __future__ import annotations

import copy
import pickle
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cxtools.connection import Connection
from cxtools.errors import ConfigError
from cxtools.settings import (
    SECRET_NAMES,
    SOURCE_VARIABLES,
    VARIABLES,
    Paths,
    Secret,
    SettingRow,
    Settings,
    load_settings,
    setting_rows,
)

CANARY = "canary-7f3a-secret"
FULL = {
    "CXONE_ENV_URL": "https://us1.api.example.com",
    "CXONE_CLIENT_ID": "me",
    "CXONE_CLIENT_SECRET": CANARY,
}


def profiles(folder: Path, text: str) -> dict[str, str]:
    (folder / "profiles.toml").write_text(text)
    return {"CXTOOLS_HOME": str(folder)}


# --- sources ---


def test_the_environment_is_enough() -> None:
    """The variables of the documentation, each in its setting."""
    settings = load_settings(
        environ=FULL
        | {
            "CRM_WEBHOOK_URL": "https://crm.example.com/hook",
            "CRM_WEBHOOK_SECRET": "whsec_c2VjcmV0",
            "CXTOOLS_HOME": "/data/cx",
            "CXTOOLS_LEDGER": "postgresql+psycopg://db/cx",
        }
    )

    assert ("https://us1.api.example.com", "me", CANARY) == (
        settings.env_url,
        settings.client_id,
        settings.client_secret.reveal(),
    )
    assert ("https://crm.example.com/hook", "whsec_c2VjcmV0") == (
        settings.crm_webhook_url,
        settings.crm_webhook_secret.reveal(),
    )
    assert (Path("/data/cx"), "postgresql+psycopg://db/cx") == (settings.home, settings.ledger_url)


def test_the_ledger_lives_in_the_home_by_default(tmp_path: Path) -> None:
    """One SQLite file, never inside the package."""
    assert (
        f"sqlite:///{tmp_path / 'ledger.sqlite'}"
        == load_settings(environ={"CXTOOLS_HOME": str(tmp_path)}).ledger_url
    )


def test_questions_take_what_settings_allow(tmp_path: Path) -> None:
    """Memory, threads, and a folder that only the owner can read for what doesn't fit."""
    environ = {
        "CXTOOLS_HOME": str(tmp_path),
        "CXTOOLS_MEMORY": "300 MB",
        "CXTOOLS_THREADS": "1",
    }
    store = Connection(load_settings(environ=environ)).store
    names = ("memory_limit", "threads", "temp_directory")
    asked = ", ".join(f"current_setting('{name}')" for name in names)
    with store.connection() as connection:
        [row] = connection.execute(f"select {asked}").fetchall()

    assert ("286.1 MiB", 1, str(tmp_path / "spill")) == row
    assert 0o700 == (tmp_path / "spill").stat().st_mode & 0o777


def test_what_questions_take_by_default(tmp_path: Path) -> None:
    """1.5 GB, and a home that doesn't exist yet isn't made by a look at it."""
    home = tmp_path / "home"
    store = Connection(load_settings(environ={"CXTOOLS_HOME": str(home)})).store
    with store.connection() as connection:
        [row] = connection.execute("select current_setting('memory_limit')").fetchall()

    assert ("1.3 GiB",) == row
    assert not home.exists()


@pytest.mark.parametrize("size", ["much", "0 GB", "1.5", "-1 GB", "80 %"])
def test_an_amount_of_memory_has_a_unit(size: str) -> None:
    """What DuckDB could not read is refused before anything is asked."""
    with pytest.raises(ConfigError, match="memory: must be a number with its unit"):
        load_settings(environ={"CXTOOLS_MEMORY": size})


@pytest.mark.parametrize("engine", ["duckdb", "local", "local[2]", "local[*]", "spark://a:7077"])
def test_the_engine_is_a_setting(engine: str) -> None:
    """DuckDB, or the master of a Spark."""
    settings = load_settings(environ={"CXTOOLS_ENGINE": engine})

    assert engine == Connection(settings).engine.runs_on


@pytest.mark.parametrize("engine", ["", "spark", "local[two]", "duckdb2", "http://host"])
def test_an_engine_that_is_none_is_refused(engine: str) -> None:
    """Before Spark would be started with it."""
    with pytest.raises(ConfigError, match="engine: must be duckdb, or a master of Spark"):
        load_settings(profile=None, environ={}, engine=engine)


def test_a_profile_holds_everything_but_secrets(tmp_path: Path) -> None:
    """Named profiles in one file; the environment wins over the profile, an argument over both."""
    environ = profiles(
        tmp_path,
        '[eu]\nenv_url = "https://eu1.api.example.com"\nworkers = 4\n'
        '[eu.paths]\nmessages = "/v2/messages"\n',
    )

    assert 4 == load_settings("eu", environ).workers
    assert "/v2/messages" == load_settings("eu", environ).paths.messages
    assert "https://us1.api.example.com" == load_settings("eu", environ | FULL).env_url
    assert 2 == load_settings("eu", environ, workers=2).workers


def test_secrets_come_from_a_folder(tmp_path: Path) -> None:
    """One file per variable, as Docker and Kubernetes mount them; the environment wins."""
    (tmp_path / "CXONE_CLIENT_SECRET").write_text(CANARY + "\n")
    environ = {"CXTOOLS_SECRETS_DIR": str(tmp_path)}

    assert CANARY == load_settings(environ=environ).client_secret.reveal()
    assert (
        "other"
        == load_settings(environ=environ | {"CXONE_CLIENT_SECRET": "other"}).client_secret.reveal()
    )


# --- refusals ---

URLS = {
    # address                                   fine?
    "https://us1.api.niceincontact.com": True,
    "http://127.0.0.1:8080": True,
    "http://localhost:8080": True,
    "http://[::1]:8080": True,
    "http://us1.api.niceincontact.com": False,
    "http://127.0.0.1.evil.example": False,
    "http://localhost.evil.example": False,
    "ftp://127.0.0.1": False,
    "us1.api.niceincontact.com": False,
    "https://": False,
    "https://me:secret@api.example.com": False,
    "https://api.example.com?key=secret": False,
    "https://api.example.com#secret": False,
}


@pytest.mark.parametrize("variable", ["CXONE_ENV_URL", "CRM_WEBHOOK_URL"])
@pytest.mark.parametrize(("url", "fine"), URLS.items())
def test_http_is_for_this_machine_only(variable: str, url: str, fine: bool) -> None:
    """https everywhere else, and nothing secret in an address, where it would reach every log."""
    if fine:
        assert load_settings(environ={variable: url})
    else:
        with pytest.raises(ConfigError, match="must"):
            load_settings(environ={variable: url})


def test_c08_what_is_missing_is_said_at_once_before_any_request() -> None:
    """
    C08: without id and secret the tutorial asks the server and blames the credentials; we name
    every missing variable.
    """
    with pytest.raises(ConfigError) as refused:
        load_settings(environ={}).needs("api", "crm")

    for variable in (
        "CXONE_ENV_URL",
        "CXONE_CLIENT_ID",
        "CXONE_CLIENT_SECRET",
        "CRM_WEBHOOK_URL",
        "CRM_WEBHOOK_SECRET",
    ):
        assert variable in str(refused.value)


@pytest.mark.parametrize(
    ("auth", "missing"),
    [
        ("body", "CXONE_CLIENT_SECRET"),
        ("basic", "CXONE_CLIENT_SECRET"),
        ("access_key", "CXONE_ACCESS_KEY_SECRET"),
        ("token", "CXONE_TOKEN"),
    ],
)
def test_each_way_in_needs_its_own_secret(auth: str, missing: str) -> None:
    """A tenant that signs in by access key is not asked for a client secret."""
    with pytest.raises(ConfigError, match=missing):
        load_settings(environ={"CXONE_ENV_URL": "https://api.example.com"}, auth=auth).needs("api")


def test_all_wrong_values_are_said_at_once() -> None:
    """One message names each faulty setting."""
    with pytest.raises(ConfigError) as refused:
        load_settings(
            environ={"CXONE_ENV_URL": "http://example.com"},
            workers=0,
            requests_per_s=-1,
            colour="red",
        )

    for name in ("env_url", "workers", "requests_per_s", "colour"):
        assert f"{name}: " in str(refused.value)


BROKEN_PROFILES = {
    # what is wrong            the file                                   said
    "not TOML": ("[eu", "can't be read"),
    "no such profile": ("[us]\nworkers = 4\n", "choose one of: us"),
    "not a table": ("eu = 1\n", "is not a table"),
    "a secret": (f'[eu]\nclient_secret = "{CANARY}"\n', "must not hold secrets: client_secret"),
    "a database's password": (
        f'[eu]\nledger = "postgresql+psycopg://me:{CANARY}@db/mail"\n',
        "must not hold secrets: the password in ledger",
    ),
    "a home": ('[eu]\nhome = "/data/eu"\n', "where its home is"),
    "a misspelt key": ("[eu]\nworker = 4\n", "worker: "),
    "a wrong type": ('[eu]\nworkers = "many"\n', "workers: "),
}


@pytest.mark.parametrize(("text", "said"), BROKEN_PROFILES.values(), ids=BROKEN_PROFILES)
def test_a_broken_profile_is_one_clear_message(tmp_path: Path, text: str, said: str) -> None:
    """What is wrong, in which file or profile, and what to do; never the secret itself."""
    with pytest.raises(ConfigError) as refused:
        load_settings("eu", profiles(tmp_path, text))

    assert said in str(refused.value)
    assert refused.value.do
    assert refused.value.where
    assert CANARY not in str(refused.value)


def test_a_profile_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    """Without any file, too: falling back to the default would send from the wrong account."""
    with pytest.raises(ConfigError, match="no profile 'eu'"):
        load_settings("eu", {"CXTOOLS_HOME": str(tmp_path)})


def test_a_secrets_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    """A missing mount is a fault, not an empty folder."""
    with pytest.raises(ConfigError, match="secrets folder"):
        load_settings(environ={"CXTOOLS_SECRETS_DIR": str(tmp_path / "none")})


SIGNING_SECRETS = {
    # secret                    fine?
    "whsec_c2VjcmV0": True,
    "c2VjcmV0": True,
    "any text as it is": False,
    "": True,
    "whsec_": False,
    "whsec_c2VjcmV": False,
    "whsec_c2Vj cmV0": False,
    f"whsec_{CANARY}": False,
}


@pytest.mark.parametrize(("secret", "fine"), SIGNING_SECRETS.items())
def test_a_signing_secret_that_was_copied_in_part_is_said_at_once(secret: str, fine: bool) -> None:
    """
    Base64, as the standard's library reads it, and not when the first webhook is to be signed; the
    message doesn't hold it.
    """
    if fine:
        assert (
            secret
            == load_settings(environ={}, crm_webhook_secret=secret).crm_webhook_secret.reveal()
        )
        return
    with pytest.raises(
        ConfigError, match="crm_webhook_secret: is not a secret of Standard Webhooks"
    ) as refused:
        load_settings(environ={}, crm_webhook_secret=secret)
    assert CANARY not in "".join(traceback.format_exception(refused.value))


def test_a_keyring_that_is_not_there_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Without the library, and on a machine without any keyring: what to install, or to do without it.
    """
    keyring = pytest.importorskip("keyring")
    from keyring.backends.fail import Keyring

    environ = profiles(tmp_path, "[eu]\nkeyring = true\n")
    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    try:
        with pytest.raises(
            ConfigError, match=r"no keyring of this machine can be read \(NoKeyringError\)"
        ):
            load_settings("eu", environ)
    finally:
        keyring.set_keyring(before)
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigError, match=r"install cxtools\[keyring\]"):
        load_settings("eu", environ)


# --- what they are ---

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("row", setting_rows(), ids=lambda row: row.name)
def test_every_setting_is_described(row: SettingRow) -> None:
    """A sentence for whoever sets it; a duration or an amount says its unit first."""
    assert re.match(r"[A-Z`].{10,}\.$", row.description)
    if row.name.endswith("_s") and row.name != "requests_per_s":
        assert row.description.startswith("Seconds ")


def test_the_rows_of_the_reference_are_the_settings() -> None:
    """Each field has its row, those of the table of paths too."""
    fields = [name for name in Settings.model_fields if name != "paths"]
    paths = [f"paths.{name}" for name in Paths.model_fields]

    assert sorted(fields + paths) == sorted(row.name for row in setting_rows())


def test_a_row_says_how_a_setting_is_written() -> None:
    """Type, default and variable as a profile or a shell has them; a secret shows nothing."""
    rows = {row.name: row[1:4] for row in setting_rows()}

    assert ("whole number", "16", "") == rows["workers"]
    assert ("number", "", "") == rows["requests_per_s"]
    assert ("true or false", "true", "") == rows["trust_429"]
    assert ("text", "", "CXONE_ENV_URL") == rows["env_url"]
    assert ("secret", "", "CXONE_TOKEN") == rows["token"]
    assert ("list of texts", "", "CRM_ALLOW_HOSTS") == rows["crm_allow_hosts"]
    assert ("folder", "", "CXTOOLS_HOME") == rows["home"]


def test_secrets_are_known_by_their_type() -> None:
    """What a profile must not hold, and the keyring may."""
    expected = {"client_secret", "access_key_secret", "token", "crm_webhook_secret"}

    assert expected == set(SECRET_NAMES)


def test_readme_lists_the_variables_that_there_are() -> None:
    """The table of settings names each variable that is read, and no other one."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition("\n## Settings\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    listed = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]

    assert sorted([*VARIABLES, *SOURCE_VARIABLES]) == sorted(listed)


def test_a_batch_fits_into_a_day() -> None:
    """
    The stricter limit counts, the campaign's or the profile's; a batch beyond it would wait for
    ever, in a retry wave too.
    """
    free = load_settings(environ={})
    strict = load_settings(environ={}, daily_limit=40)

    assert (None, 25) == (free.daily_cap(None), free.daily_cap(25))
    assert (40, 25) == (strict.daily_cap(None), strict.daily_cap(25))
    assert (1000, 25) == (free.batch_cap(None), free.batch_cap(25))
    assert (40, 25) == (strict.batch_cap(None), strict.batch_cap(25))


# --- secrets stay inside ---


def test_a_secret_is_not_printed() -> None:
    """C02: neither by the secret nor by the settings around it, in any usual form."""
    settings = load_settings(environ=FULL)

    assert (
        CANARY not in f"{settings!r} {settings} {settings.client_secret!r} {settings.client_secret}"
    )
    assert CANARY not in str(settings.model_dump())


@pytest.mark.parametrize("leave", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_secret_cant_be_pickled_or_copied(leave: Callable[[Secret], Any]) -> None:
    """A pickle on disk or in another process would hold it in clear text."""
    with pytest.raises(TypeError, match="can't be pickled"):
        leave(Secret(CANARY))


def test_a_secret_is_not_in_an_error_of_its_neighbours() -> None:
    """
    A wrong value beside a secret must not bring the input of both into the exception or its
    context.
    """
    with pytest.raises(ConfigError) as refused:
        load_settings(environ=FULL, workers=0)

    assert CANARY not in "".join(traceback.format_exception(refused.value))
    assert refused.value.__context__ is None
