"""
cxtools: send campaigns through the CXone Email API, and know what became of them.

    import cxtools as cx
    client = cx.connect("simulator")
    campaign = cx.Campaign.from_csv("recipients.csv", name="q3-update", subject="Q3 Product Update",
                                    template_id="a1b2c3d4-e5f6-7890-abcd-ef1234567890",
                                    sender="marketing@example.com")
    client.send(campaign)
    cx.funnel("q3-update")

Every name is imported at its first use: `import cxtools` itself costs next to nothing. Every
question of the catalogue is a public name; a new one is not written down here to be one.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxtools.bounce import BounceVerdict, classify
    from cxtools.connection import Connection, connect
    from cxtools.errors import CxError
    from cxtools.inquiry import messages, recipients, sql, texts, timeline
    from cxtools.measures.samples import SampleSize, ab_size
    from cxtools.notebook import (
        Ask,
        check_campaign,
        explore,
        import_file,
        report,
        run_campaign,
        status,
        verdict,
    )
    from cxtools.sending.campaign import Campaign
    from cxtools.sending.status import Status
    from cxtools.verdicts.verdict import CampaignVerdict

    alerts: Ask
    bounces: Ask
    cohorts: Ask
    compare: Ask
    comparison: Ask
    contributions: Ask
    curve: Ask
    data_quality: Ask
    drift: Ask
    frequency: Ask
    funnel: Ask
    jobs: Ask
    last_click: Ask
    league: Ask
    links: Ask
    reasons: Ask
    suspects: Ask
    timing: Ask
    trend: Ask
    unknown: Ask

    # What type checkers and editors read; `__getattr__` makes the `__all__` of a running program.
    __all__ = [
        "BounceVerdict",
        "Campaign",
        "CampaignVerdict",
        "Connection",
        "CxError",
        "SampleSize",
        "Status",
        "ab_size",
        "alerts",
        "bounces",
        "check_campaign",
        "classify",
        "cohorts",
        "compare",
        "comparison",
        "connect",
        "contributions",
        "curve",
        "data_quality",
        "drift",
        "explore",
        "frequency",
        "funnel",
        "import_file",
        "jobs",
        "last_click",
        "league",
        "links",
        "messages",
        "reasons",
        "recipients",
        "report",
        "run_campaign",
        "sql",
        "status",
        "suspects",
        "texts",
        "timeline",
        "timing",
        "trend",
        "unknown",
        "verdict",
    ]

#: Public name -> the module it lives in. The others are questions of the catalogue.
_HOMES = {
    "BounceVerdict": "bounce",
    "Campaign": "sending.campaign",
    "CampaignVerdict": "verdicts.verdict",
    "Connection": "connection",
    "CxError": "errors",
    "SampleSize": "measures.samples",
    "Status": "sending.status",
    "ab_size": "measures.samples",
    "check_campaign": "notebook",
    "classify": "bounce",
    "connect": "connection",
    "explore": "notebook",
    "import_file": "notebook",
    "messages": "inquiry",
    "recipients": "inquiry",
    "report": "notebook",
    "run_campaign": "notebook",
    "sql": "inquiry",
    "status": "notebook",
    "texts": "inquiry",
    "timeline": "inquiry",
    "verdict": "notebook",
}
__version__ = "0.1.0"


def _questions() -> list[str]:
    return list(import_module("cxtools.measures.catalogue").QUESTIONS)


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return sorted([*_HOMES, "events", *_questions()])
    if name == "events":  # a package that is called like the function
        value = import_module("cxtools.events")
    elif name in _HOMES:
        value = getattr(import_module(f"cxtools.{_HOMES[name]}"), name)
    elif _may_be_a_question(name) and name in _questions():
        value = import_module("cxtools.notebook").question(name)
    else:
        raise AttributeError(_missing(name))
    globals()[name] = value
    return value


def _may_be_a_question(name: str) -> bool:
    """
    Python asks for `__path__` and the like, and for each module before it imports it: the catalogue
    must not be imported for these, least of all by its own imports. A folder without code is no
    module: an older edition's may be left with what Python compiled of it.
    """
    if name.startswith("_"):
        return False
    module = find_spec(f"{__name__}.{name}")
    return module is None or not module.has_location


def _missing(name: str) -> str:
    if not _may_be_a_question(name):
        return f"cxtools has no {name!r}"
    known = __getattr__("__all__")
    meant = import_module("cxtools.wording").did_you_mean(name, known)
    return f"cxtools has no {name!r}; {meant}it has: {', '.join(known)}"


def __dir__() -> list[str]:
    return [*__getattr__("__all__"), "__version__"]
