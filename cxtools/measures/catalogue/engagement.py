"""What people did with the messages that were delivered, and who may have been a machine."""

from __future__ import annotations

from cxtools.measures.question import Column, Part, Question
from cxtools.measures.sql import tsv_rows

LINKS = Question(
    name="links",
    question="Which links were clicked?",
    grain="campaign × link",
    columns=(
        Column(
            "link_url",
            "text",
            "without tracking parameters; links that differ only in what tells recipients apart "
            "(an address, an id) are one: https://x.example/p?u=…",
        ),
        Column("purpose", "text", "content, or unsubscribe (preference links too)"),
        Column(
            "people",
            "messages",
            "whose recipient clicked it and doesn't behave like a scanner (see `suspects`)",
        ),
        Column(
            "clickers",
            "messages",
            "with a click on it, scanners too; links don't add up, who clicks two is in both",
        ),
        Column("clicks", "clicks", "on it, repeated ones too"),
        Column("all_people", "messages", "with a click on anything, scanners left out"),
        Column("all_clickers", "messages", "with a click on anything"),
        Column("first_at", "moment", "of the first click; missing when none has a moment"),
        Column("last_at", "moment", "of the last click"),
        Column("people_share", "share", "people / all_people", "people", "all_people"),
        Column("share", "share", "clickers / all_clickers", "clickers", "all_clickers"),
    ),
    example='cx.links("q3-update").chart()',
    chart="links",
    shown=("link_url", "purpose", "people", "people_share", "clickers", "clicks"),
    empty="No click is known.",
)

TIMING = Question(
    name="timing",
    question="How long after delivery came the first open and the first click?",
    grain="campaign × kind (open, click)",
    columns=(
        Column("kind", "text", "open or click"),
        Column("recipients", "messages", "with one whose moment is known"),
        Column("delivered", "messages", "attempted and not bounced in the end"),
        Column("p10_s", "seconds", "within which a tenth of the recipients did so"),
        Column("p25_s", "seconds", "within which a quarter did so"),
        Column("median_s", "seconds", "within which half of them did so"),
        Column("p75_s", "seconds", "within which three quarters did so"),
        Column("p90_s", "seconds", "within which nine tenths did so"),
    ),
    note=(
        "Times are missing where nobody did so. An open that clocks put before the delivery counts "
        "as 0 s."
    ),
    example='cx.timing("q3-update").chart()',
    chart="timing",
)

CURVE = Question(
    name="curve",
    question="How many had opened or clicked within so many hours of delivery?",
    grain="campaign × kind (open, click) × hour in which somebody did so first",
    columns=(
        Column("kind", "text", "open or click"),
        Column(
            "hours", "hours", "since delivery: 1 is the first hour, after three days whole days"
        ),
        Column("recipients", "messages", "that came since the row before"),
        Column("cumulative", "messages", "that had come by then"),
        Column("delivered", "messages", "attempted and not bounced in the end"),
        Column("rate", "share", "cumulative / delivered", "cumulative", "delivered"),
    ),
    example='cx.curve("q3-update").chart()',
    chart="curve",
    shown=("kind", "hours", "recipients", "cumulative", "rate"),
)

FIRST_LINKS = Question(
    name="first_links",
    question="Which links do people follow first?",
    grain="campaign × link, most frequent first",
    columns=(
        Column("link_url", "text", "as in `links`"),
        Column("recipients", "messages", "whose first click was on it; of two at once on both"),
        Column("all_recipients", "messages", "with a click that has a moment"),
        Column("share", "share", "recipients / all_recipients", "recipients", "all_recipients"),
    ),
    note=(
        "Few feeds tell where a link stands in the mail (see `link_positions`): what most follow "
        "first stands where they look first. Scanners are among them, see `links` for people only."
    ),
    example='cx.first_links("q3-update").chart()',
    chart="shares",
    empty="No click with a moment is known.",
)

LINK_POSITIONS = Question(
    name="link_positions",
    question="Where in the mail do the links stand that people click?",
    grain="campaign × body × position, the first link first; last the clicks without a position",
    columns=(
        Column("body", "text", "html or text: each has an order of its own"),
        Column("position", "number", "1 for the first link of the body; missing: not told"),
        Column("clickers", "messages", "that clicked a link there; who clicks two is in both"),
        Column("all_clickers", "messages", "that clicked any content"),
        Column("share", "share", "clickers / all_clickers", "clickers", "all_clickers"),
    ),
    note=(
        "SendGrid tells the position (`url_offset`); no other feed that cxtools reads does, and "
        "nothing is guessed, nor told of messages whose ids had to be looked up. What stands "
        "first is clicked more wherever it leads: compare places "
        "of several mailings before moving a link."
    ),
    example='cx.link_positions("q3-update")',
    derived=True,
    splits=False,
    empty="No feed has told where in the mail the links stand that were clicked.",
)

