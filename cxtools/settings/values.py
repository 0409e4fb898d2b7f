"""
Every setting: its type, default, limits, environment variable and description in one place, checked
all at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from cxtools.errors import ConfigError
from cxtools.formats import Formats
from cxtools.settings.secret import Secret
from cxtools.settings.types import (
    Address,
    Engine,
    Hidden,
    Hosts,
    Locale,
    NameServer,
    SigningSecret,
    Size,
    Timezone,
    setting,
)


class Paths(BaseModel, frozen=True, extra="forbid"):
    """
    Where each endpoint lives below the base URL; the tutorial's, unless a profile says otherwise.
    """

    token: str = setting("/v1/oauth2/token", "Where to sign in.")
    suppressions: str = setting(
        "/v1/communications/email/suppressions", "The list of addresses that must not be mailed."
    )
    messages: str = setting(
        "/v1/communications/email/messages", "Where a batch of messages is submitted."
    )
    jobs: str = setting(
        "/v1/communications/email/jobs", "Where a job is asked for; its id is appended."
    )
    events: str = setting(
        "/v1/communications/email/events", "Where the events of a job are asked for."
    )


class Access(BaseModel, frozen=True, arbitrary_types_allowed=True):
    """Where the API is, and how to sign in."""

    env_url: Address = setting(
        "",
        "The API's address; https, except for this machine.",
        variable="CXONE_ENV_URL",
    )
    auth: Literal["body", "basic", "access_key", "password", "token"] = setting(
        "body",
        "How to sign in. `body`: client id and secret as form fields, as the tutorial does;"
        " `basic`: the same as a Basic header; `access_key`: an access key as JSON; `password`:"
        " an access key as user and password, at an address found by OpenID discovery; `token`:"
        " a ready token, which is not renewed.",
    )
    client_id: str = setting("", "The API client's id.", variable="CXONE_CLIENT_ID")
    client_secret: Hidden = setting(
        Secret(""), "The API client's secret.", variable="CXONE_CLIENT_SECRET"
    )
    access_key_id: str = setting(
        "",
        "The id of an access key, for tenants that sign in with one (`auth` = `access_key` or"
        " `password`).",
        variable="CXONE_ACCESS_KEY_ID",
    )
    access_key_secret: Hidden = setting(
        Secret(""), "The access key's secret.", variable="CXONE_ACCESS_KEY_SECRET"
    )
    token: Hidden = setting(Secret(""), "A ready token (`auth` = `token`).", variable="CXONE_TOKEN")
    token_url: Address = setting(
        "",
        "The whole address to sign in at, where it is not `paths.token` below `env_url`; an"
        " address that ends in `/.well-known/openid-configuration` is asked for the endpoint.",
    )
    paths: Paths = setting(Paths(), "Where each endpoint lives below `env_url`.")


class Promises(BaseModel, frozen=True):
    """What the server can do beyond the tutorial's contract; each defaults to what that says."""

    idempotency_window_s: float = setting(
        0,
        "Seconds for which the server knows an Idempotency-Key and answers the same POST with the"
        " same job. 0: the server doesn't know the key, which is what the tutorial promises, and"
        " a lost answer stays unknown.",
        ge=0,
    )
    suppression_listing: bool = setting(
        False,
        "The server lists all suppressions in pages, so that one list replaces a request for each"
        " recipient; `cxtools doctor` says whether it seems to. The tutorial doesn't promise it.",
    )
    trust_429: bool = setting(
        True,
        "A 429 to a submit means that nothing was sent. Set it to false for a gateway that limits"
        " behind the API: then a 429 is an unknown outcome.",
    )
    any_template_id: bool = setting(
        False,
        "Template ids need not be UUIDs, as the tutorial's are.",
    )


