"""The applications of the virtual cockpit ECU, in the order in which they start and tick. One line each."""

from __future__ import annotations

from hil.ecu.app import App, Platform
from hil.ecu.centre import CentreApp
from hil.ecu.cluster_app import ClusterApp
from hil.ecu.diag_app import DiagApp
from hil.ecu.diag_codes import MemoryCodes
from hil.ecu.shell import Shell
from hil.ecu.supervision import Supervision
from hil.ecu.telematics import Telematics
from hil.ecu.updater import Updater
from hil.ecu.uplink import Uplink


def make_apps(platform: Platform) -> list[App]:
    """All applications of this ECU, not started."""
    cluster, uplink = ClusterApp(platform), Uplink(platform)
    apps: list[App] = [
        cluster,
        Supervision(platform, cluster),
        uplink,
        Telematics(platform, uplink),
        DiagApp(platform, MemoryCodes(platform.dtcs), odometer_km=lambda: cluster.odometer.km),
    ]
    if "update" in platform.variant.features:
        apps.append(Updater(platform, uplink))
    if "centre" in platform.wires.displays:
        apps.append(CentreApp(platform))
    apps.append(Shell(platform, apps))
    return apps
