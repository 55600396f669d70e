"""Keywords for diagnosis (UDS over ISO-TP)."""

from __future__ import annotations

from enum import Enum

from robot.api.deco import keyword

from hil.robot.group import KeywordGroup
from hil.robot.types import Deadline, Truth


class DiagSession(Enum):
    """Diagnostic sessions."""

    default = "default"
    programming = "programming"
    extended = "extended"


class ResetKind(Enum):
    """Kinds of ECU reset."""

    hard = "hard"
    soft = "soft"


class DiagKeywords(KeywordGroup):
    """Diagnosis."""

    @keyword(tags=["diagnosis"])
    def diagnostic_session(self, session: DiagSession, keep: Truth = Truth.no, ecu: str = "") -> None:
        """Changes the diagnostic session; with ``keep=yes`` it is kept by tester present every 2 s.

        | Diagnostic Session    extended    keep=yes |
        """
        self.bench.diag(ecu).session(session.value, keep=bool(keep))

    @keyword(tags=["diagnosis"])
    def read_identifier(self, identifier: str, ecu: str = "") -> str:
        """Reads by identifier, by number (``F189``) or name (``software version``); gives it as text, with its unit.

        | ${version} =    Read Identifier    software version |
        """
        return str(self.bench.diag(ecu).read(identifier))

    @keyword(tags=["diagnosis", "check"])
    def identifier_should_be(self, identifier: str, expected: str, ecu: str = "") -> None:
        """Checks what is read by an identifier.

        | Identifier Should Be    software version    1.0.0 |
        """
        self.bench.diag(ecu).identifier_should_be(identifier, expected)

    @keyword(tags=["diagnosis"])
    def write_identifier(self, identifier: str, data: str, ecu: str = "") -> None:
        """Writes hex digits by identifier.

        | Write Identifier    service interval    27 10 |
        """
        self.bench.diag(ecu).write_did(identifier, data)

    @keyword(tags=["diagnosis"])
    def unlock_ecu(self, level: int = 1, ecu: str = "") -> None:
        """Security access: seed, key by the function that the bench file names, answer."""
        self.bench.diag(ecu).unlock(level)

    @keyword(tags=["diagnosis"])
    def clear_trouble_codes(self, ecu: str = "") -> None:
        """Clears all trouble codes."""
        self.bench.diag(ecu).clear_dtcs()

    @keyword(tags=["diagnosis", "check"])
    def trouble_code_should_be_stored(self, code: str, ecu: str = "") -> None:
        """Checks that a trouble code is confirmed: ``U0100`` (any failure type) or ``U0100-87``."""
        self.bench.diag(ecu).dtc_should_be_stored(code)

    @keyword(tags=["diagnosis", "check"])
    def no_trouble_code_should_be_stored(self, code: str = "", ecu: str = "") -> None:
        """Checks that no trouble code is confirmed, or not this one."""
        self.bench.diag(ecu).dtc_should_not_be_stored(code)

    @keyword(tags=["diagnosis"])
    def reset_ecu(self, kind: ResetKind = ResetKind.hard, ecu: str = "") -> None:
        """Resets the ECU by diagnosis: it answers, then it restarts. See `Ecu Should Answer`."""
        self.bench.diag(ecu).reset(kind.value)

    @keyword(tags=["diagnosis", "check"])
    def ecu_should_answer(self, within: Deadline = Deadline(5), ecu: str = "") -> None:
        """Checks that the ECU answers tester present, at the latest ``within`` from now."""
        self.bench.diag(ecu).should_answer(within=float(within))

    @keyword(tags=["diagnosis", "check"])
    def diagnostic_request(
        self, request: str, answer: str | None = None, refusal: str = "", functional: Truth = Truth.no, ecu: str = ""
    ) -> str:
        """Sends bytes and checks the answer; gives it as hex digits.

        ``answer`` is how the answer has to begin; ``${EMPTY}`` demands that none comes. ``refusal`` is the code of the
        refusal that is expected. With neither, the answer has to be positive.

        | Diagnostic Request    22 F1 90    answer=62 F1 90 |
        | Diagnostic Request    22 12 34    refusal=31 |
        | Diagnostic Request    B5          answer=${EMPTY}    functional=yes |
        """
        expect = int(refusal, 16) if refusal else answer
        return (
            self.bench.diag(ecu).request(request, expect=expect, functional=bool(functional)).response.hex(" ").upper()
        )

    @keyword(tags=["diagnosis", "check"])
    def diagnostic_answers_should_be_in_time(self, ecu: str = "") -> None:
        """Checks that every answer of this test began within P2 (after ``response pending`` P2*)."""
        self.bench.diag(ecu).answers_should_be_in_time()
