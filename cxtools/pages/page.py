"""
An executed notebook in, one self-contained HTML page out.

nbconvert's own templates load scripts from elsewhere and drop plotly's figures without an error, so
the template is ours: verdict first, charts drawn by a bundle of plotly.js inside the page, a
content security policy that lets nothing else run. Nothing random and no clock: the same notebook
and moment give the same page, byte by byte.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from nbconvert.exporters.html import HTMLExporter
from traitlets.config import Config

from cxtools import __version__, formats, wording
from cxtools.charts import style
from cxtools.charts.display import MIME as TABLE_MIME
from cxtools.errors import ReportError
from cxtools.pages.checks import check_page
from cxtools.pages.executed import Origin, check_finished, is_banner, origin_of
from cxtools.pages.facts import PageFacts, facts_of, script_json
from cxtools.pages.figures import FIGURE_MIME, PageFigure, check_figures, take_figures
from cxtools.pages.glossary import definitions, mark_jargon
from cxtools.pages.links import with_words
from cxtools.pages.numbers import Numbers, packed, take_tables
from cxtools.pages.parameters import holds_parameters
from cxtools.pages.widgets import replace_widgets

HERE = Path(__file__).parent
TEMPLATES = HERE / "template"
BUNDLE = HERE / "assets" / "plotly-bundle.js.deflate"
BUNDLE_PLACE = "<!-- bundle -->"

MAX_BYTES = 900_000
PRINT_WIDTH = 640  # px: A4 less margins and the figure's frame
POLICY = (
    "default-src 'none'; script-src {digests} blob:; style-src 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'"
)
#: Runs before anything is shown. A page without it, or without any script, shows its tables open:
#: mail gateways and previews remove scripts, and some of them leave `noscript` unread.
HEAD_SCRIPT = 'document.documentElement.classList.add("live")'
#: The representations of an output, the first that it has is shown.
PREFERENCE = [FIGURE_MIME, TABLE_MIME, "text/html", "text/markdown", "text/plain"]

#: A row of the audit log and its hash.
Anchor = tuple[int, str]


@dataclass
class Section:
    """The cells under one heading; the first section has the verdict, and no heading."""

    id: str
    title: str = ""
    cells: list[Any] = field(default_factory=list)


def render_page(notebook: Any, *, name: str = "", anchor: Anchor | None = None) -> str:
    """
    The page of an executed notebook; *name* is for one that doesn't tell which report it is,
    *anchor* the audit log's last row and its hash, for the footer.

    Raises:
        ReportError: a cell failed or wasn't run, or the page would break a promise: no network, no
        address, only charts that it can draw, at most MAX_BYTES.
    """
    check_finished(notebook)
    notebook = copy.deepcopy(notebook)
    origin = origin_of(notebook, name)
    replace_widgets(notebook)
    figures = take_figures(notebook)
    check_figures(figures)
    tables = take_tables(notebook)
    mark_jargon(notebook, figures)
    content = _page_content(notebook, figures, origin)
    content["anchor"] = anchor
    content |= {"tables": tables, "numbers": packed(_numbers(figures, tables))}
    body, _ = _exporter().from_notebook_node(notebook, {"page": content})
    body = with_words(body)
    check_page(body)
    if figures:
        # After nbconvert, which parses the whole page: half a megabyte less for it to read.
        bundle = f'<script type="text/plain" id="bundle">{_bundle()}</script>'
        body = body.replace(BUNDLE_PLACE, bundle)
    size = len(body.encode())
    if size > MAX_BYTES:
        raise ReportError(
            f"the page has {size:,} bytes, {MAX_BYTES:,} are allowed",
            where=origin.report,
            do="draw fewer points, or split the report",
        )
    return body


def _exporter() -> HTMLExporter:
    """nbconvert with our template, our order of representations, and escaping switched on."""
    config = Config({"NbConvertBase": {"display_data_priority": PREFERENCE}})
    exporter = HTMLExporter(
        config,
        template_name="template",
        extra_template_basedirs=[str(HERE)],
        exclude_anchor_links=True,
    )
    exporter.environment.autoescape = True
    return exporter


def _page_content(
    notebook: Any,
    figures: Sequence[PageFigure],
    origin: Origin,
) -> dict[str, Any]:
    """Everything that the template puts into words."""
    title, lead, sections = _sections(notebook)
    campaign = str(origin.parameters.get("campaign") or "")
    facts = facts_of(
        notebook, report=origin.report, title=title, campaign=campaign, made_at=origin.made_at
    )
    script = template_text("page.js")
    shown_parameters = {name: _parameter_text(value) for name, value in origin.parameters.items()}
    return {
        "title": title,
        "lead": lead,
        "sections": sections,
        "facts": facts,
        "facts_json": facts.to_json(),
        "figures": figures,
        "figures_json": _figures_json(figures),
        "definitions": definitions(notebook, figures),
        "style": template_text("style.css"),
        "head_script": HEAD_SCRIPT,
        "script": script,
        "policy": policy(HEAD_SCRIPT, script),
        "parameters": shown_parameters,
        "window": _window(facts),
        "made": _moment_text(facts.made_at),
        "events": wording.count(facts.events),
        "timezone": formats.current().timezone,
        "locale": formats.current().locale.replace("_", "-"),
        "version": __version__,
    }


def _sections(notebook: Any) -> tuple[str, str, list[Section]]:
    """Title and lead from the first heading, then the cells under each `##`."""
    title = "Report"
    lead = ""
    sections = [Section("verdict")]
    for cell in notebook.cells:
        if holds_parameters(cell) or is_banner(cell):
            continue
        heading = _heading(cell)
        if heading:
            level, text = heading
            cell.source = cell.source.partition("\n")[2].strip()
            if level == "##":
                sections.append(Section(f"section-{len(sections)}", text))
            else:
                title = text
                lead = cell.source
                cell.source = ""
        sections[-1].cells.append(cell)
    return title, lead, sections


def _heading(cell: Any) -> tuple[str, str] | None:
    """Level and text of the heading that a markdown cell begins with."""
    match = re.match(r"(#{1,2}) +(.+)", cell.source)
    if match is None or cell.cell_type != "markdown":
        return None
    return match[1], match[2].strip()


def _figures_json(figures: Sequence[PageFigure]) -> str:
    """What the page's script draws: figures, and the night's twin of each colour."""
    night = dict(style.PALETTE.values())
    return script_json(
        {
            "figures": [figure.to_dict() for figure in figures],
            "palette": night,
            "print_width": PRINT_WIDTH,
        }
    )


def _numbers(figures: Sequence[PageFigure], tables: Sequence[Numbers]) -> list[Numbers]:
    """The numbers of a page in the order in which its script finds them."""
    return [*(figure.numbers for figure in figures), *tables]


def _parameter_text(value: Any) -> str:
    """A parameter's value for the page's footer."""
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value)
    if value is None or value == "":
        return wording.MISSING
    return str(value)


def _window(facts: PageFacts) -> str:
    """From the first event to the last; "" where there are none."""
    if facts.first_at is None or facts.last_at is None:
        return ""
    return f"{_moment_text(facts.first_at)} to {_moment_text(facts.last_at)}"


def _moment_text(moment: str | None) -> str:
    """A moment of the facts; "" where it isn't known."""
    return wording.moment_text(datetime.fromisoformat(moment)) if moment else ""


def policy(*scripts: str) -> str:
    """What the page may do: run these scripts, and the library that they unpack."""
    return POLICY.format(digests=" ".join(_digest(script) for script in scripts))


def _digest(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"


@cache
def template_text(name: str) -> str:
    """A file of the template."""
    return (TEMPLATES / name).read_text(encoding="utf-8").strip()


@cache
def _bundle() -> str:
    return base64.b64encode(BUNDLE.read_bytes()).decode()
