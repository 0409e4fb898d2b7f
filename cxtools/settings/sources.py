"""
The settings of a profile: from arguments, environment, secrets folder, profiles and keyring.

The first that has a setting wins, in this order: arguments, environment variables (`CX…`, `CRM_…`),
files of the secrets folder (one file per variable, as Docker and Kubernetes mount them), the
profile of `profiles.toml`, the keyring, the default. A secret in a profile file is refused: such
files get committed.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import ValidationError

from cxtools.errors import ConfigError, without_locals
from cxtools.settings.values import SECRET_NAMES, VARIABLES, Settings
from cxtools.wording import did_you_mean

#: Environment variables that aren't settings: where settings are, and what is shown of errors.
SOURCE_VARIABLES = {
    "CXTOOLS_PROFILE": "The profile to use, where no argument names one.",
    "CXTOOLS_PROFILES": "The file that holds the profiles; default: profiles.toml in the home.",
    "CXTOOLS_SECRETS_DIR": "A folder with one file per variable, as Docker and Kubernetes mount"
    " secrets.",
    "CXTOOLS_DEBUG": "Not empty: notebooks and the command line show the traceback of an error,"
    " too.",
}
#: The profile of the simulator that `cxtools.simulated` starts, and the folder of its home.
SIMULATOR = "simulator"
#: A URL with a password before its host.
WITH_PASSWORD = re.compile(r"[^/]*://[^/@]*:[^/]+@")


@without_locals
def load_settings(
    profile: str | None = None, environ: Mapping[str, str] | None = None, **arguments: Any
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
    home = Path(arguments.get("home") or default_home(environ))
    chosen = profile or environ.get("CXTOOLS_PROFILE")
    name = chosen or "default"
    file = Path(environ.get("CXTOOLS_PROFILES") or home / "profiles.toml")

    values: dict[str, Any] = {"profile": name}
    values |= _from_profile(name, file, chosen=bool(chosen))
    values |= _from_secrets_folder(environ.get("CXTOOLS_SECRETS_DIR"))
    values |= _from_environment(environ)
    if values.get("keyring"):
        values |= _from_keyring(name, values)
    values["home"] = home
    values |= arguments
    return _check(values)


def channel_secret(channel: str, what: str, environ: Mapping[str, str], *, keyring: bool) -> str:
    """
    A secret of a channel of `reports.toml`, "" where there is none: from the environment, the
    secrets folder, or, with *keyring*, the keyring (service "cxtools:channels").

    >>> channel_secret("team", "password", {"CXTOOLS_CHANNEL_TEAM_PASSWORD": "x"}, keyring=False)
    'x'
    """
    variable = channel_variable(channel, what)
    if environ.get(variable):
        return environ[variable]
    file = Path(environ.get("CXTOOLS_SECRETS_DIR") or os.devnull) / variable
    if file.is_file():
        return file.read_text(encoding="utf-8").strip()
    if not keyring:
        return ""
    texts = _keyring_texts("channels", [variable], "a channel of reports.toml")
    return str(texts.get(variable, ""))


def channel_variable(channel: str, what: str) -> str:
    """
    The environment variable of a channel's secret.

    >>> channel_variable("ops-team", "password")
    'CXTOOLS_CHANNEL_OPS_TEAM_PASSWORD'
    """
    return f"CXTOOLS_CHANNEL_{channel}_{what}".upper().replace("-", "_")


def default_home(environ: Mapping[str, str]) -> Path:
    """The home where no argument names one: `CXTOOLS_HOME`, or the user's data directory."""
    folder = environ.get("CXTOOLS_HOME") or platformdirs.user_data_dir("cxtools", appauthor=False)
    return Path(folder)


def _check(values: Mapping[str, Any]) -> Settings:
    try:
        return Settings(**values)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
        faults = [_fault_text(detail["loc"], detail["msg"]) for detail in details]
        # The original error carries the raw input, secrets too; `without_locals` lets go of it.
        raise ConfigError(
            f"settings are wrong: {'; '.join(faults)}",
            where=f"profile {values['profile']!r}",
            do="correct them; nothing was sent",
        ) from None


def _fault_text(place: tuple[int | str, ...], message: str) -> str:
    name = ".".join(str(part) for part in place)
    return f"{name}: {message.removeprefix('Value error, ')}"


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        setting: environ[variable]
        for variable, setting in VARIABLES.items()
        if environ.get(variable)
    }


def _from_profile(name: str, file: Path, *, chosen: bool) -> dict[str, Any]:
    if not file.exists():
        if name == "default":
            return {}
        raise ConfigError(
            f"there is no profile {name!r}: {file} doesn't exist",
            do="create the file with a table of that name, or leave --profile out",
        )
    profiles = _read_toml(file)
    if name not in profiles and chosen:
        raise ConfigError(
            f"there is no profile {name!r}",
            where=str(file),
            do=f"{did_you_mean(name, profiles)}choose one of: "
            f"{', '.join(sorted(profiles)) or 'none yet'}",
        )
    values = profiles.get(name, {})
    if not isinstance(values, dict):
        raise ConfigError(
            f"profile {name!r} is not a table",
            where=str(file),
            do=f"write [{name}] on a line of its own, settings below it",
        )
    _refuse_misplaced(values, where=f"{file}, profile {name!r}")
    return values


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(
            f"the profile file can't be read: {error}", where=str(file), do="correct the file"
        ) from None


def _refuse_misplaced(values: Mapping[str, Any], *, where: str) -> None:
    """Refuse secrets, which get committed, and a home: that is where profiles are looked for."""
    secrets = sorted(set(values) & set(SECRET_NAMES))
    if WITH_PASSWORD.match(str(values.get("ledger", ""))):
        secrets.append("the password in ledger")
    if secrets:
        raise ConfigError(
            f"a profile file must not hold secrets: {', '.join(secrets)}",
            where=where,
            do="move them to environment variables, the secrets folder or the keyring",
        )
    if "home" in values:
        raise ConfigError(
            "a profile can't say where its home is: the profiles themselves are looked for there",
            where=where,
            do="set CXTOOLS_HOME instead",
        )


def _from_secrets_folder(folder: str | None) -> dict[str, Any]:
    if not folder:
        return {}
    if not Path(folder).is_dir():
        raise ConfigError(
            "the secrets folder doesn't exist",
            where=f"CXTOOLS_SECRETS_DIR={folder}",
            do="correct or unset the variable",
        )
    values: dict[str, Any] = {}
    for variable, setting in VARIABLES.items():
        file = Path(folder) / variable
        if file.is_file():
            values[setting] = file.read_text(encoding="utf-8").strip()
    return values


def _from_keyring(profile: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """Secrets of service "cxtools:PROFILE" that aren't known yet."""
    wanted = [name for name in SECRET_NAMES if name not in known]
    return _keyring_texts(profile, wanted, f"profile {profile!r}, keyring = true")


def _keyring_texts(owner: str, wanted: Sequence[str], where: str) -> dict[str, Any]:
    """What the keyring's service "cxtools:OWNER" holds of these names."""
    otherwise = "or leave `keyring` out and take environment variables or the secrets folder"
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise ConfigError(
            "the keyring library isn't installed here",
            where=where,
            do=f"install cxtools[keyring], {otherwise}",
        ) from None
    service = f"cxtools:{owner}"
    try:
        texts = {name: keyring.get_password(service, name) for name in wanted}
    except KeyringError as error:
        raise ConfigError(
            f"no keyring of this machine can be read ({type(error).__name__})",
            where=where,
            do=f"unlock it or set up a backend, {otherwise}",
        ) from None
    return {name: text for name, text in texts.items() if text}
