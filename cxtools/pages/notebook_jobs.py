"""
Notebook jobs of jupyter-scheduler end with the page: its own HTML has no charts.

    # jupyter_server_config.py
    c.Scheduler.execution_manager_class = "cxtools.pages.notebook_jobs.PageExecution"

Only a JupyterLab with jupyter-scheduler imports this module; cxtools needs neither.
"""

from __future__ import annotations

import ast
from typing import Any

import nbconvert
from jupyter_scheduler.executors import DefaultExecutionManager

HTML = "html"
#: A notebook that asks cxtools imports it.
IMPORT = "import cxtools"


class PageExecution(DefaultExecutionManager):  # type: ignore[misc]  # it has no types
    """
    Runs a job as jupyter-scheduler does. The HTML of a notebook that asks cxtools is its page; that
    of any other is nbconvert's.
    """

    def execute(self) -> None:
        """
        Run the notebook with the job's parameters. jupyter-scheduler writes them as Python; text
        that isn't Python is meant as text, so that nobody has to put a name into quotes.
        """
        given = self.model.parameters or {}
        self.model.parameters = {name: as_python(value) for name, value in given.items()}
        super().execute()

    def create_output_files(self, job: Any, notebook_node: Any) -> None:
        """
        Write what the job asks for, the HTML last: where a cell failed there is no page, and the
        notebook that shows the error is there already.

        Raises:
            ReportError: a cell failed, or the page can't be made; the list of jobs shows it.
        """
        for output_format in sorted(job.output_formats, key=HTML.__eq__):
            text, _ = nbconvert.export(_exporter(output_format, notebook_node), notebook_node)
            with open(self.staging_paths[output_format], "w", encoding="utf-8") as file:
                file.write(text)


def as_python(text: str) -> str:
    """
    >>> as_python("q3-update"), as_python("202609"), as_python("'q3'")
    ("'q3-update'", '202609', "'q3'")
    """
    try:
        ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return repr(text)
    return text


def _exporter(output_format: str, notebook: Any) -> Any:
    asks_cxtools = any(IMPORT in cell.source for cell in notebook.cells)
    name = "cxtools" if output_format == HTML and asks_cxtools else output_format
    return nbconvert.get_exporter(name)
