"""What is held on one person, and how it is erased."""
