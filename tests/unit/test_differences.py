"""Comparisons: which pairs are made, what is said of them, and that everyone says the same."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import pandas as pd
import pytest

from cxtools.errors import ConfigError, ReportError, StoreError
from cxtools.measures.answers import add_rates, answer
from cxtools.measures.catalogue import QUESTIONS
from cxtools.measures.differences import finding, rows
from cxtools.measures.engine import Engine
from cxtools.measures.samples import ab_size
from cxtools.measures.stats import holm, newcombe
from cxtools.measures.table import Table
from tests.tables import ask, store

#: The published groups of a mailing of 100,000 (engagement only: nothing bounced): sent, opened but
#: not clicked, clicked. From "stasi009", notebook a0253d7; each sums to its n.
COUNTRIES = {
    "ES": (9967, 310, 83),
    "FR": (9995, 332, 80),
    "UK": (19939, 1915, 492),
    "US": (60099, 5719, 1464),
}
TEXTS = {"generic": (50209, 3255, 760), "personalized": (49791, 5021, 1359)}
DAYS = {
    "1": (14363, 1343, 329),
    "2": (14143, 1358, 352),
    "3": (14084, 1311, 389),
    "4": (14277, 1345, 349),
    "5": (14177, 864, 199),
    "6": (14569, 1022, 260),
    "7": (14387, 1033, 241),
}


def counts(parts: dict[str, tuple[int, int, int]], by: str, campaign: str = "c") -> pd.DataFrame:
    """What the funnel counts of such groups."""
    found = []
    for name, (sent, opened_only, clicked) in parts.items():
        opened = opened_only + clicked
        found.append((campaign, name, sent, sent, 0, opened, clicked, opened, clicked))
    columns = ["attempted", "delivered", "bounced", "opened", "clicked"]
    measured = ["opened_measured", "clicked_measured"]
    return pd.DataFrame(found, columns=["campaign", by, *columns, *measured])


def findings(table: pd.DataFrame, metric: str, by: str) -> dict[str, str]:
    """Pair -> what is said of it."""
    own = table[table.metric == metric]
    return {f"{row[by]} beside {row['beside']}": row["finding"] for row in own.to_dict("records")}


def test_two_arms_are_one_pair() -> None:
    """The published test: personalised mail is clicked more than generic, far beyond chance."""
    table = rows(counts(TEXTS, "arm"), ["c"], ["arm"])
    [row] = table[table.metric == "click_rate"].to_dict("records")

    assert ("personalized", "generic", "significant") == (row["arm"], row["beside"], row["finding"])
    assert 1359 / 49791 - 760 / 50209 == pytest.approx(row["difference"])
    assert newcombe(1359, 49791, 760, 50209) == (row["difference_low"], row["difference_high"])
    assert row["chance"] < 1e-30


def test_four_parts_are_compared_with_each_other() -> None:
    """Six pairs; the countries of the published mailing fall into two groups, and Holm knows six."""
    table = rows(counts(COUNTRIES, "country"), ["c"], ["country"])
    clicked = table[table.metric == "click_rate"]

    assert {
        "FR beside ES": "no difference shown",
        "UK beside ES": "significant",
        "US beside ES": "significant",
        "UK beside FR": "significant",
        "US beside FR": "significant",
        "US beside UK": "no difference shown",
    } == findings(table, "click_rate", "country")
    assert holm(clicked.chance.tolist()) == clicked.chance_holm.tolist()


def test_more_parts_are_each_compared_with_all_the_others() -> None:
    """Of seven days Friday is clicked less than the rest, Wednesday more."""
    table = rows(counts(DAYS, "weekday"), ["c"], ["weekday"])
    said = findings(table, "click_rate", "weekday")
    [friday] = table[(table.metric == "click_rate") & (table.weekday == "5")].to_dict("records")

    assert 7 == len(said)
    assert {"significant"} == {said[f"{day} beside the others"] for day in "35"}
    assert (199, 14177) == (friday["part"], friday["whole"])
    assert (2119 - 199, 100_000 - 14177) == (friday["beside_part"], friday["beside_whole"])
    assert friday["difference"] < 0


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"a": (19, 5, 5), "b": (900, 90, 40)}, "too few"),  # a side of 19 messages
        ({"a": (500, 5, 2), "b": (900, 9, 2)}, "too few"),  # 4 clicks on both sides
        ({"a": (1000, 50, 50), "b": (1000, 50, 68)}, "promising"),
        ({"a": (1000, 50, 50), "b": (1000, 50, 80)}, "significant"),
        ({"a": (1000, 50, 50), "b": (1000, 50, 55)}, "no difference shown"),
    ],
)
def test_the_words_follow_the_rule(parts: dict[str, tuple[int, int, int]], said: str) -> None:
    """Each of the four, by the numbers that the printed rule names."""
    table = rows(counts(parts, "arm"), ["c"], ["arm"])

    assert {"b beside a": said} == findings(table, "click_rate", "arm")


def test_a_pair_of_too_few_takes_no_part_in_holm() -> None:
    """A hundred tiny domains don't hide what two large ones show."""
    large = {"a": (1000, 50, 50), "b": (1000, 50, 80)}
    table = rows(counts(large | {"tiny": (9, 1, 1)}, "arm"), ["c"], ["arm"])
    alone = rows(counts(large, "arm"), ["c"], ["arm"])
    kept = table[(table.metric == "click_rate") & (table.finding != "too few")]

    assert alone[alone.metric == "click_rate"].chance_holm.tolist() == kept.chance_holm.tolist()
    assert kept.chance.tolist() == kept.chance_holm.tolist()


