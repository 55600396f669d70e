"""A folder of runs for `hil history`: each run is told its verdicts, its samples and what differs."""

import json
import random

from hil.errors import Verdict
from hil.evidence.summary import CaseSummary, LatencySummary, Summary, to_json

FACTS = {
    "bench": {"name": "virtual"}, "variant": "alta", "seed": "1", "harness": "0.1.0", "defects": [],
    "options": {"suites": [], "name": [], "tag": []},
    "dut": {"kind": "virtual", "part": "68999001AA", "software": "1.0.0"},
    "hashes": {"chassis.dbc": "a" * 64, "virtual.toml": "b" * 64}, "inputs": {"suite robot_suites": "c" * 64},
}  # fmt: skip


def latencies(median_ms, seed, count=60):
    rng = random.Random(seed)
    return [round(rng.gauss(median_ms, 4), 3) for _ in range(count)]


def write_run(results, number, verdicts, *, samples=None, finished=True, messages=None, **facts):
    """One run; `verdicts` maps a case to its verdict's text, `samples` a case to milliseconds."""
    bench = facts.get("bench", FACTS["bench"])["name"]
    folder = results / f"202611{number:02d}T021500Z-{bench}"
    folder.mkdir(parents=True)
    facts = {**FACTS, "started_utc": f"2026-11-{number:02d}T02:15:00+00:00", **facts}
    (folder / "run.json").write_text(json.dumps(facts))
    cases = tuple(
        CaseSummary(case, case.replace("_", " ").capitalize(), "cluster", Verdict(text), (messages or {}).get(case, ""))
        for case, text in verdicts.items()
    )
    measured = tuple(LatencySummary(case, "CAN to screen", "ms", tuple(values), 150.0)
                     for case, values in (samples or {}).items())  # fmt: skip
    (folder / "summary.json").write_bytes(to_json(Summary(finished, cases, measured)))
    return folder


def make_history(results):
    """Six nights: a regression with a new database, a flaky case, a creeping latency, a case that went."""
    steady = {"speed_follows": "pass", "abs_lamp": "pass", "chime_sounds": "pass", "high_beam_is_fast": "pass"}
    for night in range(1, 6):
        flaky = {"chime_sounds": "fail"} if night == 3 else {}
        write_run(results, night, {**steady, "old_case": "pass", **flaky},
                  samples={"high_beam_is_fast": latencies(80 + night, night), "speed_follows": latencies(60, night)},
                  messages={"chime_sounds": "no chime within 2 s"})  # fmt: skip
    changed = {**FACTS["hashes"], "chassis.dbc": "d" * 64}
    write_run(results, 6, {**steady, "abs_lamp": "fail", "new_case": "pass"},
              samples={"high_beam_is_fast": latencies(92, 6), "speed_follows": latencies(60, 9)},
              messages={"abs_lamp": "abs should be on within 500 ms, but was off"},
              hashes=changed, dut={**FACTS["dut"], "software": "1.1.0"})  # fmt: skip
    return results
