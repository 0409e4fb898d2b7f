"""Why messages bounced."""

from __future__ import annotations

from cxtools.measures.question import Column, Question

BOUNCES = Question(
    name="bounces",
    question="Why did messages bounce?",
    grain="campaign × category × kind",
    columns=(
        Column("category", "text", "the cause, as the taxonomy of bounces names it"),
        Column("kind", "text", "hard, soft, block or undetermined"),
        Column("recipients", "messages", "bounced for that cause"),
        Column(
            "unauthenticated",
            "messages",
            "of them refused since the mail's own SPF, DKIM or DMARC failed",
        ),
        Column("bounced", "messages", "bounced in the campaign"),
        Column("attempted", "messages", "attempted in the campaign (and value of `by`)"),
        Column(
            "share",
            "share",
            "recipients / bounced; sums to 1 over the rows of a campaign",
            "recipients",
            "bounced",
        ),
        Column("rate", "share", "recipients / attempted", "recipients", "attempted"),
    ),
    example='cx.bounces("q3-update", by=["provider", "day"]).chart()',
    chart="bounces",
    report="bounce_report",
    shown=("category", "kind", "recipients", "share", "rate"),
    empty="No bounces.",
)

REASONS = Question(
    name="reasons",
    question="What did the receiving servers say when they refused?",
    grain="campaign × normalised text, most frequent first",
    columns=(
        Column("reason", "text", "the text, with addresses, hosts and ids masked"),
        Column("bounce_code", "text", "an example of the codes that came with it"),
        Column("category", "text", "the cause, as the taxonomy of bounces names it"),
        Column("kind", "text", "hard, soft, block or undetermined"),
        Column("confidence", "score", "0..1, of the least sure of its bounce verdicts"),
        Column("rule", "text", "the rule or code that gave the least sure verdict"),
        Column("recipients", "messages", "bounced so"),
        Column("bounced", "messages", "bounced in the campaign"),
        Column("first_at", "moment", "of the first such bounce; missing when none has a moment"),
        Column("last_at", "moment", "of the last such bounce"),
        Column("share", "share", "recipients / bounced", "recipients", "bounced"),
    ),
    example='cx.reasons("q3-update").head(10)',
    chart="bounces.reasons",
    report="bounce_report",
    shown=("reason", "recipients", "share", "category", "kind", "confidence", "bounce_code"),
    empty="No bounces.",
)

UNKNOWN = Question(
    name="unknown",
    question="Which refusals does no rule understand, or only just?",
    grain="campaign × code × raw text, most frequent first",
    columns=(
        Column("code", "text", "as it came"),
        Column("text", "text", "as it came, addresses included"),
        Column("recipients", "messages", "bounced so"),
    ),
    note=(
        "What is judged with a confidence below 0.5 is here, too: there the next rule is missing. "
        "The texts, addresses included, are there to write the next rule from, not to be passed on."
    ),
    example='cx.unknown("q3-update").head(10)',
    report="bounce_report",
    empty="Every bounce is understood.",
    verbatim=True,
)

LATE_BOUNCES = Question(
    name="late_bounces",
    question="Which messages were taken and sent back later, and how much later?",
    grain="campaign × category × kind, most frequent first",
    columns=(
        Column("category", "text", "the cause, as the taxonomy of bounces names it"),
        Column("kind", "text", "hard, soft, block or undetermined"),
        Column("recipients", "messages", "bounced after a delivery, for that cause"),
        Column("taken", "messages", "delivered, and those that bounced after a delivery"),
        Column("median_s", "seconds", "from delivery to bounce, the median"),
        Column("p90_s", "seconds", "within which nine tenths came"),
        Column("share", "share", "recipients / taken", "recipients", "taken"),
    ),
    note="Times are missing where no bounce has a moment; between two, they are interpolated.",
    example='cx.late_bounces("q3-update", by="provider")',
    chart="shares",
    report="bounce_report",
    shown=("category", "kind", "recipients", "share", "median_s", "p90_s"),
    empty="No message bounced after it was delivered.",
)

WORST_DOMAINS = Question(
    name="worst_domains",
    question="At which domains does mail come back, for certain and not by chance?",
    grain="campaign × domain with a bounce, by the lower bound of its bounce rate, highest first",
    columns=(
        Column("domain", "text", "the address's domain"),
        Column("attempted", "messages", "with a delivery or a bounce; without deliveries: sent"),
        Column("bounced", "messages", "attempted, and the last final word is a bounce"),
        Column("bounce_rate", "share", "bounced / attempted", "bounced", "attempted"),
    ),
    note="One bounce of one message is 100 %, and says little: its lower bound is 21 %.",
    example='cx.worst_domains("q3-update").head(10)',
    chart="shares",
    caption="The highest lower bound of the 95% interval is first.",
    report="bounce_report",
    empty="There is no domain with bounces to show.",
    private=True,
)

TYPO_DOMAINS = Question(
    name="typo_domains",
    question="Which domains are mistyped, and what became of the mail to them?",
    grain="campaign × domain that is a known slip of the pen, most frequent first",
    columns=(
        Column("domain", "text", "the address's domain"),
        Column("meant", "text", "the domain that was probably meant"),
        Column("recipients", "messages", "to that domain, mailed or not"),
        Column("attempted", "messages", "with a delivery or a bounce; without deliveries: sent"),
        Column("delivered", "messages", "attempted and not bounced in the end"),
        Column("bounced", "messages", "attempted, and the last final word is a bounce"),
        Column("bounce_rate", "share", "bounced / attempted", "bounced", "attempted"),
    ),
    note=(
        "What is delivered there is read by whoever registered the slip. The slips are those that "
        "`cxtools hygiene` knows before a list is mailed; neighbours of a list's own domains are "
        "found there only."
    ),
    example='cx.typo_domains("q3-update")',
    chart="shares",
    report="bounce_report",
    shown=("domain", "meant", "recipients", "delivered", "bounced"),
    empty="There is no domain to show that looks like a slip of the pen.",
    private=True,
)

REPEAT_BOUNCERS = Question(
    name="repeat_bouncers",
    question="In how many campaigns did those bounce who bounced?",
    grain="campaign × campaigns in which the address bounced",
    columns=(
        Column("campaigns", "number", "of those that are asked about; 5 is five or more"),
        Column("recipients", "messages", "bounced in this campaign, to such an address"),
        Column("all_recipients", "messages", "bounced in this campaign, with an address"),
        Column("share", "share", "recipients / all_recipients", "recipients", "all_recipients"),
    ),
    note=(
        "Campaigns that aren't asked about count for nothing: ask about all. What repeats was not "
        "suppressed, or not for good."
    ),
    example="cx.repeat_bouncers().chart()",
    chart="shares",
    report="bounce_report",
    empty="No bounces.",
)