def test_significant_never_contradicts_its_interval() -> None:
    """Where the interval holds 0, the word is a weaker one, whatever the test says."""
    assert "promising" == finding(0.049, 0.049, -0.001, 0.1)


LIST = "to | kind | at | url\n" + "\n".join(
    f"{campaign}{number}@{provider} | {kind} | +{second} | {'https://shop.example' * (kind == 'click')}"
    for campaign in "ab"
    for provider in ("gmail.com", "outlook.com")
    for number in range(40)
    for second, kind in ((number, "delivery"), (number + 60, "click"))
    if kind == "delivery" or number < 10 + 15 * (campaign == "b")
)


def two_campaigns() -> Any:
    """a: 10 of 40 at each provider clicked; b: 25 of 40."""
    lines = LIST.splitlines()
    target = None
    for campaign in "ab":
        own = [lines[0], *(line for line in lines[1:] if line.startswith(campaign))]
        target = store("\n".join(own), campaign, target)
    return target


def test_campaigns_stand_beside_the_first() -> None:
    """`compare(b, a)` is `compare(a, b)` seen from the other side."""
    target = two_campaigns()
    forth = ask("compare", target, ["a", "b"])
    back = ask("compare", target, ["b", "a"])
    [row] = forth[forth.metric == "click_rate"].to_dict("records")
    [other] = back[back.metric == "click_rate"].to_dict("records")

    assert ("b", "a", 50, 80, 20, 80) == tuple(
        row[name] for name in ("campaign", "beside", "part", "whole", "beside_part", "beside_whole")
    )
    assert row["finding"] == other["finding"] == "significant"
    assert (row["difference_low"], row["difference_high"]) == pytest.approx(
        (-other["difference_high"], -other["difference_low"])
    )
    assert isinstance(forth, Table)


def test_campaigns_are_compared_at_one_age() -> None:
    """What came to the older one after the younger one's age doesn't count."""
    target = two_campaigns()
    late = "to | kind | at | url\n" + "\n".join(
        f"a{number}@gmail.com | click | +90000 | https://shop.example" for number in range(10, 40)
    )
    store(late, "a", target)
    young = "to | kind | at | url\n" + "\n".join(
        f"c{number}@gmail.com | {kind} | +{second} | https://shop.example"
        for number in range(40)
        for second, kind in ((89000, "delivery"), (89900, "click"))
    )
    store(young, "c", target)
    table = ask("compare", target, ["a", "c"])
    uncut = ask("compare", target, ["a", "c"], as_of="2027-01-01")

    assert [20, 50] == [
        each[each.metric == "click_rate"].beside_part.item() for each in (table, uncut)
    ]


