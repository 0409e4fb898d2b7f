"""
Sessions of Apache Spark, for stores that one machine is too small for.

One process has one connection to a master, and each who asks a session of its own in it. A local
master is Spark in this process, for a try: it takes what DuckDB would take, but many seconds.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from cxtools.errors import ConfigError, StoreError
from cxtools.events.database import Resources
from cxtools.events.spark_folder import errors_into, own_folder

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: What SQL may call beside Spark's own functions; DuckDB has the same.
FUNCTIONS = files(__package__).joinpath("functions_spark.sql")
#: The oldest Java that PySpark runs on.
OLDEST_JAVA = 17
JAVA_VERSION = re.compile(r'version "(\d+)')
#: A master in this process: on one core, on so many, or on all.
LOCAL = re.compile(r"local(\[(?P<cores>\d+|\*)\])?")
#: What Java and Spark say, in the folder of the process.
LOG = "said.txt"
SIZE = re.compile(r"(?P<number>[\d.]+) ?(?P<unit>[MG]i?B)")
#: Bytes of the units of `Resources.memory`.
UNITS = {
    "MB": 1000**2,
    "MiB": 1024**2,
    "GB": 1000**3,
    "GiB": 1024**3,
}

#: Each session's own: moments are in UTC, whatever the zone of the machine.
SESSION_CONFIG = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    # As everybody else writes moments into Parquet files; Spark has a way of its own.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # A campaign named "2026" is a text.
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    # Parts are listed here and not by a job of its own.
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",
}
#: The process's: nothing is served or printed, and nothing is left in the working folder.
PROCESS_CONFIG = {
    "spark.app.name": "cxtools",
    "spark.log.level": "ERROR",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


@contextmanager
def spark_session(master: str, folder: str, resources: Resources) -> Iterator[SparkSession]:
    """
    A session on a master (`local[2]`, `spark://host:7077`, …), in UTC and with our functions.

    Raises:
        ConfigError: PySpark or Java is missing, or there is no Spark at that master.
        StoreError: the events in *folder* can't be read, whenever that comes out.
    """
    session = _process_session(os.getpid(), master, resources).newSession()
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    for name, value in SESSION_CONFIG.items():
        session.conf.set(name, value)
    for statement in _functions():
        session.sql(statement)
    try:
        yield session
    except (Py4JError, PySparkException) as error:
        raise StoreError(
            f"the events can't be read: {_first_line(error)}",
            where=folder,
            do="a file there may be damaged: move it away, then collect or import again",
        ) from error


@cache
def _process_session(_pid: int, master: str, resources: Resources) -> SparkSession:
    """Spark on a master: to start it costs seconds, a further session a tenth of one."""
    try:
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise ConfigError(
            f"the engine {master} is Spark, which is not installed",
            do="pip install 'cxtools[spark]', or set CXTOOLS_ENGINE to duckdb",
        ) from error
    _check_java()
    # Its advice is about pandas, and all that is asked for here is Arrow.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    folder = own_folder(resources.spill)
    builder = SparkSession.builder.master(master)
    config = PROCESS_CONFIG | _local_config(master, resources, folder)
    config["spark.sql.warehouse.dir"] = str(folder / "warehouse")
    for name, value in config.items():
        builder = builder.config(name, value)
    log = folder / LOG
    try:
        with errors_into(log):
            return builder.getOrCreate()
    except (Py4JError, PySparkException) as error:
        sys.stderr.write(log.read_text(errors="replace"))
        raise ConfigError(
            f"Spark doesn't start: {_first_line(error)}",
            where=master,
            do="see what Spark said above, or set CXTOOLS_ENGINE to duckdb",
        ) from error


def _local_config(master: str, resources: Resources, folder: Path) -> dict[str, str]:
    """What Spark in this process may take; a cluster has its own settings."""
    local = LOCAL.fullmatch(master)
    if not local:
        return {}
    cores = local["cores"] or "1"
    return {
        # To plan a question anew after each of its steps costs more than it saves on one machine:
        # four times the work for `suspects` of some thousand events.
        "spark.sql.adaptive.enabled": "false",
        # Each table that is broadcast holds a page at least. With pages as large as Spark chooses
        # them `suspects` at a moment filled 1.5 GB, for some thousand events.
        "spark.buffer.pageSize": "1m",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": f"{_mebibytes(resources.memory)}m",
        "spark.local.dir": str(folder),
        "spark.sql.shuffle.partitions": str(os.cpu_count()) if cores == "*" else cores,
    }


def _mebibytes(memory: str) -> int:
    """
    An amount of memory in the unit that Spark counts in.

    >>> _mebibytes("1.5 GB")
    1430
    """
    size = SIZE.fullmatch(memory)
    if not size:
        raise ConfigError(f"not an amount of memory: {memory!r}", do='write it as "1.5 GB"')
    return math.floor(float(size["number"]) * UNITS[size["unit"]] / UNITS["MiB"])


def _check_java() -> None:
    """
    Look for Java before Spark does, whose own words about it help nobody.

    Raises:
        ConfigError: there is none, or it is too old.
    """
    home = os.environ.get("JAVA_HOME")
    java = f"{home}/bin/java" if home else "java"
    program = shutil.which(java)
    advice = f"install Java {OLDEST_JAVA} or newer and set JAVA_HOME to its folder"
    if not program:
        raise ConfigError("Spark needs Java, which was not found", where=java, do=advice)
    words = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
    version = JAVA_VERSION.search(words.stderr)
    if not version or int(version[1]) < OLDEST_JAVA:
        raise ConfigError(f"Spark needs Java {OLDEST_JAVA} or newer", where=program, do=advice)


@cache
def _functions() -> list[str]:
    """The statements that make our functions: Spark takes one at a time."""
    lines = FUNCTIONS.read_text(encoding="utf-8").splitlines()
    return [line.removesuffix(";") for line in lines if line.startswith("create")]


def _first_line(error: Exception) -> str:
    """
    What went wrong, without Java's stack.

    >>> _first_line(ValueError("[PATH_NOT_FOUND] no such path\\n\\tat org.apache"))
    '[PATH_NOT_FOUND] no such path'
    """
    java_exception = getattr(error, "java_exception", None)
    text = str(java_exception.toString() if java_exception else error)
    return text.strip().split("\n", maxsplit=1)[0]
