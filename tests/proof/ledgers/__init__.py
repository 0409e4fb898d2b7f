"""Ledgers as earlier versions left them; `make_first.py` says how `first` was made."""
