"""The update backend as a test sees it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from hil import units
from hil.bench.portal import Portal
from hil.bench.reset import Reset
from hil.cloud.backend import Campaign, Consent, Said
from hil.cloud.bundle import check_fault
from hil.errors import UsageError
from hil.units import Duration

STATES: Final = (
    "offered", "consented", "downloading", "verifying", "installing", "ready", "activating", "committed", "rolled_back",
    "failed",
)  # fmt: skip
_STAGE: Final = re.compile(r"([a-z_ ]+?)\s*(?:(\d{1,3})\s*%)?")


class UpdateFacade:
    """One update backend; what is asked is asked of the campaign that was offered last."""

    def __init__(self, bench: Portal, name: str) -> None:
        self._bench, self.name = bench, name
        self._backend = bench.wiring.cloud.updates[name]
        self._listener = bench.wiring.cloud.mqtt[bench.wiring.cloud.broker_of[name]]

    def offer(
        self, version: str, *, fault: str = "", consent: Consent = "auto", size: int = 0, release: int | None = None
    ) -> int:
        """Offer an update; gives the number of the campaign.

        Args:
            version: of the software in it, `1.1.0`.
            fault: what is wrong with the bundle (`wrong key`, `bit flip in image`, ...); nothing if empty.
            consent: `auto` needs none; `hmi` waits for the driver's answer.
            size: bytes of the image, about.
            release: its release counter; by default it goes up.

        Raises:
            UsageError: there is no such fault, or the version is none.
        """
        check_fault(fault)
        return self._bench.call(self._offer(version, fault, consent, size, release))

    async def _offer(self, version: str, fault: str, consent: Consent, size: int, release: int | None) -> int:
        campaign = self._backend.offer(version, fault=fault, consent=consent, size=size, release=release)
        self._record("offer", campaign, version=version, fault=fault)
        return campaign.number

    def _record(self, event: str, campaign: Campaign, **fields: str) -> None:
        record = {"event": event, "campaign": campaign.number, **fields}
        self._bench.wiring.recorder.record("update", record, name=self.name)

    def announce_again(self) -> None:
        """Announce the campaign once more, as a backend does after a restart."""
        self._act("announce again", self._backend.announce)

    def cancel(self) -> None:
        """Take the campaign back."""
        self._act("cancel", self._backend.cancel)

    def consent(self, accepted: bool = True) -> None:
        """Answer in the owner's place, from a telephone."""
        self._act("consent" if accepted else "postpone", lambda campaign: self._backend.consent(campaign, accepted))

    def _act(self, event: str, action: Callable[[Campaign], object]) -> None:
        async def act() -> None:
            action(self._backend.newest)
            self._record(event, self._backend.newest)

        self._bench.call(act())

    def fail_downloads(self, fault: str, count: int = 1, *, after: int = 0) -> None:
        """Have requests to the artefact server fail: `dropped`, `server error`, `cut short`, `range ignored`."""
        from hil.cloud.artefacts import FAULTS

        known = next((one for one in FAULTS if one == fault), None)
        if known is None:
            raise UsageError(f"downloads can't fail by '{fault}'", remedy=f"there is: {', '.join(FAULTS)}.")
        self._backend.shelf.fail_next(known, count, after=after)

    # Checks -------------------------------------------------------------------------------------------------------

    def state_should_be(self, state: str, *, within: Duration = "60 s", condition: str = "") -> None:
        """Wait until the device says that the campaign is in a state; one that it passed through meanwhile counts not.

        Args:
            state: one of `STATES`.
            within: how long it may take.
            condition: what the device must say that it waits for (`NotParked`, `BatteryLow`, ...).

        Raises:
            EcuError: it did not get there.
        """
        self._bench.call(self._state_should_be(_state(state), within, condition))

    async def _state_should_be(self, state: str, within: Duration, condition: str) -> None:
        campaign, since_ns = self._backend.newest, self._bench.now_ns

        def there() -> bool:
            last = campaign.states[-1].fields if campaign.states else {}
            return last.get("state") == state and (not condition or last.get("condition") == condition)

        ok = await self._listener.wait_for(there, units.seconds(within))
        waits = f", waiting for {condition}" if condition else ""
        self._check("update", campaign, f"{state}{waits}", _last(campaign), ok, since_ns, within)

    def should_be_reported(self, state: str, *, result: str = "", within: Duration = "60 s") -> None:
        """Wait for the terminal report, and check what it says.

        Raises:
            EcuError: none came, or it says something else.
        """
        self._bench.call(self._should_be_reported(_state(state), result, within))

    async def _should_be_reported(self, state: str, result: str, within: Duration) -> None:
        campaign, since_ns = self._backend.newest, self._bench.now_ns
        await self._listener.wait_for(lambda: bool(campaign.reports), units.seconds(within))
        said = next(iter(campaign.reports.values()), None)
        fields = said.fields if said else {}
        ok = fields.get("state") == state and (not result or fields.get("result") == result)
        expected = f"reported as {state}{f', {result}' if result else ''}"
        self._check("update report", campaign, expected, _report(said), ok, since_ns, within)

    def reports_should_be(self, count: int = 1) -> None:
        """Check how many reports of the campaign came so far; one that came again under its id counts once.

        Raises:
            EcuError: another number.
        """
        self._bench.call(self._reports_should_be(count))

    async def _reports_should_be(self, count: int) -> None:
        campaign = self._backend.newest
        seen = f"{len(campaign.reports)}: {', '.join(campaign.reports) or 'none'}"
        ok = len(campaign.reports) == count
        self._check("update reports", campaign, f"{count} report(s)", seen, ok, self._bench.now_ns, 0)

    def _check(
        self, name: str, campaign: Campaign, expected: str, seen: str, ok: bool, since_ns: int, within: Duration
    ) -> None:
        self._bench.judge.check(
            name=name,
            target=f"update.{self.name} campaign {campaign.number}",
            expected=expected,
            seen=seen,
            ok=ok,
            t_ns=campaign.states[-1].t_ns if ok and campaign.states else self._bench.now_ns,
            since_ns=since_ns,
            within_ns=units.nanoseconds(within),
        )

    # Power cut ----------------------------------------------------------------------------------------------------

    def cut_power_at(self, stage: str, *, off_for: Duration = "1 s", within: Duration = "60 s") -> None:
        """Cut all supplies as soon as the device says that the campaign reached a stage, and switch them on again.

        Args:
            stage: `installing 50 %`, `activating`; a state and, if given, the least progress in it.
            off_for: how long the supplies stay off.
            within: how long the stage may take to come.

        Raises:
            EcuError: it never came.
        """
        state, progress = parse_stage(stage)
        self._bench.call(self._cut_power_at(state, progress, off_for, within))

    async def _cut_power_at(self, state: str, progress: int, off_for: Duration, within: Duration) -> None:
        wiring, campaign, since_ns = self._bench.wiring, self._backend.newest, self._bench.now_ns
        ok = await self._listener.wait_for(lambda: _reached(campaign, state, progress), units.seconds(within))
        stage = f"{state} {progress} %"
        self._check(
            "update", campaign, f"reaches {stage}, to cut the power there", _last(campaign), ok, since_ns, within
        )
        wiring.traffic.watch.pause("power")
        await Reset(wiring).feed(False)
        self._record("power cut", campaign, detail=stage)
        await wiring.clock.sleep(units.seconds(off_for))
        wiring.traffic.watch.expect("power")
        await Reset(wiring).feed(True)


