"""
One word has one meaning: the columns of the funnel, the labels of tables, the glossary of a page,
README's list of words and the documentation's page of words say the same.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cxtools import wording
from cxtools.measures.catalogue import QUESTIONS
from cxtools.measures.catalogue.delivery import FUNNEL
from cxtools.measures.question import Column
from cxtools.pages.glossary import TERMS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
WORDS_PAGE = (ROOT / "docs" / "reference" / "words.md").read_text(encoding="utf-8")

COUNTS = [column for column in FUNNEL.columns if column.kind == "messages"]
RATES = list(FUNNEL.rates)
#: Counts that a person reads about; the others are columns for those who compute.
STEPS = ("attempted", "delivered", "bounced", "opened", "clicked")


def spoken(column: str) -> str:
    """A column's name as a sentence has it: `click_to_open_rate` is a click to open rate."""
    return column.replace("_", " ")


def plain(text: str) -> str:
    """Without the hyphens and capitals in which places may differ."""
    return text.replace("-", " ").lower()


def readme_words() -> dict[str, str]:
    """README's list of words: word -> meaning."""
    section = README.split("\n## Words\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", section, re.MULTILINE)
    return {plain(word): meaning for word, meaning in rows}


def glossary() -> dict[str, str]:
    """The glossary of a page: word -> meaning."""
    return {plain(term.word): term.meaning for term in TERMS}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_has_the_same_name_everywhere(step: str) -> None:
    """A column of the funnel, a word in README, on the page of words and in a page's glossary."""
    assert step in [column.name for column in COUNTS]
    assert step in readme_words()
    assert re.search(rf"^{step}\n: ", WORDS_PAGE, re.MULTILINE)
    assert step in glossary()
    assert step == plain(wording.label(step))


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: rate.name)
def test_a_rate_has_one_name_and_one_denominator(rate: Column) -> None:
    """`delivery_rate` is delivered / attempted wherever it is explained."""
    name = plain(spoken(rate.name))
    quotient = f"{rate.part} / {rate.whole}"
    page_row = re.search(rf"^\| ([\w -]+) \| {re.escape(quotient)} \|$", WORDS_PAGE, re.MULTILINE)
    readme_rows = [word for word, meaning in readme_words().items() if quotient in meaning]

    assert quotient == rate.meaning
    assert name == plain(rate.label)
    assert f"{rate.part.capitalize()} of {rate.whole}." == glossary()[name]
    assert page_row is not None
    assert name == plain(page_row[1])
    assert name == "bounce rate" or any(name in word for word in readme_rows)


def test_a_late_bounce_is_one_thing() -> None:
    """The column, the glossary and README's words say that a delivery came first."""
    [column] = [column for column in COUNTS if column.name == "late_bounced"]

    assert "after a delivery" in column.meaning
    assert "after a delivery" in glossary()["late bounce"]
    assert "after a delivery" in readme_words()["bounced"]


def test_a_column_means_the_same_in_every_answer() -> None:
    """Counts of the funnel that other questions have, too, are explained in the same words."""
    meanings = {column.name: column.meaning.partition(";")[0] for column in COUNTS}
    differing = [
        f"{question.name}.{column.name}: {column.meaning}"
        for question in QUESTIONS.values()
        for column in question.columns
        if column.name in ("attempted", "delivered", "late_bounced")
        and not question.parts
        and column.meaning.partition(";")[0] != meanings[column.name]
        and question.name != "bounces"  # attempted of the campaign, as its own row says
    ]

    assert [] == differing


#: Rooms in which "accepted" could be taken for what became of a message. Elsewhere it is what the
#: API says to a POST (api, ledger), what a server says (bounce), or the simulator's.
ROOMS = ("measures", "charts", "verdicts", "pages", "webhooks", "cli", "events", "explorer")
FACES = ("notebook.py", "inquiry.py", "demo.py", "wording.py")


def test_nothing_is_accepted_any_more() -> None:
    """0.1.0 said *accepted* for what is delivered, and for what was submitted."""
    files = [ROOT / "cxtools" / face for face in FACES] + [ROOT / "README.md"]
    for room in ROOMS:
        files += [path for path in (ROOT / "cxtools" / room).rglob("*") if path.is_file()]
    texts = {path: path.read_text(encoding="utf-8", errors="replace") for path in files}
    mailgun = ROOT / "cxtools/events/feeds/mailgun.py"
    texts[mailgun] = texts[mailgun].replace('"accepted": "sent"', "")  # its word, not ours

    assert [] == [
        str(path.relative_to(ROOT))
        for path, text in texts.items()
        if path.suffix not in (".pyc", ".deflate") and re.search(r"\baccepted\b", text, re.I)
    ]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem
)
def test_notebooks_use_the_words(path: Path) -> None:
    """Neither their sentences nor the verdicts and tables that they show say *accepted*."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells]
    columns = re.findall(r'"(?:<b>)?[Aa]ccepted(?:</b>)?"', path.read_text(encoding="utf-8"))

    assert [] == columns + [text for text in sources if re.search(r"\baccepted\b", text, re.I)]
    assert "were accepted" not in path.read_text(encoding="utf-8")
