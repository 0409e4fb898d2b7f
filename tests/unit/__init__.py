"""One room at a time, without a server."""
