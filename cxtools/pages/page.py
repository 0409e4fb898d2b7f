"""
An executed notebook in, one self-contained HTML page out; and the checks that a page must pass
before it is written.

nbconvert's own templates load scripts from elsewhere and drop plotly's figures without an error, so
the template is ours:
verdict first, charts drawn by a bundle of plotly.js inside the page, a content security policy that
lets nothing else run. Nothing random and no clock: the same notebook gives the same page, byte by
byte.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import html as _html
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jinja2
from nbconvert.exporters.html import HTMLExporter
from traitlets.config import Config

from cxtools import __version__, wording
from cxtools.charts import style, tables
from cxtools.charts.verdicts import MIME, SYMBOLS
from cxtools.errors import ReportError
from cxtools.files import write_whole

FIGURE = "application/vnd.plotly.v1+json"
MAX_BYTES = 900_000
POLICY = (
    "default-src 'none'; script-src 'sha256-{digest}' blob:; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)
PRINT_WIDTH = 640  # px: A4 less margins and the figure's frame
HERE = Path(__file__).parent


def render_page(
    notebook: Any,
    *,
    name: str,
    parameters: Mapping[str, Any],
    anchor: tuple[int, str] | None = None,
) -> str:
    """
    The page of an executed notebook; *anchor* is the audit trail's last row and its hash, for the
    footer.

    Raises:
        ReportError: the page would break a promise of `check_page`.
    """
    notebook = copy.deepcopy(notebook)
    drawings = _figures(notebook)
    page = _page(notebook, drawings, name, parameters, anchor)
    body, _ = _exporter().from_notebook_node(notebook, {"page": page})
    # After nbconvert, which parses the whole page once more: half a megabyte less for it to read.
    bundle = f'<script type="text/plain" id="bundle">{_bundle()}</script>' if drawings else ""
    check_page(body, drawings)
    whole = body.replace("<!-- bundle -->", bundle)
    if len(whole.encode()) > MAX_BYTES:
        raise ReportError(
            f"the page has {len(whole.encode()):,} bytes, {MAX_BYTES:,} are allowed",
            where=name,
            do="draw fewer points, or split the report",
        )
    return whole


def _exporter() -> HTMLExporter:
    """
    nbconvert with our template, plotly's figures first among the representations, and escaping
    switched on.
    """
    order = {
        "NbConvertBase": {
            "display_data_priority": [FIGURE, "text/html", "text/markdown", "text/plain"]
        }
    }
    exporter = HTMLExporter(
        Config(order),
        template_name="template",
        extra_template_basedirs=[str(HERE)],
        exclude_anchor_links=True,
    )  # type: ignore[no-untyped-call]
    exporter.environment.autoescape = True
    return exporter


def check_page(body: str, drawings: Sequence[Mapping[str, Any]] = ()) -> None:
    """
    Refuse a page that asks the network for anything, shows an address, or holds a chart that the
    bundle can't draw.

    >>> check_page('<p>j***@example.com</p>')
    >>> check_page('<img src="https://example.com/x.png">')
    Traceback (most recent call last):
        ...
    cxtools.errors.ReportError: the page would load something from elsewhere  [<img src="https:]
      -> show it as a link, or leave it out
    """
    if outside := OUTSIDE.search(body):
        raise ReportError(
            "the page would load something from elsewhere",
            where=outside[0][:40],
            do="show it as a link, or leave it out",
        )
    if found := addresses(body):
        raise ReportError(
            f"{len(found)} e-mail addresses stand in the page unmasked",
            do="mask them in the measure that returns them (cxtools.text.mask_address)",
        )
    for figure in drawings:
        if strange := sorted(
            {trace.get("type", "scatter") for trace in figure["spec"]["data"]} - set(style.TRACES)
        ):
            raise ReportError(
                f"the page can't draw {', '.join(strange)}",
                where=str(figure["title"]),
                do=f"draw it with {', '.join(style.TRACES)}, or extend report/assets/build.sh",
            )


#: What makes a browser ask elsewhere without a click: any element but a link with an address, a
#: style that imports, a refresh.
OUTSIDE = re.compile(
    r"""<(?!a\b)[a-z][^>]*\s(?:src|srcset|href|data|poster|action|background)\s*=\s*["']?\s*(?:https?:|//)"""
    r"""|@import\b|url\(\s*["']?(?:https?:|//)|<base\b|http-equiv=["']?refresh""",
    re.I,
)
#: Anchored and possessive: a megabyte without an @ is read once, not once per letter.
ADDRESS = re.compile(r"(?<![\w.%+\-])[\w.%+\-]++@(?:[A-Za-z0-9\-]{1,63}\.){1,8}[A-Za-z]{2,63}")


def addresses(text: str) -> set[str]:
    """
    The unmasked addresses in a text, also those written as entities, in a link or in JSON.

    >>> sorted(addresses('a***@x.org ann&#64;x.org <a href="/?to=bob%40x.org">'))
    ['ann@x.org', 'bob@x.org']
    """
    return set(ADDRESS.findall(unquote(_html.unescape(text.replace("\\u0040", "@")))))


def write_index(folder: Path) -> Path:
    """
    `index.html` of a folder: its reports by date, campaign and verdict, read from the pages
    themselves.
    """
    reports = sorted(
        (about for file in sorted(folder.glob("*.html")) if (about := _about(file))),
        key=lambda about: (about["campaign"], about["title"]),
    )
    reports.sort(key=lambda about: about["last_at"], reverse=True)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "template"), autoescape=True
    )
    body = environment.get_template("folder.html.j2").render(
        reports=reports, style=_asset("style.css")
    )
    check_page(body)
    return write_text(folder / "index.html", body)


