"""
Where to connect and how.

    secret      a text that can be used, but not shown                        pure
    hosts       names and networks that settings may hold                     pure
    types       secrets, addresses, hosts: each checks itself                 pure
    values      every setting: type, default, limits, variable, description   pure
    reference   the settings as rows, for documentation                       pure
    sources     the settings of a profile, from environment, files and keyring
"""

from cxtools.settings.hosts import LOOPBACK, is_network
from cxtools.settings.reference import SettingRow, setting_rows
from cxtools.settings.secret import Secret
from cxtools.settings.sources import SIMULATOR, SOURCE_VARIABLES, default_home, load_settings
from cxtools.settings.values import SECRET_NAMES, VARIABLES, Paths, Settings

__all__ = [
    "LOOPBACK",
    "SECRET_NAMES",
    "SIMULATOR",
    "SOURCE_VARIABLES",
    "VARIABLES",
    "Paths",
    "Secret",
    "SettingRow",
    "Settings",
    "default_home",
    "is_network",
    "load_settings",
    "setting_rows",
]
