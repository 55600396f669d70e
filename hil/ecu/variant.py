"""Which cockpit ECU it is: its brand and what it is fitted with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FEATURES: Final = frozenset(
    {"navigation", "voice", "air_suspension", "hybrid", "acc", "camera", "profiles", "phone", "update"}
)
"""All that a cockpit may be fitted with."""


@dataclass(frozen=True, slots=True)
class EcuVariant:
    """One variant.

    Attributes:
        name: its name in the bench file.
        brand: whose design it wears.
        features: what it is fitted with, out of `FEATURES`.
    """

    name: str = "alta"
    brand: str = "alta"
    features: frozenset[str] = FEATURES
