"""Bounce verdicts of the causes of a layer: each cause is judged once for the rules of today."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from cxtools.events.messages.layer import VERDICTS, Layer, read_rows
from cxtools.measures.kept import KEPT
from cxtools.measures.layer_files import keep_counts, read_counts

if TYPE_CHECKING:
    import pyarrow as pa

    from cxtools.bounce import Judge

#: What is kept of a bounce verdict.
VERDICT_WORDS = ("category", "kind", "retry", "suppress", "rule", "reason")


def verdict_rows(
    layers: Mapping[str, Layer],
    make_judge: Callable[[], Judge],
    rules_digest: str,
) -> pa.Table:
    """
    One row per campaign and cause: campaign, cause_id, bounce_code, the words of the verdict,
    confidence, is_unauthenticated.

    Verdicts are kept by this process, and beside the causes under the digest of the rules, so that
    the next question needs no judge; "" for rules that have no digest: nothing is kept.
    """
    import pyarrow as pa

    tables = [_schema().empty_table()]
    for campaign, layer in layers.items():
        rows = _layer_verdicts(layer, make_judge, rules_digest)
        names = pa.repeat(pa.scalar(campaign, pa.string()), len(rows))
        tables.append(rows.add_column(0, "campaign", names).cast(_schema()))
    return pa.concat_tables(tables)


def _layer_verdicts(layer: Layer, make_judge: Callable[[], Judge], rules_digest: str) -> pa.Table:
    if not rules_digest or not layer.names:  # a layer of no parts is gone with its question
        return _judge(layer, make_judge)
    key = (layer.version(), rules_digest)
    return KEPT.once((key, VERDICTS), partial(_read_or_judge, layer, make_judge, rules_digest))


def _read_or_judge(layer: Layer, make_judge: Callable[[], Judge], rules_digest: str) -> pa.Table:
    """Those that were kept; a layer that was merged may have more causes than they are of."""
    known = read_counts(layer, VERDICTS, rules_digest)
    if known is not None and len(known) == layer.row_count("causes"):
        return known
    rows = _judge(layer, make_judge, known)
    keep_counts(layer, VERDICTS, rules_digest, rows)
    return rows


def _judge(
    layer: Layer, make_judge: Callable[[], Judge], known: pa.Table | None = None
) -> pa.Table:
    """The verdicts of all causes of a layer; only those are judged of which none is known."""
    import pyarrow as pa
    import pyarrow.compute as pc

    [file] = layer.files("causes")
    causes = read_rows(file)
    if known is None:
        return _judge_causes(causes, make_judge())
    new = causes.filter(pc.invert(pc.is_in(causes["cause_id"], known["cause_id"])))
    return pa.concat_tables([known, _judge_causes(new, make_judge())])


def _judge_causes(causes: pa.Table, judge: Judge) -> pa.Table:
    import pyarrow as pa

    rows = []
    for cause in causes.to_pylist():
        words = (cause["bounce_code"], cause["cause"], cause["bounce_class"])
        verdict = judge.classify_cause(*words)
        row = {word: getattr(verdict, word) for word in VERDICT_WORDS}
        row["cause_id"] = cause["cause_id"]
        row["bounce_code"] = cause["bounce_code"]
        row["confidence"] = verdict.confidence
        row["is_unauthenticated"] = verdict.is_unauthenticated
        rows.append(row)
    schema = _schema()
    return pa.Table.from_pylist(rows, schema.remove(schema.get_field_index("campaign")))


def _schema() -> pa.Schema:
    import pyarrow as pa

    texts = [(word, pa.string()) for word in VERDICT_WORDS]
    return pa.schema(
        [
            ("campaign", pa.string()),
            ("cause_id", pa.int32()),
            ("bounce_code", pa.string()),
            *texts,
            ("confidence", pa.float64()),
            ("is_unauthenticated", pa.bool_()),
        ]
    )
