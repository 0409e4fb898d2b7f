"""What is shipped for cron, systemd, Kubernetes, Prefect and containers, read by who is meant to read it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.howto import follow
from tests.schedulers.conftest import EXAMPLES, HOWTO, ROOT, environ, needed, programs

#: Reads a crontab as cron does; takes the place of `crontab`, so that nobody's own is touched.
CRONTAB = """\
#!{python}
import sys
from pathlib import Path
from crontab import CronTab
kept = Path({kept!r})
if sys.argv[1] == "-l":
    sys.exit(print(kept.read_text()))
table = CronTab(tabfile=sys.argv[1], user=False)
faults = [job for job in table if not job.is_valid()]
names = dict(table.env)
if faults or len(table) != 2 or "CXTOOLS_HOME" not in names:
    sys.exit(f"not a crontab of two jobs: {{faults}} {{names}}")
kept.write_text(table.render())
"""


def test_cron_and_systemd_read_what_the_page_hands_them(home: Path, tmp_path: Path) -> None:
    """`crontab` by a parser of its own, units by systemd itself."""
    needed("systemd-analyze", "systemd")
    crontab = tmp_path / "crontab"
    kept = tmp_path / "kept"
    python = programs("examples") / "python"
    crontab.write_text(CRONTAB.format(python=python, kept=str(kept)))
    crontab.chmod(0o755)
    (tmp_path / "examples").symlink_to(EXAMPLES)
    setting = environ(tmp_path, home=home)

    assert "" == follow(HOWTO / "run-by-cron-or-systemd.md", tmp_path, setting)
    assert "*/10 * * * * cxtools refresh --quiet" in kept.read_text()


def test_systemd_is_seen_to_refuse(tmp_path: Path) -> None:
    """The check can fail: a unit that names no program is refused."""
    unit = tmp_path / "cxtools-refresh.service"
    text = (EXAMPLES / "systemd" / unit.name).read_text()
    unit.write_text(text.replace("/usr/bin/env", "/usr/bin/nobody-has-this"))
    verify = [needed("systemd-analyze", "systemd"), "verify", "--man=no", str(unit)]
    ran = subprocess.run(verify, capture_output=True, text=True, check=False)

    assert 0 != ran.returncode
    assert "nobody-has-this" in ran.stderr


def test_kubernetes_knows_every_field() -> None:
    """By the schemas of its own API, strictly: an unknown field is a fault."""
    validate = str(programs("examples") / "kubernetes-validate")
    manifest = EXAMPLES / "kubernetes" / "cronjob.yaml"
    ran = subprocess.run(
        [validate, "--strict", str(manifest)], capture_output=True, text=True, check=False
    )

    assert 0 == ran.returncode, ran.stdout + ran.stderr


def test_prefect_runs_the_flow(home: Path, tmp_path: Path) -> None:
    """Once, with a server of its own; what cxtools says stands in its log."""
    setting = environ(programs("examples"), ROOT / ".venv" / "bin", home=home)
    setting |= {"PREFECT_HOME": str(tmp_path), "PREFECT_LOGGING_LEVEL": "INFO"}
    setting |= {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "240"}
    setting |= {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    flow = str(EXAMPLES / "prefect" / "refresh_flow.py")
    ran = subprocess.run(
        [str(programs("examples") / "python"), flow],
        cwd=tmp_path,
        env=setting,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert 0 == ran.returncode, ran.stdout + ran.stderr
    assert "Completed()" in ran.stdout + ran.stderr
    assert "nothing is due" in ran.stdout + ran.stderr


def test_the_dockerfile_has_no_known_fault() -> None:
    """hadolint has nothing to say."""
    hadolint = str(programs("examples") / "hadolint")
    ran = subprocess.run(
        [hadolint, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ("", 0) == (ran.stdout + ran.stderr, ran.returncode)


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions: word and text, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return re.findall(r"^([A-Z]+) +(.*)$", text, re.MULTILINE)


def copy_into(image: Path, text: str) -> None:
    """A COPY from the checkout: a folder's content into the folder named, files below it."""
    *names, into = text.split()
    folder = image / into.strip("/")
    for name in names:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, folder)


def run(command: list[str], folder: Path, setting: dict[str, str]) -> None:
    ran = subprocess.run(
        command,
        cwd=folder,
        env=setting,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert 0 == ran.returncode, ran.stdout + ran.stderr


def test_the_steps_of_the_dockerfile_make_what_it_promises(tmp_path: Path, home: Path) -> None:
    """
    Without an engine, in a folder that stands for the image: what is copied is there, each RUN does
    its work (but for the user, whom only an image has), and the entry point answers there with the
    ledger's driver at hand.
    """
    image = tmp_path / "image"
    programs_of_image = image / "opt" / "cxtools" / "bin"
    here = environ(Path(sys.executable).parent, home=home)
    for word, text in instructions():
        if word == "COPY" and not text.startswith("--from"):
            copy_into(image, text)
        if word == "RUN" and "useradd" not in text:
            command = text.replace("/opt/", f"{image}/opt/")
            run(["bash", "-euo", "pipefail", "-c", command], image / "src", here)
    there = environ(programs_of_image, home=home)
    run([str(programs_of_image / "cxtools"), "refresh"], tmp_path, there)
    run([str(programs_of_image / "python"), "-c", "import psycopg"], tmp_path, there)

    last_words = dict(instructions())
    assert ('["cxtools"]', '["refresh"]') == (last_words["ENTRYPOINT"], last_words["CMD"])


@pytest.mark.parametrize("service", ["cxtools", "ledger"])
def test_compose_is_whole(service: str) -> None:
    """Every secret and volume that a service names is declared; cxtools waits for its ledger."""
    code = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))"
    read = subprocess.run(
        [str(programs("examples") / "python"), "-c", code, str(ROOT / "compose.yaml")],
        capture_output=True,
        text=True,
        check=True,
    )
    compose = json.loads(read.stdout)
    one = compose["services"][service]
    volumes = {volume.partition(":")[0] for volume in one["volumes"]}

    assert set(one["secrets"]) <= set(compose["secrets"])
    assert volumes <= set(compose["volumes"])
    assert ["refresh"] == compose["services"]["cxtools"]["command"]
    assert {"ledger"} == set(compose["services"]["cxtools"]["depends_on"])
