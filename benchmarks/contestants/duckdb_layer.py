"""Hand-tuned DuckDB over the layer that cxtools made: what its own answers cost at least."""

from __future__ import annotations

from pathlib import Path

from benchmarks.contestants.answering import Answer, Rows, main
from benchmarks.contestants.duckdb_queries import QUESTIONS, ask, connect, files_of


def question(name: str) -> Answer:
    """One SQL file over the relations of `sql/layer`."""

    def answer(home: Path, campaign: str) -> Rows:
        layers = home / "events" / "_messages" / f"campaign={campaign}"
        [folder] = [folder for folder in layers.iterdir() if folder.is_dir()]
        relations = {
            "stored_messages": files_of(folder / "messages"),
            "stored_clicks": files_of(folder / "clicks"),
            "stored_bounces": files_of(folder / "bounces"),
            "verdicts": [str(file) for file in folder.glob("bounce-verdicts-*.parquet")],
        }
        return ask(connect(relations), "layer", name)

    return answer


if __name__ == "__main__":
    main({name: question(name) for name in QUESTIONS})
