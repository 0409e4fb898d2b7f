"""
The door to the CXone Email API.

    pace      when may the next request leave, and what after a failure      pure
    outcome   what an answer means                                           pure
    wire      one HTTP exchange that always ends
    auth      signing in: one token for all threads
    client    the five endpoints
"""
