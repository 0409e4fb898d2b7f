"""What is seen of cxtools where no checkout is: `make wheel-check`."""
