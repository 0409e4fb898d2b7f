"""
The door to the CXone Email API.

    answer, documents     what came back, and what a good answer must hold           pure
    outcome, refusals     what became of a submit; the error that an answer becomes  pure
    backoff               again, and when? and a budget for it                       pure
    gate, breaker         when may the next request leave?                           pure
    redaction, grants     secrets on the wire; the ways to sign in                   pure
    connections, wire     one HTTP exchange that always ends
    pacer                 the turns of all threads
    transport, retrier    one exchange, counted; again until the answer is final
    auth                  one token for all threads
    reader, submitter     GETs and lists; the one POST
    client                the five endpoints
"""
