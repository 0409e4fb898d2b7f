"""
cxtools: send campaigns through the CXone Email API, and know what became of them.

    import cxtools as cx
    client = cx.connect("simulator")
    campaign = cx.Campaign.from_csv("recipients.csv", name="q3-update", subject="Q3 Product Update",
                                    template_id="a1b2c3d4-e5f6-7890-abcd-ef1234567890",
                                    sender="marketing@example.com")
    client.send(campaign)
    cx.funnel("q3-update")

Every name is imported at its first use: `import cxtools` itself costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxtools.bounce import BounceVerdict, classify
    from cxtools.connection import Connection, connect
    from cxtools.errors import CxError
    from cxtools.notebook import (
        bounces,
        comparison,
        curve,
        data_quality,
        explore,
        funnel,
        import_file,
        jobs,
        links,
        reasons,
        report,
        run_campaign,
        status,
        suspects,
        timing,
        verdict,
    )
    from cxtools.sending.campaign import Campaign
    from cxtools.sending.status import Status
    from cxtools.verdicts.verdict import CampaignVerdict

__all__ = [
    "BounceVerdict",
    "Campaign",
    "CampaignVerdict",
    "Connection",
    "CxError",
    "Status",
    "bounces",
    "classify",
    "comparison",
    "connect",
    "curve",
    "data_quality",
    "explore",
    "funnel",
    "import_file",
    "jobs",
    "links",
    "reasons",
    "report",
    "run_campaign",
    "status",
    "suspects",
    "timing",
    "verdict",
]
#: public name -> the module it lives in; the questions live in `notebook`
_HOMES = dict.fromkeys(__all__, "notebook") | {
    "BounceVerdict": "bounce",
    "Campaign": "sending.campaign",
    "CampaignVerdict": "verdicts.verdict",
    "Connection": "connection",
    "CxError": "errors",
    "Status": "sending.status",
    "classify": "bounce",
    "connect": "connection",
}
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"cxtools has no {name!r}; it has: {', '.join(__all__)}")
    value = getattr(import_module(f"cxtools.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
