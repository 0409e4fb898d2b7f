"""pandas over the raw parts, as an analyst would write it in a notebook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.contestants.answering import Rows, main, parts_of

QUANTILES = [0.1, 0.25, 0.5, 0.75, 0.9]
QUANTILE_COLUMNS = ["p10_s", "p25_s", "median_s", "p75_s", "p90_s"]
FIRST_OUTCOMES = ("delivery", "bounce")
UNSUBSCRIBE = "unsub|preference"


def read(home: Path, campaign: str, columns: list[str]) -> pd.DataFrame:
    """The campaign's events, each once."""
    files = parts_of(home, campaign)
    tables = [pd.read_parquet(file, columns=["event_id", *columns]) for file in files]
    return pd.concat(tables).drop_duplicates("event_id")


def messages_of(events: pd.DataFrame, home: Path) -> pd.DataFrame:
    """One row for each message: what became of it, and when."""
    deliveries = events[events["kind"] == "delivery"].groupby("message_id")["ts"]
    opens = events[events["kind"] == "open"].groupby("message_id")["ts"]
    clicks = content_clicks(events).groupby("message_id")["ts"]
    messages = pd.DataFrame(index=pd.Index(events["message_id"].unique()))
    messages["taken"] = messages.index.isin(deliveries.size().index)
    messages["delivered_at"] = deliveries.min()
    messages["last_delivery_at"] = deliveries.max()
    messages["opened"] = messages.index.isin(opens.size().index)
    messages["first_open_at"] = opens.min()
    messages["clicked"] = messages.index.isin(clicks.size().index)
    messages["first_click_at"] = clicks.min()
    messages = messages.join(last_bounces(events, home))
    refused = messages["bounce_kind"].notna()
    after = messages["bounced_at"] > messages["last_delivery_at"]
    not_before = ~(messages["bounced_at"] < messages["last_delivery_at"])
    stands = ~messages["taken"] | after | (messages["bounce_kind"].ne("soft") & not_before)
    messages["bounced"] = refused & stands
    messages["attempted"] = messages["taken"] | refused
    messages["delivered"] = messages["taken"] & ~messages["bounced"]
    return messages


def last_bounces(events: pd.DataFrame, home: Path) -> pd.DataFrame:
    """The last bounce of each message that has one, by its verdict."""
    verdicts = pd.read_parquet(home / "verdicts.parquet")
    verdicts = verdicts.rename(columns={"kind": "bounce_kind"})
    verdicts = verdicts[verdicts["bounce_kind"] != "none"]
    bounces = events[events["kind"] == "bounce"].merge(verdicts, on=["bounce_code", "bounce_text"])
    in_order = bounces.sort_values("ts", na_position="first")
    last = in_order.groupby("message_id").tail(1).set_index("message_id")
    return last[["ts", "bounce_kind"]].rename(columns={"ts": "bounced_at"})


def content_clicks(events: pd.DataFrame) -> pd.DataFrame:
    clicks = events[events["kind"] == "click"]
    return clicks[~clicks["link_url"].str.contains(UNSUBSCRIBE)]


COLUMNS = ["message_id", "kind", "ts", "bounce_code", "bounce_text", "link_url"]


def funnel(home: Path, campaign: str) -> Rows:
    """How far did the messages get?"""
    events = read(home, campaign, COLUMNS)
    messages = messages_of(events, home)
    delivered = messages[messages["delivered"]]
    outcomes = events[events["kind"].isin(FIRST_OUTCOMES)]
    row: dict[str, Any] = {
        "attempted": messages["attempted"].sum(),
        "delivered": len(delivered),
        "late_bounced": (messages["bounced"] & messages["taken"]).sum(),
        "bounced": messages["bounced"].sum(),
        "opened": (delivered["opened"] | delivered["clicked"]).sum(),
        "opened_strict": delivered["opened"].sum(),
        "clicked": delivered["clicked"].sum(),
        "clicks_without_open": (delivered["clicked"] & ~delivered["opened"]).sum(),
        "first_at": outcomes["ts"].min(),
        "last_at": events["ts"].max(),
    }
    return [row]


def links(home: Path, campaign: str) -> Rows:
    """Which links were clicked?"""
    events = read(home, campaign, COLUMNS)
    messages = messages_of(events, home)
    delivered = messages.index[messages["delivered"]]
    clicks = events[(events["kind"] == "click") & events["message_id"].isin(delivered)]
    link = clicks["link_url"].str.partition("?")[0]
    unsubscribe = link.str.contains(UNSUBSCRIBE)
    named = clicks.assign(link_url=link, purpose=np.where(unsubscribe, "unsubscribe", "content"))
    table = named.groupby(["link_url", "purpose"]).agg(
        clickers=("message_id", "nunique"),
        clicks=("message_id", "size"),
        first_at=("ts", "min"),
        last_at=("ts", "max"),
    )
    table["all_clickers"] = clicks["message_id"].nunique()
    return records(table.reset_index())


def timing(home: Path, campaign: str) -> Rows:
    """How fast do people open and click?"""
    delivered = delays(home, campaign)
    rows = []
    for kind in ("open", "click"):
        seconds = delivered[kind].dropna().clip(lower=0)
        quantiles = seconds.quantile(QUANTILES).tolist()
        row = {"kind": kind, "recipients": len(seconds), "delivered": len(delivered)}
        rows.append({**row, **dict(zip(QUANTILE_COLUMNS, quantiles, strict=True))})
    return rows


def curve(home: Path, campaign: str) -> Rows:
    """How many have opened or clicked within so many hours of delivery?"""
    delivered = delays(home, campaign)
    rows: Rows = []
    for kind in ("open", "click"):
        seconds = delivered[kind].dropna()
        hours = np.where(
            seconds <= 72 * 3600, np.ceil(seconds / 3600), 24 * np.ceil(seconds / 86400)
        )
        hours = np.where(seconds < 3600, 1, hours)
        counts = pd.Series(hours).value_counts().sort_index()
        table = pd.DataFrame({"recipients": counts, "cumulative": counts.cumsum()})
        table["hours"] = table.index.astype(int)
        table["kind"] = kind
        table["delivered"] = len(delivered)
        rows += records(table)
    return rows


def delays(home: Path, campaign: str) -> pd.DataFrame:
    """Seconds from the delivery to the first open and the first click of delivered messages."""
    messages = messages_of(read(home, campaign, COLUMNS), home)
    delivered = messages[messages["delivered"]]
    delivered_at = whole_seconds(delivered["delivered_at"])
    return pd.DataFrame(
        {
            "open": whole_seconds(delivered["first_open_at"]) - delivered_at,
            "click": whole_seconds(delivered["first_click_at"]) - delivered_at,
        }
    )


def whole_seconds(moments: pd.Series[Any]) -> Any:
    """Seconds since 1970, parts of a second left out."""
    since_1970 = moments.dt.floor("s") - pd.Timestamp(0, tz="UTC")
    return since_1970.dt.total_seconds()


def records(table: pd.DataFrame) -> Rows:
    rows: Any = table.to_dict("records")
    return list(rows)


if __name__ == "__main__":
    main({"funnel": funnel, "links": links, "timing": timing, "curve": curve})
