"""Keywords for updates over the air."""

from __future__ import annotations

from enum import Enum

from robot.api.deco import keyword

from hil.robot.group import KeywordGroup
from hil.robot.types import Deadline, Duration, Truth


class Consent(Enum):
    """Who has to agree to an update."""

    auto = "auto"
    hmi = "hmi"


class UpdateKeywords(KeywordGroup):
    """Updates over the air. What is asked is asked of the campaign that was offered last."""

    @keyword(tags=["update"])
    def offer_update(
        self, version: str, fault: str = "", consent: Consent = Consent.auto, size: int = 0, update: str = ""
    ) -> int:
        """Offers an update to the device; gives the number of the campaign.

        ``fault`` makes a bad bundle: ``wrong key``, ``unsigned``, ``bit flip in image``, ``bit flip in metadata``,
        ``older release``, ``wrong hardware``, ``expired``, ``mixed``, ``too big``; or good ones whose software doesn't
        work: ``does not boot``, ``sick``. With ``consent=hmi`` the driver has to agree.

        | Offer Update    1.1.0    fault=wrong key |
        """
        return self.bench.update(update).offer(version, fault=fault, consent=consent.value, size=size)

    @keyword(tags=["update"])
    def answer_update_offer(self, accept: Truth = Truth.yes, update: str = "") -> None:
        """Accepts or postpones in the owner's place, from a telephone."""
        self.bench.update(update).consent(bool(accept))

    @keyword(tags=["update"])
    def cancel_update(self, update: str = "") -> None:
        """Takes the campaign back."""
        self.bench.update(update).cancel()

    @keyword(tags=["update"])
    def announce_update_again(self, update: str = "") -> None:
        """Announces the campaign once more, as a backend does after a restart."""
        self.bench.update(update).announce_again()

    @keyword(tags=["update"])
    def fail_downloads(self, fault: str, count: int = 1, after: int = 0, update: str = "") -> None:
        """Has requests fail: ``dropped``, ``server error``, ``cut short``, ``range ignored``; after some good ones."""
        self.bench.update(update).fail_downloads(fault, count, after=after)

    @keyword(tags=["update", "check"])
    def update_should_reach(
        self, state: str, within: Deadline = Deadline(60), condition: str = "", update: str = ""
    ) -> None:
        """Checks that the device says that the campaign is in a state, at the latest ``within`` from now.

        | Update Should Reach    installing    condition=NotParked |
        """
        self.bench.update(update).state_should_be(state, within=float(within), condition=condition)

    @keyword(tags=["update", "check"])
    def update_should_be_reported(
        self, state: str, result: str = "", within: Deadline = Deadline(60), update: str = ""
    ) -> None:
        """Checks how the campaign ended by its one report: ``committed``, ``rolled_back``, ``failed``, and why.

        | Update Should Be Reported    failed    BadSignature |
        """
        self.bench.update(update).should_be_reported(state, result=result, within=float(within))

    @keyword(tags=["update", "check"])
    def update_reports_should_be(self, count: int = 1, update: str = "") -> None:
        """Checks how many reports of the campaign came so far."""
        self.bench.update(update).reports_should_be(count)

    @keyword(tags=["update", "power"])
    def cut_power_at(
        self, stage: str, off_for: Duration = Duration(1), within: Deadline = Deadline(60), update: str = ""
    ) -> None:
        """Cuts all supplies as soon as the campaign reached a stage, and switches them on again.

        | Cut Power At    installing 50 %    off_for=2 s |
        """
        self.bench.update(update).cut_power_at(stage, off_for=float(off_for), within=float(within))