class Limits(BaseModel, frozen=True):
    """How much at once, how fast, how long; durations are seconds."""

    workers: int = setting(
        16,
        "Threads that check suppressions, follow jobs and fetch events. At 20 ms an answer, 16"
        " make some 800 requests a second.",
        ge=1,
        le=64,
    )
    batch_size: int = setting(
        1000,
        "Recipients of one submit, and so of one job. The API takes 1,000; a smaller batch risks"
        " fewer recipients on one lost answer.",
        ge=1,
        le=1000,
    )
    requests_per_s: float | None = setting(
        None,
        "Requests per second of all threads together. Not set: as fast as they go, until a 429"
        " teaches the server's own rate.",
        gt=0,
    )
    daily_limit: int | None = setting(
        None,
        "Recipients per account and day (UTC), over all campaigns, runs and processes; a"
        " campaign's own limit counts where it is stricter. Not set: no limit.",
        ge=0,
    )

    connect_timeout_s: float = setting(
        5, "Seconds to connect in; a server that is up accepts within milliseconds.", gt=0
    )
    call_deadline_s: float = setting(
        30,
        "Seconds for one request and its whole answer. Better too many than too few, since a"
        " submit that is cut off has an unknown outcome.",
        gt=0,
    )
    patience_s: float = setting(
        300,
        "Seconds for one call with all its tries, waits and sign-ins: five minutes outlast a"
        " restart of the server.",
        gt=0,
    )
    job_deadline_s: float = setting(
        4 * 3600,
        "Seconds that a run waits for its jobs to end, four hours; `cxtools resume` goes on"
        " waiting.",
        gt=0,
    )
    event_horizon_s: float = setting(
        7 * 86400,
        "Seconds after its submit until the events of a batch may count as complete: a week, since"
        " opens, clicks and bounces come in for days.",
        ge=0,
    )
    suppression_age_s: float = setting(
        900,
        "Seconds that the API's word on suppressions is trusted for: a fetched list of all, or the"
        " answer on one person, which a run after a kill finds in the ledger; then it is asked"
        " again. A quarter of an hour: whoever unsubscribes meanwhile may still be mailed.",
        gt=0,
    )
    max_body_bytes: int = setting(
        32 << 20,
        "Bytes of an answer, decompressed: 32 MiB, far more than a full page of 1,000 events. A"
        " longer one is refused, so that it can't fill the memory.",
        gt=0,
    )


