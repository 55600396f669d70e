"""The virtual cockpit ECU: the default device under test."""
