"""
The signature of a webhook, by Standard Webhooks 1.0 (https://www.standardwebhooks.com). Pure.

The published library is used in the tests to verify what is sent here; it isn't used to sign,
because it brings an HTTP stack of its own (httpx) for what are five lines of hmac.
"""

from __future__ import annotations

import base64
import hashlib
import hmac


def signature(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """
    The header `webhook-signature`; *secret* is base64, with or without `whsec_` before it.

    >>> secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    >>> webhook_id = "msg_p5jXN8AQM9LWM0D4loKWxJek"
    >>> signature(secret, webhook_id, 1614265330, b'{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    key = base64.b64decode(secret.removeprefix("whsec_"))
    head = f"{webhook_id}.{timestamp}."
    signed = head.encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    text = base64.b64encode(digest).decode()
    return f"v1,{text}"
