"""
The messages layer: what became of each message, made once of raw events and asked by every
question.

A layer is derived from the parts of one campaign, so it may be deleted at any time: whoever asks
next makes it again. Here identity is resolved and repeated events are left out; nowhere else.
"""
