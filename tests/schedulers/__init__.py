"""What is shipped for schedulers, run by these schedulers: `make schedulers-check`."""
