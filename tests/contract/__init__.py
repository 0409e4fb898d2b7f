"""The wire: client and simulator, each held to the contract by itself."""