WINDOWS = Question(
    name="windows",
    question="How much depends on how long one waits for opens and clicks?",
    grain="campaign × kind (open, click) × hours (1, 24, 72, 168)",
    columns=(
        Column("kind", "text", "open or click"),
        Column("hours", "hours", "since delivery, to the second"),
        Column("recipients", "messages", "who had done so by then, as far as moments are known"),
        Column("ever", "messages", "who did so at a known moment, however long it took"),
        Column("undated", "messages", "who did so, and nobody knows when"),
        Column("delivered", "messages", "attempted and not bounced in the end"),
        Column(
            "rate",
            "share",
            "recipients / delivered",
            "recipients",
            "delivered",
            "recipients_measured",
        ),
        Column("share", "share", "recipients / ever", "recipients", "ever"),
    ),
    note=(
        "A window that the campaign is younger than holds what came so far: compare campaigns at "
        "one age. A rate is missing where the campaign's events hold none of that kind, as in "
        "`funnel`, and where no moment is known of those who did so; with some `undated` ones it "
        "is at least that."
    ),
    example='cx.windows("q3-update").chart()',
    chart="shares",
    shown=("kind", "hours", "recipients", "rate", "share"),
)

REPEATS = Question(
    name="repeats",
    question="How often did those who opened or clicked do so?",
    grain="campaign × kind (open, click) × times",
    columns=(
        Column("kind", "text", "open or click"),
        Column("times", "number", "how often: 1 to 4; 5 is five times or more"),
        Column("recipients", "messages", "delivered, whose recipient did so that often"),
        Column("events", "events", "opens of theirs, or clicks on content"),
        Column("all_recipients", "messages", "delivered, whose recipient did so at all"),
        Column("share", "share", "recipients / all_recipients", "recipients", "all_recipients"),
    ),
    note="Machines that load images, and scanners, are among those who do it often.",
    example='cx.repeats("q3-update").chart()',
    chart="shares",
    shown=("kind", "times", "recipients", "share", "events"),
    empty="No open and no click is known.",
)

SEND_TIMES = Question(
    name="send_times",
    question="Which weekdays and hours of sending were clicked most?",
    grain="campaign × weekday × hour of sending",
    columns=(
        Column("weekday", "number", "1 (Monday)..7, in UTC or the zone of the settings"),
        Column("hour", "number", "0..23, in UTC or the zone of the settings"),
        Column("attempted", "messages", "with a delivery or a bounce; without deliveries: sent"),
        Column("delivered", "messages", "attempted and not bounced in the end"),
        Column(
            "clicked",
            "messages",
            "delivered, with a click on content; unsubscribe and preference links don't count",
        ),
        Column(
            "click_rate", "share", "clicked / delivered", "clicked", "delivered", "clicked_measured"
        ),
    ),
    note=(
        "Who was mailed when is rarely by chance: a better hour may be a better part of the list. "
        "Cells of fewer than 100 messages are grey in the picture, and tell little."
    ),
    example="cx.send_times().chart()",
    chart="send_times",
    shown=("weekday", "hour", "delivered", "clicked", "click_rate"),
    empty="Nothing was sent yet.",
)

COMPLAINTS = Question(
    name="complaints",
    question="How many complained, and how many unsubscribed?",
    grain="campaign",
    columns=(
        Column("delivered", "messages", "attempted and not bounced in the end"),
        Column("complained", "messages", "delivered, with a complaint"),
        Column("unsubscribed", "messages", "delivered, with an unsubscription"),
        Column(
            "complaint_rate",
            "share",
            "complained / delivered",
            "complained",
            "delivered",
            "complained_measured",
        ),
        Column(
            "unsubscribe_rate",
            "share",
            "unsubscribed / delivered",
            "unsubscribed",
            "delivered",
            "unsubscribed_measured",
        ),
    ),
    note=(
        'Rates are missing, "not measured", where the campaign\'s events hold none of that kind at '
        "all. Who follows a link to unsubscribe hasn't done so yet: see `suspects`."
    ),
    example='cx.complaints("q3-update", by="provider")',
    chart="shares",
    shown=("delivered", "complained", "complaint_rate", "unsubscribed", "unsubscribe_rate"),
    empty="Nothing was delivered yet.",
)

#: What makes a clicker look like a machine, after Marketo, Paminga and Omeda: one strong rule is
#: enough, of the weak ones it takes two.
RULES = tuple(Part(*row) for row in tsv_rows("rules"))

SUSPECTS = Question(
    name="suspects",
    question="How many clickers behave like machines?",
    grain='campaign × rule, then "suspect" and "human", and of these what they followed',
    columns=(
        Column("rule", "text", "r1 to r5, suspect, human, human_clicked or human_unsubscribed"),
        Column("clickers", "messages", "whose clicks the rule hits"),
        Column("total", "messages", "delivered, with a click that has a moment"),
        Column("meaning", "text", "what the rule says"),
        Column("share", "share", "clickers / total", "clickers", "total"),
    ),
    note=(
        "Tagged, never dropped: without user agents and addresses of networks no rule is certain, "
        "and filters that delete have deleted people."
    ),
    example='cx.suspects("q3-update")',
    parts=RULES,
    shown=("meaning", "clickers", "total", "share"),
    caption=(
        "Of all who followed any link, unsubscribe and preference links too; the funnel's clicked "
        "leaves those links out."
    ),
    empty="No click is known.",
)
