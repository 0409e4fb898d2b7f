"""Bounce verdicts of the causes of a layer: each cause is judged once for the rules of today."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from cxtools.events.keys import SEPARATOR, keys_of
from cxtools.events.messages.layer import VERDICTS, Layer, read_rows
from cxtools.measures.kept import KEPT
from cxtools.measures.layer_files import keep_counts, read_counts

if TYPE_CHECKING:
    import pyarrow as pa

    from cxtools.bounce import Judge

#: The column that tells a cause from others, in whatever layer it is.
CAUSE_KEY = "cause_key"
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
        of_campaign = rows.add_column(0, "campaign", names)
        tables.append(of_campaign.select(_schema().names).cast(_schema()))
    return pa.concat_tables(tables)


def _layer_verdicts(layer: Layer, make_judge: Callable[[], Judge], rules_digest: str) -> pa.Table:
    if not rules_digest or not layer.names:  # a layer of no parts is gone with its question
        return _judge_causes(_causes(layer), make_judge())
    key = (layer.version(), rules_digest)
    return KEPT.once((key, VERDICTS), partial(_read_or_judge, layer, make_judge, rules_digest))


def _read_or_judge(layer: Layer, make_judge: Callable[[], Judge], rules_digest: str) -> pa.Table:
    """Those that were kept, of whatever layer it was; causes that are new are judged."""
    import pyarrow as pa
    import pyarrow.compute as pc

    causes = _causes(layer)
    kept = read_counts(layer, VERDICTS, rules_digest)
    known = _file_schema().empty_table() if kept is None else kept
    is_new = pc.invert(pc.is_in(causes[CAUSE_KEY], known[CAUSE_KEY]))
    new = causes.filter(is_new)
    if len(new):
        known = pa.concat_tables([known, _judge_causes(new, make_judge())])
    verdicts = known.take(pc.index_in(causes[CAUSE_KEY], known[CAUSE_KEY]))
    numbers = verdicts.column_names.index("cause_id")
    verdicts = verdicts.set_column(numbers, verdicts.schema.field(numbers), causes["cause_id"])
    if kept is None or len(new):
        keep_counts(layer, VERDICTS, rules_digest, verdicts)
    return verdicts


def _causes(layer: Layer) -> pa.Table:
    """
    The causes of a layer, each with its key: a number by which it is known in all layers, while
    each layer counts its causes in the order in which it met them.
    """
    import pyarrow.compute as pc

    [file] = layer.files("causes")
    causes = read_rows(file)
    texts = [causes[name] for name in ("bounce_code", "cause", "bounce_class")]
    return causes.append_column(CAUSE_KEY, keys_of(pc.binary_join_element_wise(*texts, SEPARATOR)))


def _judge_causes(causes: pa.Table, judge: Judge) -> pa.Table:
    import pyarrow as pa

    rows = []
    for cause in causes.to_pylist():
        words = (cause["bounce_code"], cause["cause"], cause["bounce_class"])
        verdict = judge.classify_cause(*words)
        row = {word: getattr(verdict, word) for word in VERDICT_WORDS}
        row["cause_id"] = cause["cause_id"]
        row[CAUSE_KEY] = cause[CAUSE_KEY]
        row["bounce_code"] = cause["bounce_code"]
        row["confidence"] = verdict.confidence
        row["is_unauthenticated"] = verdict.is_unauthenticated
        rows.append(row)
    return pa.Table.from_pylist(rows, _file_schema())


def _file_schema() -> pa.Schema:
    """What is kept: the columns of a campaign's verdicts, and the key of each cause."""
    import pyarrow as pa

    schema = _schema()
    of_campaign = schema.remove(schema.get_field_index("campaign"))
    return of_campaign.append(pa.field(CAUSE_KEY, pa.int64()))


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
