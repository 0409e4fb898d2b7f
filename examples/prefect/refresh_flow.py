"""
cxtools in Prefect 3: whatever is due, every ten minutes. `python refresh_flow.py serve` keeps the
schedule, `python refresh_flow.py` runs it once.

Exit codes other than 0 fail the flow run, with what cxtools said in its log.
"""

import subprocess
import sys

from prefect import flow, get_run_logger, task


@task(retries=2, retry_delay_seconds=300)
def refresh() -> None:
    """Late events, new files, due reports, messages to people; called again, nothing."""
    ran = subprocess.run(["cxtools", "refresh"], capture_output=True, text=True, check=False)  # noqa: S607
    get_run_logger().info("%s%s", ran.stdout, ran.stderr)
    ran.check_returncode()


@flow(name="cxtools-refresh")
def cxtools_refresh() -> None:
    refresh()


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        cxtools_refresh.serve(name="every-ten-minutes", cron="*/10 * * * *", limit=1)
    else:
        cxtools_refresh()
