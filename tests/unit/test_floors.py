"""
The house stands on its floors: a module imports only what lies below it, and judgement does no I/O.

A new module chooses its floor by being written into FLOORS; within a floor, steps parted by a line
are in order too. `charts.*` is every module of the folder that isn't named: a new figure, and a new
file of the catalogue, have their floor without a word.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "cxtools"

#: floor -> its steps; a module may import any module of an earlier step, never one of its own
FLOORS = {
    "words": [
        "addresses errors formats identity sql_files text",
        "erasures model settings.hosts settings.secret sheets wording",
        "settings.types",
        "settings.values",
        "settings.reference settings.sources",
        "settings",
    ],
    "judgement": [
        "measures measures.control measures.question measures.sql measures.stats "
        "queries queries.columns queries.rules",
        "measures.catalogue.delivery measures.history",
        "measures.catalogue.*",
        "api api.answer api.backoff api.breaker api.gate "
        "bounce.policy bounce.reason "
        "events events.blocks events.feeds.values events.feeds.words events.keys events.tables "
        "ledger ledger.audit ledger.people ledger.states ledger.streak "
        "refresh refresh.reports "
        "measures.catalogue "
        "sending sending.address sending.exclusion sending.row "
        "verdicts verdicts.limits "
        "webhooks webhooks.signature",
        "api.outcome api.redaction api.refusals "
        "bounce.classes bounce.codes bounce.phrases "
        "events.feeds.moments events.feeds.nested events.lines "
        "sending.findings sending.retry sending.spec "
        "measures.choices measures.differences measures.providers measures.rates measures.samples measures.table "
        "verdicts.checks verdicts.trust",
        "measures.benchmarks measures.domain_kinds measures.periods measures.stretches events.feeds.dialect refresh.due refresh.notices "
        "verdicts.changes verdicts.places",
        "measures.alert measures.drift measures.series",
        "measures.departures measures.explanations",
        "measures.trend",
        "measures.trend_notes measures.trend_rows",
        "measures.league",
        "events.feeds.columns verdicts.actions",
        "events.feeds.envelopes events.feeds.plain events.feeds.wide",
        "events.feeds.*",
        "api.documents api.grants bounce.index bounce.verdict sending.message events.feeds "
        "verdicts.facts",
        "sending.hygiene sending.plan bounce.rules events.recognition events.wrappers verdicts.cards "
        "verdicts.sentences",
        "bounce.judges verdicts.verdict",
        "verdicts.brief",
        "bounce.lines",
        "bounce",
    ],
    "pictures": [
        "charts.groups charts.rows charts.style",
        "charts.cells charts.columns charts.headlines",
        "charts.tables charts.verdicts",
        "charts.still",
        "charts.frame",
        "charts.bars charts.display charts.heatmap",
        "charts.*",
        "charts.differences charts.funnel",
        "charts.words",
        "charts",
    ],
    "files": [
        "files progress queries.worker streams tables tables.layout",
        "mail_servers queries.process",
        "tables.containers tables.delimited",
        "tables.encodings tables.workbook",
    ],
    "doors": [
        "events.clauses events.database events.hashes events.rejects events.own_folder events.replacements events.segments",
        "events.index events.kept_segments events.spark_folder",
        "events.messages events.messages.layer events.messages.sql events.parts events.spark",
        "events.compaction events.known events.relations",
        "events.erasure",
        "events.messages.causes events.messages.identity events.messages.purposes events.messages.rows",
        "events.messages.build",
        "events.csv_rows events.embedded_json events.json_texts events.json_windows events.log_lines "
        "events.parquet_rows events.sheet_rows",
        "api.event_pages events.json_rows",
        "api.connections api.pacer "
        "events.instructions events.reading events.rows events.store events.summary "
        "ledger.database ledger.schema ledger.spool ledger.workers "
        "sending.digests sending.recipients",
        "bounce.own_rules api.wire events.messages.current "
        "events.samples events.spark_relations "
        "ledger.answers ledger.audit_log ledger.judgements ledger.quota ledger.report_runs "
        "ledger.transitions "
        "ledger.version ledger.wave",
        "api.auth api.transport events.importing ledger.backup ledger.plans ledger.suppressions webhooks.allowed",
        "ledger.erasures ledger.purge",
        "api.retrier ledger.batches ledger.outbox ledger.upgrade",
        "api.reader api.submitter ledger.jobs ledger.posts sending.groups",
        "sending.campaign api.client ledger.unknown",
        "ledger.ledger",
    ],
    "questions and deeds": [
        "measures.bounced",
        "measures.kept measures.layer_files",
        "measures.cause_verdicts measures.counts_digest measures.cuts measures.definitions "
        "measures.own_providers measures.own_purposes measures.rules_digest measures.segments "
        "sending.segments",
        "measures.ended_messages",
        "measures.messages",
        "measures.cells measures.distinct_events",
        "measures.cut_relations",
        "measures.session",
        "measures.engine",
        "context measures.ages measures.outcomes queries.views sending.left_out",
        "measures.answers measures.people queries.ask sending.status",
        "mailboxes",
        "sending.clearance sending.dry_run sending.follow sending.list_hygiene sending.post sending.suppress sending.suppression_lists "
        "verdicts.evidence verdicts.own_limits webhooks.deliver webhooks.message",
        "sending.collect sending.submit sending.unknown",
        "sending.send sending.waves",
    ],
    "faces": [
        "simulated refresh.inbox",
        "connection refresh.messages pages people pages.checks pages.disk pages.facts pages.kernel pages.links "
        "pages.parameters pages.widgets",
        "campaigns pages.earlier pages.executed pages.numbers people.addresses people.documents refresh.channels",
        "people.forget people.person people.purge",
        "pages.figures pages.portfolio people.timeline",
        "inquiry",
        "explorer explorer.choice explorer.picks",
        "explorer.answers",
        "explorer.panel",
        "explorer.behind",
        "explorer.controls",
        "explorer.shown pages.catalogue pages.glossary pages.paper",
        "pages.execution pages.page",
        "pages.index",
        "pages.exporter pages.notebook_jobs",
        "pages.run",
        "notebook refresh.make",
        "refresh.refresh",
        "doctor",
    ],
    "demo": ["demo"],
    "doorway": [
        "__init__ cli.exits cli.log cli.options",
        "cli.session",
        "cli.forms",
        "cli.audit cli.campaigns cli.classify cli.experiments cli.hygiene cli.imports cli.ledger cli.people cli.providers cli.questions cli.refresh cli.reports "
        "cli.statements "
        "cli.store cli.suppressions cli.tools cli.verdict cli.webhooks",
        "cli.program",
        "cli",
        "cli.__main__",
    ],
}
IMPURE_IMPORTS = {
    "duckdb",
    "http.client",
    "http.server",
    "os",
    "pathlib",
    "requests",
    "secrets",
    "shutil",
    "socket",
    "sqlalchemy",
    "sqlite3",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "urllib.request",
    "urllib3",
}
CLOCKS = {"now", "utcnow", "today", "monotonic", "perf_counter"}


def modules(folder: Path = PACKAGE) -> dict[str, Path]:
    """Name below `cxtools` -> file; a package has the name of its folder."""
    names = {
        path: ".".join(path.relative_to(folder).with_suffix("").parts)
        for path in folder.rglob("*.py")
    }
    return {
        name if name == "__init__" else name.removesuffix(".__init__"): path
        for path, name in names.items()
    }


def simulator(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] == "simulator"


HOUSE = {name: path for name, path in modules().items() if not simulator(name)}
BESIDE = {name: path for name, path in modules().items() if simulator(name)}


def step_modules(step: str) -> list[str]:
    """The modules of a step; `charts.*` stands for those of the folder that no step names."""
    named = {word for steps in FLOORS.values() for each in steps for word in each.split()}
    found: list[str] = []
    for word in step.split():
        folder = word.removesuffix("*")
        others = [name for name in HOUSE if name.startswith(folder) and name not in named]
        found += others if word.endswith(".*") else [word]
    return found


STEPS = [step_modules(step) for floor in FLOORS.values() for step in floor]
STEP_OF = {module: number for number, step in enumerate(STEPS) for module in step}

#: settings look into the environment and their files by themselves; all it finds can be handed in as
#: arguments
PURE = [
    module
    for floor in ("words", "judgement", "pictures")
    for step in FLOORS[floor]
    for module in step_modules(step)
    if module.split(".")[0] != "settings"
]


def nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes that run: what stands under `if TYPE_CHECKING` doesn't."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        yield from nodes(node)


def imported(path: Path) -> set[str]:
    """
    Absolute names of all that a file imports at run time, also inside functions; `from a import b`
    gives a.b.
    """
    names: set[str] = set()
    for node in nodes(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: imports are written in full"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def ours(path: Path) -> set[str]:
    """
    The modules of the house that a file imports: of `cxtools.a.b` the longest part that is a
    module.
    """
    below = {
        name.removeprefix("cxtools.") for name in imported(path) if name.startswith("cxtools.")
    }
    return {
        module
        for name in below
        if (module := name if name in STEP_OF else name.rpartition(".")[0]) in STEP_OF
        or simulator(module)
    }


def test_every_module_has_a_floor() -> None:
    """Whoever adds a module says where it stands; whoever removes one cleans up."""
    without_a_floor = set(HOUSE) - set(STEP_OF)
    without_a_module = set(STEP_OF) - set(HOUSE)

    assert (set(), set()) == (without_a_floor, without_a_module)


@pytest.mark.parametrize("name", sorted(set(HOUSE) & set(STEP_OF)))
def test_imports_point_down(name: str) -> None:
    """A module imports only modules of earlier steps, never a neighbour."""
    upward = {
        other
        for other in ours(HOUSE[name])
        if not simulator(other) and STEP_OF[other] >= STEP_OF[name]
    }

    assert set() == upward


#: Who imports by name, where a reader of the imports can't see it -> what for.
BY_NAME = {
    "__init__": "the public names, each at its first use",
    "bounce": "its public names, each at its first use: most who mask a text need no rules",
    "charts": "the figures of the folder, one a file",
    "events": "the notebook's function of that name, which stands above",
    "events.feeds": "the files of the folder, one a vendor",
    "measures.table": "the pictures of a table: they stand above it, and are asked for by chart(),"
    " text() and a notebook",
    "verdicts.verdict": "how a verdict looks, for a notebook and a page, in the same way",
}


def test_imports_by_name_are_known() -> None:
    """An import that this test can't read could point up unseen."""
    by_name = {name for name, path in HOUSE.items() if "importlib.import_module" in imported(path)}

    assert set(BY_NAME) == by_name


