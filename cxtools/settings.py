"""
Where to connect and how: environment, secrets folder, keyring and named profiles, checked all at
once.

Order, first wins: arguments, `CX...` environment variables, files of the secrets folder
(`CXTOOLS_SECRETS_DIR`, one file per variable, as Docker and Kubernetes mount them), the profile of
`profiles.toml`, the keyring, the default. A secret in a profile file is refused: such files get
committed.
"""

from __future__ import annotations

import base64
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import BaseModel, BeforeValidator, Field, ValidationError, field_validator

from cxtools.errors import ConfigError, without_locals

SECRET_NAMES = ("client_secret", "crm_webhook_secret", "token", "access_key_secret")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Secret:
    """
    A text that can be used but not printed, compared by accident, pickled or copied.

    pydantic's SecretStr is not used: it pickles in clear text.

    >>> Secret("s3cret")
    Secret('***')
    """

    __slots__ = ("_reveal",)

    def __init__(self, text: str) -> None:
        self._reveal: Callable[[], str] = lambda: text

    def reveal(self) -> str:
        return self._reveal()

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._reveal())

    def __reduce__(self) -> Any:
        raise TypeError("a secret can't be pickled or copied")


#: A setting that is a secret: given as a text, shown nowhere.
Hidden = Annotated[
    Secret,
    BeforeValidator(lambda given: Secret(given) if isinstance(given, str) else given),
    Field(repr=False),
]


class Paths(BaseModel, frozen=True, extra="forbid"):
    """
    Where each endpoint lives below the base URL; the tutorial's, unless a profile says otherwise.
    """

    token: str = "/v1/oauth2/token"  # noqa: S105  # a path
    suppressions: str = "/v1/communications/email/suppressions"
    messages: str = "/v1/communications/email/messages"
    jobs: str = "/v1/communications/email/jobs"
    events: str = "/v1/communications/email/events"


