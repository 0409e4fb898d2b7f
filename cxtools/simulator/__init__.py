"""
The CXone Email API as a seeded world behind a real HTTP server: `python -m cxtools.simulator`.

`people` says what recipients and mailbox providers do, `world` is the API as a state machine,
`server` puts it on a port. The room imports nothing of cxtools and writes the wire format by hand,
so that a mistake in one is seen by the other.
"""
