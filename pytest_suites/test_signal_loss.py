"""Loss of signals, one line of the table a signal and fault: what is lost isn't shown, and comes back."""

import pytest

TOLERANCE = {"speed_needle": 1.5, "rpm_needle": 60, "charge": 0.04, "power": 3}


@pytest.mark.table("lost_signals.csv")
def test_a_lost_value_is_not_shown(bench, cluster, make_so, break_sender, mend_sender, row):
    """Shown; lost in time; shown again a second after its sender is well."""
    make_so(row["given"])
    bench.set_signal(row["signal"], row["value"])
    _expect(cluster, row, row["shown"], "4 s")
    break_sender(row["message"], row["how"])
    _expect(cluster, row, row["lost"], row["within"])
    mend_sender(row["message"], row["how"])
    _expect(cluster, row, row["shown"], "4 s" if row["item"] == "charge" else "1 s")


def _expect(cluster, row, shown, within):
    kind, item = row["kind"], row["item"]
    if kind == "text":
        cluster.text(item).should_be(shown, within=within)
    elif kind == "icon":
        cluster.icon(item).should_be(shown, within=within)
    else:
        gauge = cluster.needle(item) if kind == "needle" else cluster.bar(item)
        gauge.should_show(float(shown), tolerance=TOLERANCE[item], within=within)
