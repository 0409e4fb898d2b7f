"""Tests that take minutes each: `make long-check`."""
