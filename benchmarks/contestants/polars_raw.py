"""Polars over the raw parts, streaming, in an environment of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.contestants.answering import Rows, main, parts_of

QUANTILES = {"p10_s": 0.1, "p25_s": 0.25, "median_s": 0.5, "p75_s": 0.75, "p90_s": 0.9}
KIND = pl.col("kind")
TS = pl.col("ts")
UNSUBSCRIBE = pl.col("link_url").str.contains("unsub|preference")
CONTENT_CLICK = (KIND == "click") & ~UNSUBSCRIBE


def messages_of(home: Path, campaign: str) -> Any:
    """One row for each message: what became of it, and when."""
    events = pl.scan_parquet(parts_of(home, campaign))
    facts = events.group_by("message_id").agg(
        TS.filter(KIND.is_in(["delivery", "bounce"])).min().alias("first_at"),
        TS.max().alias("last_at"),
        (KIND == "delivery").any().alias("taken"),
        TS.filter(KIND == "delivery").min().alias("delivered_at"),
        TS.filter(KIND == "delivery").max().alias("last_delivery_at"),
        (KIND == "open").any().alias("opened"),
        TS.filter(KIND == "open").min().alias("first_open_at"),
        CONTENT_CLICK.any().alias("clicked"),
        TS.filter(CONTENT_CLICK).min().alias("first_click_at"),
    )
    bounced_at = pl.col("bounced_at")
    last_delivery_at = pl.col("last_delivery_at")
    refused = pl.col("bounce_kind").is_not_null()
    after = (bounced_at > last_delivery_at).fill_null(value=False)
    at_once = (bounced_at == last_delivery_at).fill_null(value=True)
    stands = ~pl.col("taken") | after | ((pl.col("bounce_kind") != "soft") & at_once)
    return (
        facts.join(last_bounces(events, home), on="message_id", how="left")
        .with_columns(bounced=refused & stands, attempted=pl.col("taken") | refused)
        .with_columns(delivered=pl.col("taken") & ~pl.col("bounced"))
    )


def last_bounces(events: Any, home: Path) -> Any:
    """The last bounce of each message that has one, by its verdict."""
    verdicts = pl.scan_parquet(home / "verdicts.parquet").rename({"kind": "bounce_kind"})
    return (
        events.filter(KIND == "bounce")
        .select("message_id", "ts", "bounce_code", "bounce_text")
        .join(verdicts, on=["bounce_code", "bounce_text"])
        .filter(pl.col("bounce_kind") != "none")
        .sort("ts", nulls_last=False)
        .group_by("message_id", maintain_order=True)
        .last()
        .select("message_id", "bounce_kind", bounced_at=TS)
    )


def funnel(home: Path, campaign: str) -> Rows:
    """How far did the messages get?"""
    delivered = pl.col("delivered")
    clicked = delivered & pl.col("clicked")
    counts = messages_of(home, campaign).select(
        attempted=pl.col("attempted").sum(),
        delivered=delivered.sum(),
        late_bounced=(pl.col("taken") & pl.col("bounced")).sum(),
        bounced=pl.col("bounced").sum(),
        opened=(delivered & (pl.col("opened") | pl.col("clicked"))).sum(),
        opened_strict=(delivered & pl.col("opened")).sum(),
        clicked=clicked.sum(),
        clicks_without_open=(clicked & ~pl.col("opened")).sum(),
        first_at=pl.col("first_at").min(),
        last_at=pl.col("last_at").max(),
    )
    return collected(counts)


def links(home: Path, campaign: str) -> Rows:
    """Which links were clicked?"""
    events = pl.scan_parquet(parts_of(home, campaign))
    delivered = messages_of(home, campaign).filter("delivered").select("message_id")
    clicks = (
        events.filter(KIND == "click")
        .select("event_id", "message_id", "ts", "link_url")
        .unique("event_id")
        .join(delivered, on="message_id", how="semi")
        .with_columns(
            link_url=pl.col("link_url").str.split("?").list.first(),
            purpose=pl.when(UNSUBSCRIBE).then(pl.lit("unsubscribe")).otherwise(pl.lit("content")),
        )
        .collect(engine="streaming")
    )
    table = clicks.group_by("link_url", "purpose").agg(
        clickers=pl.col("message_id").n_unique(),
        clicks=pl.len(),
        first_at=TS.min(),
        last_at=TS.max(),
    )
    everyone = clicks["message_id"].n_unique()
    rows: Rows = table.with_columns(all_clickers=pl.lit(everyone)).to_dicts()
    return rows


def timing(home: Path, campaign: str) -> Rows:
    """How fast do people open and click?"""
    delivered = delays(home, campaign)
    rows = []
    for kind in ("open", "click"):
        seconds = delivered[kind].drop_nulls().clip(lower_bound=0)
        row = {"kind": kind, "recipients": len(seconds), "delivered": len(delivered)}
        for name, share in QUANTILES.items():
            row[name] = seconds.quantile(share, interpolation="linear")
        rows.append(row)
    return rows


def curve(home: Path, campaign: str) -> Rows:
    """How many have opened or clicked within so many hours of delivery?"""
    delivered = delays(home, campaign)
    rows: Rows = []
    for kind in ("open", "click"):
        seconds = pl.col(kind)
        hours = (
            pl.when(seconds < 3600)
            .then(1)
            .when(seconds <= 72 * 3600)
            .then((seconds / 3600).ceil())
            .otherwise(24 * (seconds / 86_400).ceil())
        )
        table = (
            delivered.select(seconds.drop_nulls())
            .group_by(hours.cast(pl.Int64).alias("hours"))
            .agg(recipients=pl.len())
            .sort("hours")
            .with_columns(
                cumulative=pl.col("recipients").cum_sum(),
                kind=pl.lit(kind),
                delivered=pl.lit(len(delivered)),
            )
        )
        rows += table.to_dicts()
    return rows


def delays(home: Path, campaign: str) -> Any:
    """Seconds from the delivery to the first open and the first click of delivered messages."""
    delivered_at = whole_seconds("delivered_at")
    table = (
        messages_of(home, campaign)
        .filter("delivered")
        .select(
            open=whole_seconds("first_open_at") - delivered_at,
            click=whole_seconds("first_click_at") - delivered_at,
        )
    )
    return table.collect(engine="streaming")


def whole_seconds(name: str) -> Any:
    return pl.col(name).dt.epoch("s")


def collected(table: Any) -> Rows:
    rows: Rows = table.collect(engine="streaming").to_dicts()
    return rows


if __name__ == "__main__":
    main({"funnel": funnel, "links": links, "timing": timing, "curve": curve})
