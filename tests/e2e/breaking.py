"""A lab's own port, named by `module:Class` in a bench file: a console whose line breaks when something is sent."""

from typing import Any, ClassVar

from pydantic import BaseModel

from hil.errors import BenchError


class NoOptions(BaseModel):
    model_config = {"extra": "forbid"}


class BreakingLine:
    """Breaks at the first write, as a cable that is pulled does: later, through `on_lost`."""

    def __init__(self, site: Any) -> None:
        self.name, self._clock, self._on_lost = site.name, site.clock, None

    async def open(self, on_data: Any, on_lost: Any) -> None:
        self._on_lost = on_lost

    def write(self, data: bytes) -> None:
        self._clock.call_in(1_000_000, self._break)

    def _break(self, _: object) -> None:
        self._on_lost(BenchError("the cable was pulled", where=f"console.{self.name}", remedy="plug it in."))

    async def close(self) -> None:
        pass


class BreakingConsole:
    Options: ClassVar[type[BaseModel]] = NoOptions
    real: ClassVar[bool] = False

    @staticmethod
    def resources(options: NoOptions) -> list[str]:
        return []

    @staticmethod
    def make(site: Any, options: NoOptions) -> BreakingLine:
        return BreakingLine(site)
