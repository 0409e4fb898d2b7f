"""The tests of cxtools; helpers are imported from here in full: `from tests.tables import store`."""
