"""Diagnosis: ISO-TP (ISO 15765-2) as a state machine, its runner on a CAN port, and a UDS client (ISO 14229-1)."""
