"""
The CXone Email API as a seeded world behind a real HTTP server: `python -m cxtools.simulator`.

`nature` says what people and mailboxes are like, `people` who they are, `life` what becomes of a
message, `stories` what a job's events tell of it; `world` is the API as a state machine, `server`
puts it on a port. The room imports nothing of cxtools and writes the wire format by hand, so that a
mistake in one is seen by the other.
"""
