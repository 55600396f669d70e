"""From the bus to the picture: distributions of latencies, each with its uncertainty and its limit.

The bench measures: a sample counts from the frame on the bus to the first picture that shows the reaction; the longest
is compared with the limit, with its uncertainty (k = 2); within that the case is inconclusive (ISO 14253-1).
"""

import pytest


@pytest.mark.table("latency.csv")
@pytest.mark.bench_timeout("3 min")
def test_latency(bench, cluster, make_so, row):
    """One line of the table of limits."""
    make_so(row["given"])
    result = _measure(cluster, row)
    if int(row["samples"]) >= 59:
        assert "p95" in result.summary.bounds, "enough samples for a bound on p95"


def _measure(cluster, row):
    kind, item, signal, value = row["kind"], row["item"], row["signal"], row["value"]
    common = {"rest": row["rest"], "samples": int(row["samples"]), "limit": row["limit"], "source": row["requirement"]}
    if kind == "telltale":
        return cluster.telltale(item).reaction(signal, value, **common)
    if kind == "popup":
        return cluster.popup(item).reaction(signal, value, **common)
    if kind == "text":
        return cluster.text(item).reaction(signal, value, text=row["shown"], rest_text=row["rest_shown"], **common)
    if kind == "icon":
        pictures = {"picture": row["shown"], "rest_picture": row["rest_shown"]}
        return cluster.icon(item).reaction(signal, value, **pictures, **common)
    places = {"shows": row["shown"], "rest_shows": row["rest_shown"], "tolerance": 2.0}
    return cluster.needle(item).reaction(signal, value, **places, **common)