def write_text(file: Path, text: str) -> Path:
    """
    Written whole or not at all: a reader never meets half a page. It is as private as its folder.

    Raises:
        ReportError: the disk refuses it; nothing is left of it.
    """
    try:
        mode = file.parent.stat().st_mode & 0o666
        return write_whole(file, text.encode(), mode=mode)
    except OSError as failed:
        raise ReportError(
            f"the report can't be written: {failed.strerror}",
            where=str(file),
            do="free some disk space, or name another folder with --out",
        ) from failed


def _about(file: Path) -> dict[str, Any] | None:
    """What a page says of itself; None for a file that is no report of ours."""
    block = re.search(
        r'<script[^>]*\bid="about"[^>]*>(.*?)</script>',
        file.read_text(encoding="utf-8")[:200_000],
        re.S,
    )
    if not block:
        return None
    about = dict.fromkeys(("campaign", "word", "headline", "last_at"), "")
    about |= {key: said for key, said in json.loads(block[1]).items() if said}
    return about | {
        "file": file.name,
        "until": _moment(about["last_at"]),
        "tone": about["word"].lower().replace(" ", "-"),
        "symbol": SYMBOLS.get(about["word"], ""),
    }


def _page(
    notebook: Any,
    drawings: list[dict[str, Any]],
    name: str,
    parameters: Mapping[str, Any],
    anchor: tuple[int, str] | None,
) -> dict[str, Any]:
    """Everything that the template puts into words."""
    title, lead, sections = _sections(notebook)
    about = {
        "report": name,
        "title": title,
        "campaign": str(parameters.get("campaign") or ""),
    } | told(notebook)
    script = _asset("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    night = {light: dark for light, dark in style.PALETTE.values()}
    specs = [
        {"spec": figure["spec"], "columns": figure["columns"], "rows": figure["rows"]}
        for figure in drawings
    ]
    return {
        "title": title,
        "lead": lead,
        "sections": sections,
        "about": about,
        "about_json": _script_json(about),
        "figures": drawings,
        "figures_json": _script_json(
            {"figures": specs, "palette": night, "print_width": PRINT_WIDTH}
        ),
        "style": _asset("style.css"),
        "script": script,
        "policy": POLICY.format(digest=digest),
        "parameters": {key: _shown(given) for key, given in parameters.items()},
        "window": _window(about),
        "anchor": anchor,
        "version": __version__,
    }


def _sections(notebook: Any) -> tuple[str, str, list[dict[str, Any]]]:
    """Title and lead from the first heading, then the cells under each `##`."""
    title, lead = "Report", ""
    sections: list[dict[str, Any]] = [{"id": "verdict", "title": "", "cells": []}]
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get(
            "tags", []
        ) or "injected-parameters" in cell.metadata.get("tags", []):
            continue
        if cell.cell_type == "markdown" and (found := re.match(r"(#{1,2}) +(.+)\n*", cell.source)):
            heading, cell.source = found[2].strip(), cell.source[found.end() :].strip()
            if found[1] == "##":
                sections.append({"id": f"section-{len(sections)}", "title": heading, "cells": []})
            else:
                title, lead, cell.source = heading, cell.source, ""
        sections[-1]["cells"].append(cell)
    return title, lead, sections


def _figures(notebook: Any) -> list[dict[str, Any]]:
    """
    The figures of a notebook: title and caption become text of the page, numbers its data table.
    """
    drawings: list[dict[str, Any]] = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if FIGURE in output.get("data", {}):
                output.metadata["figure"] = len(drawings)
                drawings.append(_figure(output.data[FIGURE], len(drawings) + 1))
    return drawings


def _figure(given: Mapping[str, Any], number: int) -> dict[str, Any]:
    layout = dict(given["layout"])
    meta, title = layout.pop("meta", None) or {}, layout.pop("title", None) or {}
    layout["margin"] = dict(layout.get("margin", {})) | {
        "t": 12 + 20 * bool(layout.get("showlegend")),
        "l": 4,
        "r": 4,
    }
    layout.pop("template", None)
    height = layout.get("height", 360) - 36
    name = meta.get("title") or re.sub(r"<[^>]+>", "", title.get("text", "")) or f"Figure {number}"
    columns, rows = meta.get("columns", []), meta.get("rows", [])
    return {
        "number": number,
        "title": name,
        "caption": meta.get("caption", ""),
        "drawn": bool(given["data"]),
        "columns": columns,
        "rows": rows,
        "height": height,
        "more": wording.cut(len(rows), meta.get("of", len(rows))),
        "table": tables.html_table(meta.get("shown", columns), rows),
        "file": f"{number}-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.csv",
        "spec": {"data": given["data"], "layout": layout | {"height": height}},
    }


def told(notebook: Any) -> dict[str, Any]:
    """
    What the notebook's verdict says in data (campaign, word, headline, …); {} for a report without
    one.
    """
    found = (
        output["data"][MIME]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if MIME in output.get("data", {})
    )
    return dict(next(found, {}))


def _window(about: Mapping[str, Any]) -> str:
    ends = [about.get("first_at"), about.get("last_at")]
    return " to ".join(map(_moment, ends)) if all(ends) else ""


def _moment(iso: str | None) -> str:
    return wording.moment_text(datetime.fromisoformat(iso)) if iso else wording.MISSING


def _shown(given: Any) -> str:
    return (
        ", ".join(map(str, given))
        if isinstance(given, list | tuple)
        else wording.MISSING
        if given in (None, "")
        else str(given)
    )


def _script_json(content: Any) -> str:
    """JSON that can't end its script element, nor break a line for JavaScript."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return re.sub("[<>&\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", text)


@cache
def _asset(name: str) -> str:
    return (HERE / "template" / name).read_text(encoding="utf-8").strip()


@cache
def _bundle() -> str:
    return base64.b64encode((HERE / "assets" / "plotly-bundle.js.deflate").read_bytes()).decode()
