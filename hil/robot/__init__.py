"""The Robot Framework library: `Library    hil.robot`. Keywords only; what they do stands in the bench's facade."""

from hil.robot.library import CockpitBench as robot

__all__ = ["robot"]
