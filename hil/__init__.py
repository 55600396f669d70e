"""The open bench for cockpit ECUs. Import what you need from the rooms; this package imports nothing itself."""

__version__ = "0.1.0"
