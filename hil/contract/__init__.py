"""Contract suites: what every port of a kind must do, simulated or real. A lab runs them on its own ports.

Each suite is a plain pytest class with one abstract fixture. Derive it, give the fixture your port, and run pytest:

    from hil.contract.serial import ByteStreamContract, StreamPair

    class TestOurAdapter(ByteStreamContract):
        @pytest.fixture
        def stream_pair(self):
            ...
            yield StreamPair(clock, near=OurPort(...), far=loopback)

The only part of the package that imports pytest, apart from its plugin.
"""

import pkgutil

import pytest

pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)))