def test_campaigns_are_compared_at_one_age_where_none_is_named() -> None:
    """The oldest is the one that the others stand beside; at a moment they differ, which is said."""
    target = two_campaigns()
    late = "to | kind | at | url\n" + "\n".join(
        f"a{number}@gmail.com | click | +90000 | https://shop.example" for number in range(10, 40)
    )
    store(late, "a", target)
    oldest = "to | kind | at | url\n" + "\n".join(
        f"z{number}@gmail.com | {kind} | {at} | https://shop.example"
        for number in range(40)
        for at, kind in (("01 09:00", "delivery"), ("01 09:10", "click"), ("05 09:00", "open"))
    )
    store(oldest, "z", target)
    table = ask("compare", target)
    named = ask("compare", target, ["z", "a", "b"])
    at_a_moment = ask("compare", target, ["z", "a"], as_of="2026-09-15T12:00:00Z")

    assert {"z"} == set(table.beside)
    assert named.equals(table)
    assert () == named.notes
    assert ("All campaigns at the age of 25 h: what happened later does not count.",) == table.notes
    assert "different ages at that moment" in str(at_a_moment.notes)


@pytest.mark.parametrize(("last", "said"), [(90, False), (86400, True)])
def test_parts_that_were_sent_at_different_times(last: int, said: bool) -> None:
    """The later ones had less time, until three days have passed since the last was sent."""
    target = None
    for arm, second in (("a", 0), ("b", last)):
        lines = "\n".join(
            f"{arm}{n}@{arm}.example | {kind} | +{second + after} | https://shop.example"
            for n in range(30)
            for kind, after in (("delivery", 0), ("click", 60))
        )
        target = store(f"to | kind | at | url\n{lines}", into=target)
    assert target
    young = ask("compare", target, "c", by="domain")
    store(f"to | kind | at | url\na1@a.example | open | +{last + 3 * 86400} |", into=target)
    ripe = ask("compare", target, "c", by="domain")

    assert said == ("sent at different times" in str(young.notes))
    assert () == ripe.notes


def test_a_rate_that_the_first_does_not_measure_is_not_compared() -> None:
    """No other campaign takes its place, and that is said."""
    target = two_campaigns()
    silent = "to | kind | at\n" + "\n".join(f"s{n} | delivery | +{n}" for n in range(40))
    store(silent, "s", target)
    table = ask("compare", target, ["s", "a", "b"])
    behind = ask("compare", target, ["a", "s", "b"])
    said = (
        "s, which is named first, has no open rate and no click rate and no click to open rate: "
        "nothing is compared by that."
    )

    assert {("delivery_rate", "s")} == set(zip(table.metric, table.beside, strict=True))
    assert {"a"} == set(behind.beside)
    assert [("b", 50)] == [
        (row.campaign, row.part) for row in behind[behind.metric == "click_rate"].itertuples()
    ]
    assert said in str(table._repr_html_())
    assert said in str(table.words())
    assert () == behind.notes


def test_what_has_not_begun_leaves_the_others_at_one_age() -> None:
    """A campaign without any moment is left out with a sentence; as the first it is refused."""
    target = two_campaigns()
    late = "to | kind | at | url\n" + "\n".join(
        f"a{number}@gmail.com | click | +90000 | https://shop.example" for number in range(10, 40)
    )
    store(late, "a", target)
    young = "to | kind | at\n" + "\n".join(
        f"c{number}@gmail.com | delivery | +89000" for number in range(40)
    )
    store(young, "c", target)
    store("to | kind | at\nx | delivery | ", "undated", target)
    engine = Engine(target, planned=lambda: ["planned"])
    alone = answer(engine, "compare", ["a", "c"])
    table = answer(engine, "compare", ["a", "planned", "c", "undated"])

    assert alone.equals(table)
    assert ("Left out, since no sending of it has a moment yet: planned, undated.",) == table.notes
    with pytest.raises(StoreError, match="nothing can be compared with planned"):
        answer(engine, "compare", ["planned", "a", "c"])


