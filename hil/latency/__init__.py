"""Latency: how long from a stimulus to the reaction, with statistics that don't claim too much and an uncertainty."""
