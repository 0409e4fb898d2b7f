"""
Events kept and brought in: the store (immutable Parquet, one folder per campaign) and imports of
other systems' files.

The store is no database file: DuckDB lets one writer lock every reader out, whereas Parquet files
that never change take any number of readers and writers at once, and any engine reads them.
"""