def test_parts_of_several_campaigns_stay_with_their_own() -> None:
    """With `by`, no pair is made across campaigns."""
    table = ask("compare", two_campaigns(), by="provider")
    clicked = table[table.metric == "click_rate"]

    assert [("a", "microsoft", "gmail"), ("b", "microsoft", "gmail")] == [
        (row.campaign, row.provider, row.beside) for row in clicked.itertuples()
    ]


def test_nothing_to_compare_is_said() -> None:
    """One campaign without a split: no rows, and the words that say what to do."""
    table = ask("compare", two_campaigns(), "a")

    assert 0 == len(table)
    assert "name two campaigns" in str(table._repr_html_())
    assert "name two campaigns" in table.chart().layout.meta["caption"]


def test_a_table_says_the_rule_and_signs_its_differences() -> None:
    """+37.5 points with its interval; the figure leaves out rates of too few."""
    table = ask("compare", two_campaigns(), ["a", "b"])
    shown = re.sub("\u2060", "", str(table._repr_html_()))
    symbols = {symbol for trace in table.chart().data for symbol in trace["marker"]["symbol"]}

    assert "+37.5 points (+22.3 to +50.3)" in shown
    assert "Significant: chance alone" in shown
    assert {"circle"} == symbols
    assert table.text().splitlines()[1].startswith("b         delivery rate")


#: The published mailing of 100,000: opened, clicked, clicked without an open (three notebooks agree).
MAILING = {"sent": 100_000, "opened": 10_345, "clicked": 2_119, "clicks_without_open": 50}


def test_the_published_mailing_has_its_rates() -> None:
    """Its open and click rates with their intervals, and the three click-to-open rates."""
    sent, opened = MAILING["sent"], MAILING["opened"]
    clicked, orphans = MAILING["clicked"], MAILING["clicks_without_open"]
    confirmed = opened + orphans
    row = dict.fromkeys(("attempted", "delivered"), sent) | {"bounced": 0, "late_bounced": 0}
    row |= {"opened": confirmed, "opened_measured": confirmed, "opened_strict": opened}
    row |= {"clicked": clicked, "clicked_measured": clicked, "clicks_without_open": orphans}
    moments = {"first_at": None, "last_at": None}
    [rates] = add_rates(
        pd.DataFrame([{"campaign": "c"} | row | moments]), QUESTIONS["funnel"]
    ).to_dict("records")

    assert 0.10395 == rates["open_rate"]
    assert 0.02119 == rates["click_rate"]
    assert (0.02032, 0.02210) == pytest.approx(
        (rates["click_rate_low"], rates["click_rate_high"]), abs=6e-6
    )
    assert (0.20483, 0.20000, 0.20385) == pytest.approx(
        (clicked / opened, (clicked - orphans) / opened, rates["click_to_open_rate"]), abs=6e-6
    )


@pytest.mark.parametrize("parts", [COUNTRIES, TEXTS, DAYS], ids=["country", "text", "weekday"])
def test_the_published_splits_sum_to_the_whole(parts: dict[str, tuple[int, int, int]]) -> None:
    """100,000 sent, 8,276 opened and not clicked, 2,119 clicked, whatever they are split by."""
    assert (100_000, 8_276, 2_119) == tuple(
        sum(column) for column in zip(*parts.values(), strict=True)
    )


# --- how many messages a test takes ---


@pytest.mark.parametrize(
    ("how", "per_arm"),
    [
        ({"base": 0.08, "lift": 0.01}, 12208),
        ({"base": 0.09, "lift": -0.01}, 12208),
        ({"base": 0.5, "lift": 0.25, "power": 0.9}, 77),  # R's help on power.prop.test
        ({"base": 0.08, "lift": 0.01, "arms": 3}, 16284),
    ],
)
def test_a_test_is_large_enough(how: dict[str, Any], per_arm: int) -> None:
    """Two-sided, either way round the same; three arms have three pairs, each at a third of 5 %."""
    size = ab_size(**how)

    assert (per_arm, per_arm * size.arms) == (size.per_arm, size.total)


