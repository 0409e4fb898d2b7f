"""The pages of the reference that are made from the code, so that they can't differ from it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

import cxtools
from cxtools import wording
from cxtools.cli.program import app
from cxtools.events import feeds
from cxtools.measures.catalogue import DIMENSIONS, QUESTIONS
from cxtools.measures.question import docstring
from cxtools.queries.columns import VIEWS, view_columns
from cxtools.settings import SOURCE_VARIABLES, setting_rows
from cxtools.verdicts.limits import LIMITS, PLACE_LIMITS

#: Each feed's samples, and beside them the events that are made of them.
SAMPLES = Path(__file__).parents[1] / "tests" / "feeds"


def write_pages(folder: Path) -> None:
    """Write every made page into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {
        "commands": commands_page(),
        "feeds": feeds_page(),
        "limits": limits_page(),
        "python": python_page(),
        "questions": questions_page(),
        "settings": settings_page(),
        "views": views_page(),
    }
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


def commands_page() -> str:
    """Every command with what it does and its options, as the command line itself has them."""
    lines = ["# Commands", "", "Results go to stdout, everything for people to stderr."]
    for name, command in every_command(typer.main.get_command(app), "cxtools"):
        lines += ["", f"## {name}", "", paragraph(command.help)]
        rows = [option_row(option) for option in command.params if option.name != "help"]
        if rows:
            lines += ["", "| option | is |", "|---|---|", *rows]
    return "\n".join(lines) + "\n"


