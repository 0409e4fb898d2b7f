"""Samples of what vendors send, each with its right events, and the test that reads them."""
