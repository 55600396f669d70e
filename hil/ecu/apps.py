"""The applications of the virtual cockpit ECU, in the order in which they start and tick. One line each."""

from __future__ import annotations

from hil.ecu.app import App, Platform
from hil.ecu.cluster_app import ClusterApp
from hil.ecu.shell import Shell
from hil.ecu.supervision import Supervision


def make_apps(platform: Platform) -> list[App]:
    """All applications of this ECU, not started."""
    cluster = ClusterApp(platform)
    apps: list[App] = [
        cluster,
        Supervision(platform, cluster),
    ]
    apps.append(Shell(platform, apps))
    return apps
