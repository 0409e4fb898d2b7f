"""The message of one batch, as the API takes it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cxtools.errors import ConfigError
from cxtools.model import Recipient
from cxtools.sending.spec import Spec
from cxtools.text import canonical_json

#: Recipients per POST, by the contract.
MAX_BATCH = 1000
#: Marks every recipient with the batch, so that an event can prove that a lost batch was sent.
BATCH_TAG = "cxb:"


def message_body(spec: Spec, recipients: Sequence[Recipient], *, batch_id: str) -> bytes:
    """
    The bytes of the POST that submits one batch; the same batch always gives the same bytes.

    Raises:
        ConfigError: nobody to mail, or more than the API takes at once.
    """
    if not 1 <= len(recipients) <= MAX_BATCH:
        raise ConfigError(
            f"a batch holds 1 to {MAX_BATCH:,} recipients, not {len(recipients):,}",
            do="plan the campaign in batches",
        )
    document = {
        "subject": spec.subject,
        "templateId": spec.template_id,
        "senderAddress": spec.sender,
        "recipients": [_tagged(person, batch_id) for person in recipients],
        "tracking": {
            "enableOpens": spec.tracking.opens,
            "enableClicks": spec.tracking.clicks,
        },
    }
    return canonical_json(document).encode()


def _tagged(person: Recipient, batch_id: str) -> dict[str, Any]:
    entry = person.to_api()
    entry["tags"].append(f"{BATCH_TAG}{batch_id}")
    return entry