def parse_stage(stage: str) -> tuple[str, int]:
    """State and progress of a stage as it is written.

    Raises:
        UsageError: it is none.
    """
    match = _STAGE.fullmatch(stage.strip().lower())
    if match is None or int(match[2] or 0) > 100:
        raise UsageError(f"'{stage}' is no stage of an update", remedy="write 'installing 50 %' or 'activating'.")
    return _state(match[1]), int(match[2] or 0)


def _state(state: str) -> str:
    name = state.strip().lower().replace(" ", "_")
    if name not in STATES:
        raise UsageError(f"an update has no state '{state}'", remedy=f"there is: {', '.join(STATES)}.")
    return name


def _reached(campaign: Campaign, state: str, progress: int) -> bool:
    last = campaign.states[-1].fields if campaign.states else {}
    return last.get("state") == state and int(last.get("progress", 0)) >= progress


def _last(campaign: Campaign) -> str:
    if not campaign.states:
        return "nothing: the device did not say a word of the campaign"
    fields = campaign.states[-1].fields
    waits = f", waiting for {fields['condition']}" if fields.get("condition") else ""
    report = f"; {_report(next(iter(campaign.reports.values())))}" if campaign.reports else ""
    return f"{fields.get('state')} {fields.get('progress')} %{waits}{report}"


def _report(said: Said | None) -> str:
    if said is None:
        return "no report"
    why = f" ({said.fields['why']})" if said.fields.get("why") else ""
    return f"reported as {said.fields.get('state')}, {said.fields.get('result')}{why}"
