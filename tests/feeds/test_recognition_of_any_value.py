"""Whatever stands under a name that tells feeds apart, asking whose a row is answers."""

from __future__ import annotations

import pytest

from cxtools.events import feeds
from cxtools.events.feeds.values import Row

VALUES = ([1, 2], ["postfix/smtp"], {"a": 1}, 5, True, None, "", "x")


@pytest.mark.parametrize(
    "row",
    [
        *({"SYSLOG_IDENTIFIER": value, "MESSAGE": "x"} for value in VALUES),
        *({"action": "add", "type": value} for value in VALUES),
        *({"log": value} for value in VALUES),
        *({"event": value, "msg": {}} for value in VALUES),
        *({"type": value, "data": {}} for value in VALUES),
    ],
    ids=str,
)
def test_each_row_is_of_some_feed(row: Row) -> None:
    """No exception: a row that no vendor recognises is one of a table."""
    assert feeds.recognise(row) in feeds.NAMES


@pytest.mark.parametrize("value", [5, [1, 2], None, {"a": 1}])
def test_a_log_that_holds_no_text_is_set_aside(value: object) -> None:
    """With its reason, like each line that is none of a log."""
    with pytest.raises(ValueError, match=r"not a line of a log|a list or an object stands"):
        feeds.read({"log": value}, "postfix")
