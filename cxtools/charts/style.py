"""
The look of every figure: colours with their dark twins, the font, and what each stage of the funnel
and each kind of bounce is called and coloured.

A colour never tells anything alone: every mark is labelled.
"""

from __future__ import annotations

from typing import NamedTuple

#: The traces that the bundle in `pages/assets` can draw. plotly would draw any other as a line,
#: without an error.
TRACES = ("bar", "funnel", "heatmap", "scatter")

#: Light colours and their dark twins, which a page puts in place by name. Blue, orange and green
#: can be told apart with every kind of colour blindness (after Okabe and Ito).
PALETTE = {
    "paper": ("#ffffff", "#161d26"),
    "ink": ("#1c2733", "#e8edf2"),
    "quiet": ("#566574", "#a7b4c1"),
    "grid": ("#e3e8ee", "#2c3845"),
    "blue": ("#1f6fb2", "#62aee8"),
    "sky": ("#a9cbe8", "#2f5f87"),
    "green": ("#17806d", "#46bfa6"),
    "orange": ("#c4571a", "#f0935a"),
    "amber": ("#e0a12e", "#e8bb62"),
    "violet": ("#6a5aa8", "#a99ae6"),
    "grey": ("#97a3b0", "#76838f"),
}
#: In a notebook nobody knows whether the page is light or dark: no paper, and an ink that can be
#: read on both (4.4 to 1 on white, 4.2 on JupyterLab's night). A page puts its own in their place.
NOTEBOOK = {
    "paper": "rgba(0,0,0,0)",
    "ink": "#6d7986",
    "quiet": "#6d7987",
    "grid": "rgba(128,140,152,0.28)",
}
INK = {name: light for name, (light, _) in PALETTE.items()} | NOTEBOOK
#: Notebook's colour -> the page's by day.
BY_DAY = {colour: PALETTE[name][0] for name, colour in NOTEBOOK.items()}
#: What stands on a bar or in a cell has ground of its own, so it needs no such ink.
ON_DARK = PALETTE["paper"][0]
ON_LIGHT = PALETTE["ink"][0]
#: The weakest colour of a map's cells.
PALE = PALETTE["paper"][0]
FONT = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, "
    "'Liberation Sans', sans-serif"
)


class Stage(NamedTuple):
    """A step of the funnel: its count, and the rate that stands beside it."""

    column: str
    word: str
    rate: str
    whole: str
    colour: str


ATTEMPTED = Stage("attempted", "Attempted", "", "", INK["sky"])
#: The stages that have a rate. A feed that measures no opens has no open rate.
RATED = (
    Stage("delivered", "Delivered", "delivery_rate", "attempted", INK["green"]),
    Stage("opened", "Opened", "open_rate", "delivered", INK["blue"]),
    Stage("clicked", "Clicked", "click_rate", "delivered", INK["orange"]),
)
STAGES = (ATTEMPTED, *RATED)


class Reaction(NamedTuple):
    """What the moments of a kind of event tell: who loaded images, who followed a link."""

    word: str
    first: str
    colour: str


#: Kind of event -> its reaction. The funnel's "opened" counts people who did either, so "open" has
#: another word here.
REACTIONS = {
    "open": Reaction("Images loaded", "First images loaded", INK["blue"]),
    "click": Reaction("Clicked", "First click", INK["orange"]),
}
#: Where no moment is known at all.
NO_TIMES = "No open or click can be timed yet: that takes the time of the delivery, too."
OPENED_IS_MORE = "The funnel's opened counts clicks without images as well."

#: Kind of bounce -> its colour.
BOUNCE_COLOURS = {
    "hard": INK["orange"],
    "soft": INK["amber"],
    "block": INK["violet"],
    "undetermined": INK["grey"],
    "none": INK["sky"],
}