def every_command(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The commands below a group, by the words that are typed; typer's classes are its own."""
    below = getattr(command, "commands", {})
    if not below:
        yield name, command
    for word, each in below.items():
        yield from every_command(each, f"{name} {word}")


def option_row(option: Any) -> str:
    """One row of a table of options; an argument stands as its name in capitals."""
    words = ", ".join(f"`{word}`" for word in option.opts if word.startswith("-"))
    argument = f"`{(option.name or '').upper()}`"
    meaning = paragraph(getattr(option, "help", None))
    return f"| {words or argument} | {meaning} |"


def paragraph(text: str | None) -> str:
    """A text as one line of a Markdown table."""
    return " ".join((text or "").split()).replace("|", "\\|")


LIMITS_INTRODUCTION = """\
# Limits

What a campaign is held against. Above *warn* it is a WARN, above *fail* for certain a FAIL. For
hard bounces a number that stands above the target is enough; for others it must be more than chance
explains.

A file `limits.toml` in the home sets your own, by the word in the first column:

```toml
[hard]
target = 0.01              # WARN above it
limit = 0.03               # FAIL above it
source = "our contract"
```
"""
PLACES_INTRODUCTION = """\

## At one mailbox provider or domain

Held against every place with at least twenty messages, when it is worse than the rest of the
campaign.
"""


def limits_page() -> str:
    """Every limit with its source."""
    lines = [
        LIMITS_INTRODUCTION,
        "| word | check | of | warn | fail | source |",
        "|---|---|---|---|---|---|",
    ]
    for limit in LIMITS:
        cells = (
            f"`{limit.part}`",
            limit.name,
            limit.whole,
            wording.percent(limit.target),
            wording.percent(limit.limit),
            limit.source,
        )
        lines.append(f"| {' | '.join(cells)} |")
    lines += [PLACES_INTRODUCTION, "| check | warn | fail | source |", "|---|---|---|---|"]
    for place in PLACE_LIMITS:
        name = place.name.format(place=f"a {place.dimension}")
        shares = f"{wording.percent(place.target)} | {wording.percent(place.limit)}"
        lines.append(f"| {name} | {shares} | {place.source} |")
    return "\n".join(lines) + "\n"


def python_page() -> str:
    """Every public name with its docstring, as Shift-Tab shows it in a notebook."""
    lines = ["# Python", "", "Everything below is imported as `import cxtools as cx`."]
    for name in cxtools.__all__:
        value = getattr(cxtools, name)
        lines += ["", f"## cx.{name}", "", "```text", *signature_lines(value)]
        lines += [inspect.getdoc(value) or "", "```"]
        lines += [line for method in public_methods(value) for line in method_lines(method)]
    return "\n".join(lines) + "\n"


def public_methods(value: object) -> list[Any]:
    """The methods of a class that people call; none of a function."""
    if not isinstance(value, type):
        return []
    members = inspect.getmembers(value, inspect.isroutine)
    return [
        method
        for name, method in members
        if name in vars(value) and not name.startswith("_") and hasattr(method, "__qualname__")
    ]


def method_lines(method: Any) -> list[str]:
    """A method below its class."""
    heading = ["", f"### {method.__qualname__}", "", "```text", *signature_lines(method)]
    return [*heading, inspect.getdoc(method) or "", "```"]


def signature_lines(value: object) -> list[str]:
    """How it is called, and an empty line; nothing where Python can't tell."""
    if not callable(value):
        return []
    try:
        return [f"{getattr(value, '__name__', '')}{inspect.signature(value)}", ""]
    except ValueError:
        return []


def feeds_page() -> str:
    """Every feed that `cxtools import` reads, and what its samples tell and don't."""
    lines = [
        "# Feeds",
        "",
        "What `cxtools import --format` takes. `auto` asks each of them, in this order, whether a",
        "row is its own: each row of JSON by itself, a table by the names of its columns.",
        "",
        "| `--format` | events of | how to export | its words come from |",
        "|---|---|---|---|",
    ]
    for name in feeds.NAMES:
        feed = feeds.feed(name)
        lines.append(f"| `{name}` | {feed.TITLE} | {paragraph(feed.EXPORT)} | {feed.SOURCE} |")
    lines += [
        "",
        "## What a feed tells",
        "",
        "Found in the samples that the tests read. *Times* and *ids*: whether all events have a",
        "moment and the message's id, some, or none. *Machines*: whether it says what a machine",
        "did. *Class*: whether it has a word of its own for the sort of a bounce.",
        "",
        "| `--format` | kinds | times | ids | machines | class | never tells |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [told_row(name) for name in feeds.NAMES]
    return "\n".join(lines) + "\n"


def told_row(name: str) -> str:
    """What the events of a feed's samples tell, as a row of a table."""
    files = sorted(SAMPLES.joinpath(name).glob("*.events.jsonl"))
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    events = [json.loads(line) for line in lines]
    kinds = sorted({event["kind"] for event in events} - {"unknown"})
    cells = [
        f"`{name}`",
        ", ".join(kinds),
        how_many(events, "ts"),
        how_many(events, "message_id"),
        "yes" if any(event.get("by_machine") for event in events) else "no",
        "yes" if any(event.get("bounce_class") for event in events) else "no",
        paragraph(feeds.feed(name).NEVER_TELLS),
    ]
    return f"| {' | '.join(cells)} |"


def how_many(events: list[dict[str, Any]], field: str) -> str:
    """Whether all events have a field, some of them, or none."""
    count = sum(1 for event in events if event.get(field))
    if count == len(events):
        return "all"
    return "some" if count else "none"


def questions_page() -> str:
    """Every question of the catalogue, and what it can be split and filtered by."""
    lines = [
        "# Questions",
        "",
        "Each question is a function in a notebook (`cx.funnel(…)`), a command",
        "(`cxtools funnel …`)",
        "and a choice in the explorer; the three give the same numbers.",
    ]
    for name, question in QUESTIONS.items():
        lines += ["", f"## {name}", "", "```text", docstring(question, DIMENSIONS).strip(), "```"]
    lines += ["", "## Columns to split and filter by", "", "| column | is |", "|---|---|"]
    lines += [f"| `{each.name}` | {paragraph(each.meaning)} |" for each in DIMENSIONS.values()]
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """Every setting with its variable, type, default and meaning, as `Settings` documents them."""
    lines = [
        "# Settings",
        "",
        "A setting comes from the profile (`profiles.toml`), or from the environment, where it has",
        "a variable. A name with a dot is a key of a table of the profile.",
        "",
        "| setting | variable | type | default | is |",
        "|---|---|---|---|---|",
    ]
    for row in setting_rows():
        kind = row.type.replace("|", "\\|")
        cells = (code(row.name), code(row.variable), kind, code(row.default), row.description)
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "These variables say where settings are.", "", "| variable | is |", "|---|---|"]
    lines += [f"| `{name}` | {text} |" for name, text in SOURCE_VARIABLES.items()]
    return "\n".join(lines) + "\n"


def views_page() -> str:
    """The views that SQL reads, with their columns."""
    told = (
        "What `cx.sql` and `cxtools sql` read. Moments are in UTC. Each segment, as a merge field "
        "or a kept column of an import, is a column of `messages`, too, where a statement names it."
    )
    lines = ["# Views", "", told]
    for view, (_, row) in VIEWS.items():
        lines += ["", f"## {view}", "", f"One row per {row}.", ""]
        lines += ["| column | type | is |", "|---|---|---|"]
        for column in view_columns():
            if column.view == view:
                lines.append(f"| `{column.name}` | {column.type} | {column.meaning} |")
    return "\n".join(lines) + "\n"


def code(text: str) -> str:
    return f"`{text}`" if text else ""