class Settings(
    Limits,
    Promises,
    Access,
    frozen=True,
    extra="forbid",
    arbitrary_types_allowed=True,
    hide_input_in_errors=True,
):
    """
    Everything a run needs to know, frozen. Each field says what it is, in which unit, and why its
    default is what it is.
    """

    profile: str = setting("default", "The name of the profile that these settings come from.")
    home: Path = setting(
        Path(),
        "The folder of everything that is kept: ledger, events, reports, profiles.toml and own"
        " bounce rules. Default: cxtools' folder in the user's data directory.",
        variable="CXTOOLS_HOME",
    )
    ledger: str = setting(
        "",
        "Another ledger than SQLite in the home, as a URL:"
        " `postgresql+psycopg://user:password@host/db` (extra `[postgres]`) or"
        " `sqlite:////path/ledger.sqlite`. A password in it is a secret, so a profile must not"
        " hold one.",
        variable="CXTOOLS_LEDGER",
        repr=False,
    )

    erasures: Path | None = setting(
        None,
        "The file of those who are erased, by key. Kept outside of what backups bring back, it sees"
        " to it that who was erased since the backup is erased again. Default: `erasures.txt` in"
        " the home.",
        variable="CXTOOLS_ERASURES",
    )
    campaign: str = setting(
        "",
        "The campaign of a notebook whose `campaign` is left empty. `cxtools report` is always told"
        " one.",
        variable="CXTOOLS_CAMPAIGN",
    )
    suppress_imported: bool = setting(
        True,
        "Hard bounces, complaints and unsubscribes of imported campaigns suppress these people in"
        " campaigns of our own; `cxtools import --no-suppress` leaves it out once.",
        variable="CXTOOLS_SUPPRESS_IMPORTED",
    )
    least_group: int | None = setting(
        None,
        "Groups of fewer people, by segments or domains, stand together as `other (N groups)`, and"
        " so do those beyond the 20 largest. Left out: any group is shown, but on pages that"
        " `cxtools report` makes it is 5.",
        variable="CXTOOLS_LEAST_GROUP",
        ge=0,
    )
    engine: Engine = setting(
        "duckdb",
        "What answers questions to the events: `duckdb`, in this process; or Apache Spark, by its"
        " master (extra `[spark]`, and Java 17 or newer): `local[2]` for a try,"
        " `spark://host:7077`, `yarn`.",
        variable="CXTOOLS_ENGINE",
    )
    memory: Size = setting(
        "1.5 GB",
        "Memory that questions to the events take, in MB, GB, MiB or GiB; what needs more is put on"
        " disk meanwhile. 1.5 GB answer questions about 100 million events, and leave room for"
        " another notebook beside.",
        variable="CXTOOLS_MEMORY",
    )
    threads: int | None = setting(
        None,
        "Threads that answer questions to the events. Not set: one a core.",
        variable="CXTOOLS_THREADS",
        ge=1,
    )
    sql_seconds: int = setting(
        60,
        "Seconds after which a statement of `cx.sql` or `cxtools sql` is ended.",
        variable="CXTOOLS_SQL_SECONDS",
        ge=1,
    )
    spill: Path | None = setting(
        None,
        "The folder for what doesn't fit into the memory of a question: personal data, for its"
        " owner's eyes only, removed with the process. Default: `spill` in the home.",
        variable="CXTOOLS_SPILL",
    )

    crm_webhook_url: Address = setting(
        "",
        "Where each job's outcome is posted; https, except for this machine. Empty: nowhere.",
        variable="CRM_WEBHOOK_URL",
    )
    crm_webhook_secret: SigningSecret = setting(
        Secret(""),
        "The key that webhooks are signed with, by Standard Webhooks: base64, with or without"
        " `whsec_` before it.",
        variable="CRM_WEBHOOK_SECRET",
    )
    crm_allow_hosts: Hosts = setting(
        (),
        "Host names and networks beyond the open internet that webhooks may go to; in the"
        " variable separated by commas. All other private addresses are refused.",
        variable="CRM_ALLOW_HOSTS",
    )

    timezone: Timezone = setting(
        "UTC",
        "The time zone of pages, tables and messages, such as `Europe/Berlin`: moments are written"
        " in it, days, hours and weekdays of splits are its own, and a day without a zone"
        " (`--as-of 2026-09-14`) ends with it. What is stored, and JSON, CSV and Parquet, stay in"
        " UTC; so does the day of a quota.",
        variable="CXTOOLS_TIMEZONE",
    )
    locale: Locale = setting(
        "en",
        "By whose habits numbers are written on pages, in tables and messages: `de` makes 4.925"
        " and 95,9 % of 4,925 and 95.9%. Texts stay English, JSON, CSV and Parquet plain.",
        variable="CXTOOLS_LOCALE",
    )

    dns_server: NameServer = setting(
        "",
        "The name server that `--dns` asks, with its port, such as `9.9.9.9:53`. Empty: those of"
        " this machine.",
        variable="CXTOOLS_DNS_SERVER",
    )
    look_up_mail_servers: bool = setting(
        False,
        "`cxtools refresh` asks DNS for the mail servers of new domains that no entry of"
        " providers names, as `cxtools providers --dns` does. DNS then learns which domains are"
        " mailed.",
    )

    keyring: bool = setting(
        False,
        "Secrets that are found nowhere else are taken from the keyring (extra `[keyring]`)."
        " Asked only if a profile says so, so that no run waits for an unlock dialog.",
    )

    @property
    def formats(self) -> Formats:
        return Formats(self.locale, self.timezone)

    @property
    def ledger_url(self) -> str:
        return self.ledger or f"sqlite:///{self.home / 'ledger.sqlite'}"

    @property
    def spill_folder(self) -> Path:
        return self.spill or self.home / "spill"

    @property
    def erasures_file(self) -> Path:
        return self.erasures or self.home / "erasures.txt"

    @property
    def account(self) -> str:
        """Whose daily quota a send uses: one API client of one environment."""
        return f"{self.env_url}|{self.client_id or self.access_key_id}"

    def daily_cap(self, daily: int | None) -> int | None:
        """The stricter of a campaign's daily limit and this profile's; None: neither is set."""
        limits = [limit for limit in (daily, self.daily_limit) if limit is not None]
        return min(limits, default=None)

    def batch_cap(self, daily: int | None) -> int:
        """Recipients per batch: never more than a day's limit, or the batch would wait for ever."""
        return min(self.batch_size, self.daily_cap(daily) or self.batch_size)

    def needs(self, *purposes: Literal["api", "crm"]) -> Settings:
        """
        These settings, if they can serve the purposes.

        Raises:
            ConfigError: something is missing; all of it is named
        """
        wanted: list[str] = []
        if "api" in purposes:
            wanted += ["env_url", *CREDENTIALS[self.auth]]
        if "crm" in purposes:
            wanted += CRM
        missing = [
            variable
            for variable, name in VARIABLES.items()
            if name in wanted and not getattr(self, name)
        ]
        if missing:
            raise ConfigError(
                f"not set: {', '.join(missing)}",
                where=f"profile {self.profile!r}",
                do="set the environment variables, or put them into a profile"
                " (secrets: environment, folder or keyring)",
            )
        return self


def _variables() -> dict[str, str]:
    variables: dict[str, str] = {}
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra
        variable = extra.get("variable") if isinstance(extra, dict) else None
        if variable:
            variables[str(variable)] = name
    return variables


#: Environment variable -> setting. All other settings are reached by a profile.
VARIABLES: dict[str, str] = _variables()
#: The settings that are secrets.
SECRET_NAMES: tuple[str, ...] = tuple(
    name for name, field in Settings.model_fields.items() if field.annotation is Secret
)

#: What each way of signing in needs, and what the CRM needs.
CLIENT = ("client_id", "client_secret")
ACCESS_KEY = ("access_key_id", "access_key_secret")
CRM = ("crm_webhook_url", "crm_webhook_secret")
CREDENTIALS: dict[str, tuple[str, ...]] = {
    "body": CLIENT,
    "basic": CLIENT,
    "access_key": ACCESS_KEY,
    "password": CLIENT + ACCESS_KEY,
    "token": ("token",),
}
