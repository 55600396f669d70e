"""The few words that the cluster puts up by itself, in four languages. Warnings come in as text."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "odometer": "ODO", "trip": "TRIP", "range": "RANGE", "charge": "CHARGE", "power": "POWER",
        "rpm": "\u00d71000 rpm",
    },
    "de": {
        "odometer": "GESAMT", "trip": "TAG", "range": "REICHWEITE", "charge": "LADEN", "power": "LEISTUNG",
        "rpm": "\u00d71000/min",
    },
    "fr": {
        "odometer": "TOTAL", "trip": "TRAJET", "range": "AUTONOMIE", "charge": "CHARGE", "power": "PUISSANCE",
        "rpm": "\u00d71000 tr/min",
    },
    "es": {
        "odometer": "TOTAL", "trip": "VIAJE", "range": "AUTONOMÍA", "charge": "CARGA", "power": "POTENCIA",
        "rpm": "\u00d71000 rpm",
    },
}  # fmt: skip