def test_most_tests_of_that_size_see_the_difference() -> None:
    """Of 400 tests with 8 and 12 % four in five come out significant, by the rule of compare."""
    rng = Random(13)
    size = ab_size(base=0.08, lift=0.04).per_arm
    seen = 0
    for _ in range(400):
        clicks = [sum(rng.random() < rate for _ in range(size)) for rate in (0.08, 0.12)]
        arms = {name: (size, 0, number) for name, number in zip("ab", clicks, strict=True)}
        table = rows(counts(arms, "arm"), ["c"], ["arm"])
        seen += findings(table, "click_rate", "arm") == {"b beside a": "significant"}

    assert 0.75 < seen / 400 < 0.85


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"base": 8, "lift": 1}, "base is 8; base and lift together is 9"),
        ({"base": 0.08, "lift": 0}, "nothing to tell apart"),
        ({"base": 0.08, "lift": 0.01, "power": 1}, "power is 1"),
        ({"base": 0.08, "lift": 0.01, "arms": 1}, "2 to 20 arms, not 1"),
    ],
)
def test_a_size_that_is_none_is_refused(how: dict[str, Any], words: str) -> None:
    """Percent for shares, no lift, certainty."""
    with pytest.raises(ConfigError, match=words):
        ab_size(**how)


# --- in words ---


def test_what_differs_is_said_in_words() -> None:
    """What is beyond chance first, with the rule below; a terminal and a page say the same."""
    words = ask("compare", two_campaigns(), ["a", "b"]).words()

    assert "2 differences beyond chance." == words.headline
    assert words.sentences[0] == (
        "b beside a: 62.5% of the delivered were clicked, beside 25.0%; "
        "+37.5 points (+22.3 to +50.3), significant."
    )
    assert words.sentences[0] in str(words)
    assert "<strong>2 differences beyond chance.</strong>" in words._repr_html_()
    assert words.note.startswith("Significant: chance alone")


@pytest.mark.parametrize(
    ("parts", "headline"),
    [
        ({"a": (1000, 50, 50), "b": (1000, 50, 68)}, "Nothing for certain; what looks promising:"),
        ({"a": (1000, 50, 50), "b": (1000, 50, 50)}, "No difference is shown that chance"),
        ({"a": (10, 1, 1), "b": (10, 1, 1)}, "Too few"),
    ],
)
def test_the_headline_says_no_more_than_is_known(
    parts: dict[str, tuple[int, int, int]], headline: str
) -> None:
    """Promising is not a result, nothing is not a difference, and few are few."""
    question = QUESTIONS["compare"]
    table = add_rates(rows(counts(parts, "arm"), ["c"], ["arm"]), question, ["arm"])
    words = Table(table).answering(question, ["arm"]).words()

    assert words.headline.startswith(headline)


def test_nothing_to_compare_is_said_in_words() -> None:
    """And a table of numbers only says that it has no words."""
    target = two_campaigns()

    assert "name two campaigns" in ask("compare", target, "a").words().headline
    with pytest.raises(ReportError, match="no words for this table"):
        ask("funnel", target).words()


def test_one_part_alone_is_named() -> None:
    """Whoever named a column is told that it has one part only, not to name one."""
    one = ask("compare", store("to | kind | email\nann | delivery | a@gmail.com"), by="provider")
    two = "to | kind | email\nann | delivery | a@gmail.com\nbob | delivery | b@yahoo.com"

    assert ("By provider there is one part only of c (gmail): nothing stands beside it.",) == (
        one.notes
    )
    assert "one part only of c (gmail)" in one.chart().layout.meta["caption"]
    assert "one part only" not in " ".join(ask("compare", store(two), by="provider").notes)


def test_no_bounce_is_no_unknown_cause() -> None:
    """Where nothing bounced there is one part by cause, which is called so."""
    table = ask("compare", store("to | kind\nann | delivery"), by="cause")

    assert "one part only of c (no bounce)" in table.notes[-1]