class Settings(
    BaseModel, frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True
):
    """
    Everything a run needs to know, frozen.

    Durations are seconds. `requests_per_s` paces all calls of one process (None: as fast as the
    workers go). Capabilities say what the server can do beyond the tutorial's contract; each
    defaults to "no". `crm_allow_hosts` are the host names and networks beyond the open internet
    that webhooks may go to (`api.egress`).
    """

    profile: str = "default"
    env_url: str = ""
    client_id: str = ""
    client_secret: Hidden = Secret("")
    crm_webhook_url: str = ""
    crm_webhook_secret: Hidden = Secret("")
    crm_allow_hosts: tuple[str, ...] = ()
    home: Path = Path()
    ledger: str = Field(default="", repr=False)

    auth: Literal["body", "basic", "access_key", "password", "token"] = "body"
    access_key_id: str = ""
    access_key_secret: Hidden = Secret("")
    token: Hidden = Secret("")
    token_url: str = ""
    paths: Paths = Paths()

    idempotency_window_s: float = Field(default=0, ge=0)
    suppression_listing: bool = False
    trust_429: bool = True
    any_template_id: bool = False
    keyring: bool = False

    workers: int = Field(default=16, ge=1, le=64)
    batch_size: int = Field(default=1000, ge=1, le=1000)
    requests_per_s: float | None = Field(default=None, gt=0)
    connect_timeout_s: float = Field(default=5, gt=0)
    call_deadline_s: float = Field(default=30, gt=0)
    patience_s: float = Field(default=300, gt=0)
    job_deadline_s: float = Field(default=4 * 3600, gt=0)
    event_horizon_s: float = Field(default=7 * 86400, ge=0)
    suppression_age_s: float = Field(default=900, gt=0)
    daily_limit: int | None = Field(default=None, ge=0)
    max_body_bytes: int = Field(default=32 << 20, gt=0)

    @field_validator("crm_allow_hosts", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        hosts = [entry.strip() for entry in value.split(",")] if isinstance(value, str) else value
        entries = map(str, hosts) if isinstance(hosts, list | tuple) else ()
        if wrong := [entry for entry in entries if not (is_network(entry) or is_host(entry))]:
            raise ValueError(f"neither a host name nor a network: {', '.join(wrong)}")
        return hosts

    @field_validator("crm_webhook_secret")
    @classmethod
    def _decodable(cls, secret: Secret) -> Secret:
        with suppress(ValueError):
            if not secret or base64.b64decode(
                secret.reveal().removeprefix("whsec_"), validate=True
            ):
                return secret
        raise ValueError(
            "is no secret of Standard Webhooks, which is base64 with or without whsec_ before it; copy it again, whole, "
            "or make one: openssl rand -base64 32"
        )

    @field_validator("env_url", "token_url", "crm_webhook_url")
    @classmethod
    def _https(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and not (
            (parts.scheme == "https" and parts.hostname)
            or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        ):
            raise ValueError("must be an https:// address (http only on this machine)")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError(
                "must hold no user, query or fragment: secrets in an address reach every log"
            )
        return url.rstrip("/")

    @property
    def ledger_url(self) -> str:
        return self.ledger or f"sqlite:///{self.home / 'ledger.sqlite'}"

    @property
    def account(self) -> str:
        """Whose daily quota a send uses: one API client of one environment."""
        return f"{self.env_url}|{self.client_id or self.access_key_id}"

    def daily_cap(self, daily: int | None) -> int | None:
        """The stricter of a campaign's daily limit and this profile's; None: neither is set."""
        return min(
            (limit for limit in (daily, self.daily_limit) if limit is not None), default=None
        )

    def batch_cap(self, daily: int | None) -> int:
        """Recipients per batch: never more than a day's limit, or the batch would wait for ever."""
        return min(self.batch_size, self.daily_cap(daily) or self.batch_size)

    def needs(self, *purposes: Literal["api", "crm"]) -> Settings:
        """
        These settings, if they can serve the purposes; ConfigError naming all that is missing
        otherwise.
        """
        wanted = [
            name
            for purpose in purposes
            for name in (["env_url", *CREDENTIALS[self.auth]] if purpose == "api" else CRM)
        ]
        if missing := [
            variable
            for variable, name in VARIABLES.items()
            if name in wanted and not getattr(self, name)
        ]:
            raise ConfigError(
                f"not set: {', '.join(missing)}",
                where=f"profile {self.profile!r}",
                do="set the environment variables, or put them into a profile (secrets: environment, folder or keyring)",
            )
        return self


def is_network(text: str) -> bool:
    """Is an entry of `crm_allow_hosts` a network, and not a name?"""
    with suppress(ValueError):
        return bool(ip_network(text))
    return False


def is_host(text: str) -> bool:
    return bool(
        re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?", text)
    ) and not re.fullmatch(r"[0-9.]+", text)


#: Environment variable -> setting. All others are reached by a profile.
VARIABLES = {
    "CXONE_ENV_URL": "env_url",
    "CXONE_CLIENT_ID": "client_id",
    "CXONE_CLIENT_SECRET": "client_secret",
    "CXONE_TOKEN": "token",
    "CXONE_ACCESS_KEY_ID": "access_key_id",
    "CXONE_ACCESS_KEY_SECRET": "access_key_secret",
    "CRM_WEBHOOK_URL": "crm_webhook_url",
    "CRM_WEBHOOK_SECRET": "crm_webhook_secret",
    "CRM_ALLOW_HOSTS": "crm_allow_hosts",
    "CXTOOLS_HOME": "home",
    "CXTOOLS_LEDGER": "ledger",
}
#: What each way of signing in needs, and what the CRM needs.
CLIENT, ACCESS_KEY, CRM = (
    ("client_id", "client_secret"),
    ("access_key_id", "access_key_secret"),
    ("crm_webhook_url", "crm_webhook_secret"),
)
CREDENTIALS = {
    "body": CLIENT,
    "basic": CLIENT,
    "access_key": ACCESS_KEY,
    "password": CLIENT + ACCESS_KEY,
    "token": ("token",),
}


@without_locals
def load_settings(
    profile: str | None = None, environ: Mapping[str, str] | None = None, **given: Any
) -> Settings:
    """
    The settings of a profile ("default" unless `CXTOOLS_PROFILE` or *profile* names one),
    everything checked at once.

    Raises:
        ConfigError: a value is wrong, a profile doesn't exist, or a profile file holds a secret;
        all faults in one message.

    >>> load_settings(environ={"CXONE_ENV_URL": "https://example.com/"}).env_url
    'https://example.com'
    """
    environ = os.environ if environ is None else environ
    home = Path(
        given.get("home")
        or environ.get("CXTOOLS_HOME")
        or platformdirs.user_data_dir("cxtools", appauthor=False)
    )
    chosen = profile or environ.get("CXTOOLS_PROFILE")
    name = chosen or "default"
    values = {
        "profile": name,
        **_from_profile(
            name,
            Path(environ.get("CXTOOLS_PROFILES") or home / "profiles.toml"),
            chosen=bool(chosen),
        ),
    }
    values |= _from_secrets_folder(environ.get("CXTOOLS_SECRETS_DIR"))
    values |= {
        setting: environ[variable]
        for variable, setting in VARIABLES.items()
        if environ.get(variable)
    }
    values |= _from_keyring(name, values) | {"home": home} | given
    try:
        return Settings(**values)
    except ValidationError as refused:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in refused.errors(include_input=False, include_url=False)
        )
        # `without_locals` lets go of the original error, which carries the raw input, secrets too.
        raise ConfigError(
            f"settings are wrong: {faults}",
            where=f"profile {name!r}",
            do="correct them; nothing was sent",
        ) from None


def _from_profile(name: str, file: Path, *, chosen: bool) -> dict[str, Any]:
    if not file.exists() and name == "default":
        return {}
    if not file.exists():
        raise ConfigError(
            f"there is no profile {name!r}: {file} doesn't exist",
            do="create the file with a table of that name, or leave --profile out",
        )
    try:
        profiles = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as broken:
        raise ConfigError(
            f"the profile file can't be read: {broken}", where=str(file), do="correct the file"
        ) from None
    if name not in profiles and chosen:
        raise ConfigError(
            f"there is no profile {name!r}",
            where=str(file),
            do=f"choose one of: {', '.join(sorted(profiles)) or 'none yet'}",
        )
    values = profiles.get(name, {})
    if not isinstance(values, dict):
        raise ConfigError(
            f"profile {name!r} is no table",
            where=str(file),
            do=f"write [{name}] on a line of its own, settings below it",
        )
    password = (
        ["the password in ledger"]
        if re.match(r"[^/]*://[^/@]*:[^/]+@", str(values.get("ledger", "")))
        else []
    )
    if secrets := sorted(set(values) & set(SECRET_NAMES)) + password:
        raise ConfigError(
            f"a profile file must not hold secrets: {', '.join(secrets)}",
            where=f"{file}, profile {name!r}",
            do="move them to environment variables, the secrets folder or the keyring",
        )
    if "home" in values:
        raise ConfigError(
            "a profile can't say where its home is: the profiles themselves are looked for there",
            where=f"{file}, profile {name!r}",
            do="set CXTOOLS_HOME instead",
        )
    return values


def _from_secrets_folder(folder: str | None) -> dict[str, Any]:
    if not folder:
        return {}
    if not Path(folder).is_dir():
        raise ConfigError(
            "the secrets folder doesn't exist",
            where=f"CXTOOLS_SECRETS_DIR={folder}",
            do="correct or unset the variable",
        )
    files = {setting: Path(folder) / variable for variable, setting in VARIABLES.items()}
    return {
        setting: file.read_text(encoding="utf-8").strip()
        for setting, file in files.items()
        if file.is_file()
    }


def _from_keyring(profile: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """
    Secrets of service "cxtools:PROFILE", asked only if the profile says `keyring = true`, so that
    no run waits for an unlock dialog.
    """
    if not known.get("keyring"):
        return {}
    where, do = (
        f"profile {profile!r}, keyring = true",
        "or leave `keyring` out and take environment variables or the secrets folder",
    )
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise ConfigError(
            "the keyring library isn't installed here",
            where=where,
            do=f"install cxtools[keyring], {do}",
        ) from None
    try:
        found = {
            name: keyring.get_password(f"cxtools:{profile}", name)
            for name in SECRET_NAMES
            if name not in known
        }
    except KeyringError as refused:
        raise ConfigError(
            f"no keyring of this machine can be read ({type(refused).__name__})",
            where=where,
            do=f"unlock it or set up a backend, {do}",
        ) from None
    return {name: text for name, text in found.items() if text}
