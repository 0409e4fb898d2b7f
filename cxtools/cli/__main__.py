"""`python -m cxtools.cli`: the same command without an installed script."""

from cxtools.cli import main

main()
