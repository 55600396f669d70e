"""Byte streams (serial lines, sockets), the console on top of them, and power supplies."""
