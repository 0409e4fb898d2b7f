"""
cxtools in Airflow 3: `cxtools_refresh` does every ten minutes whatever is due, `cxtools_report`
makes one campaign's page by papermill, and fails where the verdict is FAIL.

cxtools lives in an environment of its own, beside Airflow's: CXTOOLS_VENV names it. Its kernel is
known to Airflow as `cxtools` (docs/howto/run-by-airflow.md).
"""

import os
from datetime import timedelta
from pathlib import Path

import pendulum
from airflow.providers.papermill.operators.papermill import PapermillOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Param

VENV = Path(os.environ.get("CXTOOLS_VENV", "/opt/cxtools"))
NOTEBOOKS = os.environ.get("CXTOOLS_NOTEBOOKS", "/var/lib/cxtools/notebooks")
REPORTS = os.environ.get("CXTOOLS_REPORTS", "/var/lib/cxtools/reports")
CXTOOLS = VENV / "bin" / "cxtools"
SINCE = pendulum.datetime(2026, 9, 1, tz="UTC")
AGAIN = {"retries": 2, "retry_delay": timedelta(minutes=5)}

with DAG(
    "cxtools_refresh",
    description="Late events, new files, due reports, messages to people",
    schedule="*/10 * * * *",
    start_date=SINCE,
    catchup=False,  # the command itself makes up for what was missed
    max_active_runs=1,
    default_args=AGAIN,
):
    BashOperator(task_id="refresh", bash_command=f"{CXTOOLS} refresh")

with DAG(
    "cxtools_report",
    description="One campaign's bounce report, and a failure where its verdict is FAIL",
    schedule=None,
    start_date=SINCE,
    params={"campaign": Param(type="string", description="The campaign's name")},
):
    campaign = "{{ params.campaign }}"
    executed = f"{REPORTS}/bounce_report-{campaign}.ipynb"
    report = PapermillOperator(
        task_id="report",
        input_nb=f"{NOTEBOOKS}/bounce_report.ipynb",
        output_nb=executed,
        parameters={"campaign": campaign},
        kernel_name="cxtools",
        **AGAIN,
    )
    page = BashOperator(
        task_id="page", bash_command=f"{CXTOOLS} page '{executed}' --out '{REPORTS}'"
    )
    verdict = BashOperator(
        task_id="verdict",
        bash_command=f"{CXTOOLS} verdict '{campaign}' --about bounces --fail-on FAIL",
    )
    report >> page >> verdict
