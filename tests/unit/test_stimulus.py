"""Which frame on the wire carries the stimulus of a reaction."""

from types import SimpleNamespace

import pytest

from hil.bench.measure import SignalStimulus
from hil.can import database
from hil.can.database import Network
from hil.can.frames import EXTENDED, REMOTE, SENT, CanFrame

DBC = """VERSION ""
NS_ :
BS_:
BU_: BCM
BO_ 256 Pages: 3 BCM
 SG_ Page M : 0|8@1+ (1,0) [0|3] "" Vector__XXX
 SG_ One m0 : 8|8@1+ (1,0) [0|255] "" Vector__XXX
 SG_ Other m1 : 16|8@1+ (1,0) [0|255] "" Vector__XXX
"""
NETWORK = Network({"cabin": database.load(DBC, ".dbc", "pages.dbc")})


@pytest.fixture
def matches():
    """Whether a frame is taken for the one that carries `Other` = 7."""
    wiring = SimpleNamespace(plan=SimpleNamespace(network=NETWORK))
    ref = NETWORK.resolve("Other")
    stimulus = SignalStimulus(wiring, ref, database.to_value(ref, 7), database.to_value(ref, 0))

    def ask(data, *, bus="cabin", can_id=256, flags=SENT):
        taken = []
        sent = SimpleNamespace(done=lambda: bool(taken), set_result=taken.append)
        stimulus._match(CanFrame(1, bus, can_id, bytes(data), flags), sent)
        return bool(taken)

    return ask


def test_the_first_sent_frame_with_the_value_is_it(matches):
    assert matches([1, 0, 7])
    assert not matches([1, 0, 6])


def test_a_frame_that_carries_another_page_is_not(matches):
    assert not matches([0, 7, 7])
    assert not matches([3, 7, 7])


@pytest.mark.parametrize(
    "other",
    [{"flags": 0}, {"flags": SENT | EXTENDED}, {"flags": SENT | REMOTE}, {"bus": "body"}, {"can_id": 257}],
)
def test_a_frame_that_only_looks_alike_is_not(matches, other):
    assert not matches([1, 0, 7], **other)


def test_a_payload_that_is_too_short_is_not(matches):
    assert not matches([1, 0])
