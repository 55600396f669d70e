"""How fast the centre screen answers the car, a finger, a key: distributions with their uncertainty."""

import pytest

pytestmark = [pytest.mark.bench_timeout("180 s")]


@pytest.mark.table("centre_latency.csv")
def test_the_screen_answers_in_time(bench, centre, shown, by, stimulus, value, rest, samples, limit, source):
    """The longest of the samples is at most the limit; the page has them all."""
    bench.set_signal("CameraState", "Streaming")
    view, judged = centre.view(shown), {"samples": int(samples), "limit": limit, "source": source}
    if by == "signal":
        view.reaction(stimulus, value, rest=rest, **judged)
    elif by == "touch":
        view.reaction_to_touch(stimulus, rest=rest, **judged)
    else:
        view.reaction_to_key(stimulus, rest=rest, **judged)
