"""What a click is for: links that ship as leaving a list, and a user's own in `links.toml`."""

from __future__ import annotations

from pathlib import Path

import pytest

from cxtools.errors import ConfigError
from cxtools.events.messages.layer import all_layers, layers, layers_folder
from cxtools.events.messages.purposes import Purposes
from cxtools.events.store import FOLDER_PREFIX, EventStore
from cxtools.measures.answers import answer
from cxtools.measures.engine import Engine
from cxtools.measures.own_purposes import OWN_LINKS, purposes_by
from tests import tables

CLICKS = """
to | kind     | at  | url
a  | delivery | +0  |
a  | click    | +60 | https://shop.example/sale
b  | delivery | +0  |
b  | click    | +60 | https://shop.example/Abbestellen?x=1
c  | delivery | +0  |
c  | click    | +60 | https://shop.example/coffee-preferences
d  | delivery | +0  |
d  | click    | +60 | https://lists.example/unsubscribe
"""
#: A file of a home -> the people who clicked on content.
OWN = {
    "": 2,  # /sale and /Abbestellen: what ships knows unsub…, abmeld… and preference
    'unsubscribe = ["/abbestellen?"]': 1,
    'unsubscribe = ["/abbestellen.x"]': 2,
    'content = ["/Coffee-preferences"]': 3,
    'unsubscribe = ["/sale", "/abbestellen"]\ncontent = ["coffee-preferences"]': 1,
    'unsubscribe = ["shop.example"]\ncontent = ["shop.example/sale"]': 1,
}
#: A file of a home, and what is wrong with it.
WRONG = {
    "not = [toml": "the links are not TOML",
    'social = ["facebook"]': "'social' is not what a link can be for",
    'unsubscribe = "leave"': "unsubscribe is not a list",
    "content = [1]": "1 is not a part of a link",
    "content = ['a']": "'a' is not a part of a link",
    "content = [\"x') or true or ('\"]": "is not a part of a link",
    "content = ['a|b|c']": "'a|b|c' is not a part of a link",
}


@pytest.fixture(scope="module")
def store() -> EventStore:
    return tables.store(CLICKS)


def engine(store: EventStore, home: Path, own: str) -> Engine:
    (home / OWN_LINKS).write_text(own, encoding="utf-8")
    return Engine(store, purposes=lambda: purposes_by(home / OWN_LINKS))


@pytest.mark.parametrize(("own", "clicked"), OWN.items())
def test_clicks_on_content_are_those_that_the_file_says(
    store: EventStore, tmp_path: Path, own: str, clicked: int
) -> None:
    """Of all events, and of those up to a moment."""
    asked = engine(store, tmp_path, own)
    [funnel] = answer(asked, "funnel", "c").to_dict("records")
    links = answer(asked, "links", "c").to_dict("records")

    assert clicked == funnel["clicked"]
    assert clicked == sum(link["clickers"] for link in links if link["purpose"] == "content")
    [until] = answer(asked, "funnel", "c", as_of="2026-09-20").to_dict("records")
    assert clicked == until["clicked"]


@pytest.mark.parametrize(("own", "wrong"), WRONG.items())
def test_a_wrong_file_is_refused(tmp_path: Path, own: str, wrong: str) -> None:
    """With the file and what is wrong in it."""
    (tmp_path / OWN_LINKS).write_text(own, encoding="utf-8")

    with pytest.raises(ConfigError) as refused:
        purposes_by(tmp_path / OWN_LINKS)

    assert wrong in str(refused.value)
    assert OWN_LINKS in refused.value.where


def test_layers_of_other_purposes_are_never_read_and_never_forgotten() -> None:
    """Whoever is erased has to be gone from them, too."""
    store = tables.store(CLICKS)
    folder = layers_folder(store.root, f"{FOLDER_PREFIX}c")
    own = Purposes(unsubscribe=("/sale",))
    answer(Engine(store), "funnel", "c")
    answer(Engine(store, purposes=lambda: own), "funnel", "c")

    assert [1, 1, 2] == [
        len(layers(folder)),
        len(layers(folder, own.digest)),
        len(all_layers(folder)),
    ]

    tables.store("to | kind | at\ne | delivery | +0", into=store)
    store.parts("c")[0].unlink()
    assert 2 == len(store.stale_layers("c"))
