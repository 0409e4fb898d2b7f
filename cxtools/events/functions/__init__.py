"""What the engines have under different names or with different meanings: one file each."""
