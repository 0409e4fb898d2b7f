"""From a spec and a list of people to jobs whose events are collected."""
