"""The planted mistakes of `make mutants` follow the code: each still finds its lines."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.proof.mutants import FILES, ROOT, Mutant, plant


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_mutant_can_be_planted(file: Path, tmp_path: Path) -> None:
    """Its lines stand exactly once in the package, and the tests it names are there."""
    mutant = Mutant.read(file)
    shutil.copytree(ROOT / "cxtools", tmp_path / "cxtools")
    for change in mutant.changes:
        plant(change, tmp_path)

    assert mutant.changes
    assert [] == [
        word for word in mutant.tests if word.endswith(".py") and not Path(ROOT / word).exists()
    ]
