"""From a cause to the texts of its bounces, to the people, to one person's mail."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from cxtools import wording
from cxtools.explorer import answers
from cxtools.explorer.answers import ALL, People, Text, TimeLine
from cxtools.explorer.choice import Choice
from cxtools.explorer.panel import Panel
from cxtools.measures.engine import Engine
from cxtools.measures.people import Behind
from cxtools.measures.table import Table

NOBODY = "Nobody is that."
NO_MAIL = "Nothing is held on that person."
NOBODY_FOUND = People(Table(), {})
#: A block during which the sign says that something is counted, and an error stands here.
Answering = Callable[..., AbstractContextManager[None]]


class BehindBar:
    """What the section of texts and people shows. It reads nothing until somebody opens it."""

    def __init__(
        self, panel: Panel, engine: Engine, timeline: TimeLine | None, answering: Answering
    ) -> None:
        self._panel = panel
        self._engine = engine
        self._timeline = timeline
        self._answering = answering
        self._choice = Choice(())
        self._texts: list[Text] = []
        self._emails: dict[str, str] = {}
        panel.text.observe(self._choose_text, "value")
        panel.person.observe(self._choose_person, "value")
        panel.make_files.on_click(self._make_files)

    def show(self, choice: Choice) -> None:
        """The texts and people of the cause that is chosen, among these messages."""
        self._choice = choice
        self.empty()
        if self._panel.cause.value in (ALL, None):
            return
        with self._answering(self._panel.people):
            self._texts = answers.texts_behind(self._engine, choice, self._panel.cause.value)
            lines = [
                (f"{wording.count(text.recipients)} × {text.words}", number)
                for number, text in enumerate(self._texts)
            ]
            self._fill_texts([("all of them", ALL), *lines])
            self._show_people()

    def empty(self) -> None:
        """Nothing is chosen."""
        self._texts = []
        self._fill_texts([])
        self._panel.people.outputs = ()
        self._panel.people_files.value = ""
        self._fill_people(NOBODY_FOUND)

    def _fill_texts(self, lines: list[tuple[str, object]]) -> None:
        with self._panel.filling():
            self._panel.text.options = lines
            self._panel.text.value = ALL if lines else None

    def _fill_people(self, found: People) -> None:
        self._emails = found.emails
        names = [("choose one", "")]
        if not found.table.empty:
            known = found.table.dropna(subset=["person"])  # some feeds name nobody
            rows = zip(known["email"], known["person"], strict=True)
            names += [(f"{email} · {person[:8]}", person) for email, person in rows]
        with self._panel.filling():
            self._panel.person.options = names
            self._panel.person.value = ""
        self._panel.lines.outputs = ()

    def _choose_text(self, _: object) -> None:
        if not self._panel.is_filling:
            with self._answering(self._panel.people):
                self._show_people()

    def _show_people(self) -> None:
        """The first of them; a file of all is made at once only where these are all."""
        found = answers.people_behind(
            self._engine, self._choice, self._behind(), first=answers.ROWS_SHOWN
        )
        total = sum(text.recipients for text in self._chosen())
        is_whole = total <= len(found.table)
        self._panel.people.outputs = answers.people_output(found.table, NOBODY, total)
        self._panel.people_files.value = self._files(found.table) if is_whole else ""
        self._panel.make_files.description = f"Files of all {wording.count(total)}"
        self._panel.make_files.layout.display = "none" if is_whole else None
        self._fill_people(found)

    def _make_files(self, _: object) -> None:
        with self._answering(self._panel.people):
            found = answers.people_behind(self._engine, self._choice, self._behind())
            self._panel.people_files.value = self._files(found.table)

    def _files(self, found: Table) -> str:
        name = f"recipients-{self._panel.cause.value}"
        return answers.files_of(found, name, most_cells=found.size)

    def _chosen(self) -> list[Text]:
        number = self._panel.text.value
        return self._texts if number in (ALL, None) else [self._texts[number]]

    def _behind(self) -> Behind:
        cause = self._panel.cause.value
        if self._panel.text.value in (ALL, None):
            return Behind(category=cause)
        [text] = self._chosen()
        return Behind(category=cause, alike=text.alike)

    def _choose_person(self, _: object) -> None:
        person = self._panel.person.value
        if self._panel.is_filling or not person or self._timeline is None:
            return
        with self._answering(self._panel.lines):
            table = self._timeline(person, self._emails[person])
            self._panel.lines.outputs = answers.rows_output(table, NO_MAIL)