@pytest.mark.parametrize("name", sorted(set(HOUSE) & set(PURE)))
def test_judgement_has_no_clock_no_dice_and_no_door(name: str) -> None:
    """
    Words and judgement compute from their arguments: nothing to fake in a test, the same answer
    tomorrow.
    """
    found = {
        module
        for module in imported(HOUSE[name])
        for door in IMPURE_IMPORTS
        if f"{module}.".startswith(f"{door}.")
    }
    calls = [
        node.func
        for node in nodes(ast.parse(HOUSE[name].read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]
    clocks = {
        call.attr for call in calls if isinstance(call, ast.Attribute) and call.attr in CLOCKS
    }
    opened = {
        call.id
        for call in calls
        if isinstance(call, ast.Name) and call.id in {"open", "print", "input"}
    }
    dice = {
        ast.unparse(call) for call in calls if ast.unparse(call).startswith("random.")
    }  # the type random.Random is welcome

    assert set() == found | clocks | opened | dice


@pytest.mark.parametrize("name", sorted(BESIDE))
def test_the_simulator_knows_nothing_of_the_client(name: str) -> None:
    """The wire is written twice by hand, so that a mistake in one is seen by the other."""
    assert set() == {
        other
        for other in imported(BESIDE[name])
        if other.startswith("cxtools.") and not other.startswith("cxtools.simulator")
    }


@pytest.mark.parametrize("name", sorted(HOUSE))
def test_nobody_imports_the_simulator(name: str) -> None:
    """It is started as a process of its own, as a server would be."""
    assert set() == {other for other in ours(HOUSE[name]) if simulator(other)}


def test_the_floors_are_seen_to_break(tmp_path: Path) -> None:
    """
    The test can fail: an upward import inside a function and a clock are both found, an import for
    types is not.
    """
    file = tmp_path / "odd.py"
    file.write_text(
        "if TYPE_CHECKING:\n    import time\ndef f():\n    from cxtools import cli\n    import os.path\n"
    )

    assert {"cxtools.cli", "os.path"} == imported(file)
    assert {"cli"} == ours(file)
