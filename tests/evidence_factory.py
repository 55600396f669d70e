"""A results folder as a run would leave it, written with the real journal: one case of every kind of ending."""

import argparse
import io
import json
import math
import random
from pathlib import Path
from types import MappingProxyType

import cantools.database
from PIL import Image, ImageDraw

from hil.journal import EXTENDED, FD, SENT, Journal, Origin

CHASSIS = Path(__file__).resolve().parents[1] / "dbc" / "chassis.dbc"
WIRE_MESSAGES = ("ESC_Speed", "ESC_Wheels", "ECM_Engine", "TCM_Gear")
S = 1_000_000_000
MS = 1_000_000
HOSTILE = "<script>alert(1)</script>"
RUN = {
    "started_utc": "2025-03-04T05:06:07Z", "finished_utc": "2025-03-04T05:08:00Z", "wall_s": 112.4, "harness": "0.1.0",
    "python": "3.11.9", "host": "lab-3", "seed": 4711, "variant": "base",
    "bench": {"name": "virtual", "file": "virtual.toml", "clock": "virtual", "sha256": "ab" * 32},
    "dut": {"kind": "virtual", "part": "CCU-2000", "serial": "SIM-1", "software": "2.4.1", "hardware": "B2"},
    "hashes": {"cockpit.dbc": "0123456789abcdef" * 4, "cluster.layout.toml": "fedcba9876543210" * 4},
    "options": {"shuffle": True}, "command": ["hil", "run", "pytest_suites"],
    "requirements": [
        {"id": "NET-9", "title": "Network management keeps the bus awake", "source": "network specification 9"},
        {"id": "SPD-1", "title": "Shown speed is never less than the true speed", "source": "UN R39 5.3"},
        {"id": "LAT-1", "title": "Shown speed follows within 150 ms", "source": "cluster specification 3.2"},
        {"id": "TEL-1", "title": "ABS telltale is on after a wheel sensor fault", "source": "UN R121"},
    ],
}  # fmt: skip
PLAN = {
    "cluster.speed": ("Speedometer follows the drive cycle", "cluster", ["SPD-1"], ["speed", "smoke"]),
    "cluster.abs": ("ABS telltale after a wheel sensor fault", "cluster", ["TEL-1"], ["telltale", "smoke"]),
    "cluster.hostile": (f"Name with {HOSTILE} & \"quotes\"", "cluster", ["SPD-1"], ["<b>"]),
    "latency.speed": ("Latency from CAN to framebuffer", "latency", ["LAT-1"], ["latency"]),
    "power.brownout": ("Brown-out at cranking", "power", [], ["power"]),
    "net.late": ("Cycle times under load", "network", ["SPD-1"], ["network"]),
    "diag.killed": ("Flash, killed in the middle", "diag", [], ["flash"]),
    "diag.garbage": ("Journal of garbage", "diag", [], ["flash"]),
    "diag.never": ("Never reached", "diag", ["LAT-1"], ["flash"]),
    "cam.none": ("Rear camera", "camera", [], ["camera"]),
    "wire.full": ("Every kind of record, on the real network", "network", [], ["network"]),
}  # fmt: skip


def spread(**more):
    return {"count": 1000, "p50_ns": 200_000, "p99_ns": 4 * MS, "max_ns": 62 * MS, "max_at_ns": 1 * S, **more}


BENCH = {
    "cycles": [
        spread(message="ESC_Speed", bus="chassis", by="bench", cycle_ns=10 * MS, max_ns=14 * MS),
        spread(message=HOSTILE, bus="body", by="kernel", cycle_ns=100 * MS, p99_ns=1 * MS, max_ns=2 * MS),
    ],
    "received": [
        spread(bus="body", stamps="kernel", bound_ns=1200, lost=0, uncounted=0),
        spread(bus="chassis", lost=12, uncounted=1, max_ns=9 * MS),
    ],
    "timers": spread(max_ns=61 * MS), "load": {"process": 0.31, "busy": 0.98, "stolen": 0.4},
    "allowed_lag_ns": 50 * MS, "blind": 3,
}  # fmt: skip


def jpeg(image):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def png(image):
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def cluster_picture(speed, lamp):
    image = Image.new("RGB", (1280, 480), "#06080c")
    draw = ImageDraw.Draw(image)
    draw.ellipse((120, 40, 520, 440), outline="#c8d0e0", width=4)
    angle = math.radians(135 + speed / 260 * 270)
    draw.line((320, 240, 320 + 180 * math.cos(angle), 240 + 180 * math.sin(angle)), fill="#ff5040", width=5)
    draw.text((300, 330), f"{speed:.0f} km/h", fill="white", font_size=28)
    draw.rectangle((600, 60, 1160, 420), outline="#303a50", width=2)
    draw.ellipse((884, 120, 916, 152), fill="#ffb000" if lamp else "#1c1808")
    return image


def open_case(results, case_id, attempt=1):
    folder = results / "tests" / case_id / str(attempt)
    folder.mkdir(parents=True)
    journal = Journal(folder / "journal.mcap")
    name, suite, requirements, tags = PLAN.get(case_id, (case_id, "many", [], []))
    journal.record(0, "case", {
        "id": case_id, "name": name, "suite": suite, "source": f"pytest_suites/test_{suite}.py:42",
        "requirements": requirements, "tags": tags, "start": "on", "seed": f"4711/{case_id}", "attempt": attempt,
        "runner": "pytest", "doc": "Written by the factory.",
    })  # fmt: skip
    return journal


def step(journal, number, t0, t1, name, *, parent=None, status="pass", args=()):
    start = {"id": number, "phase": "start", "name": name, "args": list(args)}
    journal.record(t0, "step", start if parent is None else {**start, "parent": parent})
    if t1 is not None:
        journal.record(t1, "step", {"id": number, "phase": "end", "status": status})


def check(journal, t_ns, ok, expected, seen, **more):
    fields = {"name": "telltale", "target": "cluster: telltale abs", "expected": expected, "seen": seen, "ok": ok}
    journal.record(t_ns, "check", {**fields, "score": 0.97 if ok else 0.17, "margin": 0.17 if ok else -0.63, **more})
    journal.flush()


def traffic(journal, start_s, end_s, period_ms=10, buses=("powertrain", "cabin")):
    for n, t_ns in enumerate(range(int(start_s * S), int(end_s * S), period_ms * MS)):
        for bus in buses:
            flags = FD | SENT if bus == "cabin" else SENT
            journal.frame(t_ns + 200_000, bus, 0x1A0 + n % 5, flags, Origin.SIM, bytes([n % 16, n % 256] * 4))
        if n % 10 == 0:
            journal.frame(t_ns + 400_000, buses[0], 0x18DA10F1, EXTENDED, Origin.SIM, bytes(8))


def signal(journal, t_ns, name, value, unit="", *, label=""):
    journal.record(t_ns, "signal", {"signal": name, "value": value, "unit": unit, "label": label, "by": "test"})


def supply(journal, t_ns, volts, amps, event="read"):
    fields = {"event": event, "voltage_V": volts, "current_A": amps, "on": volts > 1}
    journal.record(t_ns, "supply", fields, name="kl30")


def verdict(journal, t_ns, text, message="", **more):
    journal.record(t_ns, "verdict", {"verdict": text, "message": message, **more})
    journal.close()


def passing(results, seconds=60):
    journal = open_case(results, "cluster.speed")
    step(journal, 1, 0, seconds * S, "Drive cycle")
    for n in range(seconds * 100):
        t_ns = n * 10 * MS
        signal(journal, t_ns, "powertrain::Speed", round(60 - 60 * math.cos(n / 500), 2), "km/h")
        signal(journal, t_ns, "powertrain::EngineSpeed", round(800 + 20 * (n % 97)), "rpm")
        if n % 1000 == 0:
            gear = n // 1000 % 4
            signal(journal, t_ns, "powertrain::Gear", gear, label=["P", "R", "N", "D"][gear])
            step(journal, 100 + n, t_ns, t_ns + 9 * S, f"Hold gear {gear}", parent=1, args=["9 s"])
        if n % 500 == 100:
            crop = cluster_picture(60, False).crop((280, 320, 400, 370))
            journal.picture(t_ns, "cluster/text.speed", "png", png(crop))
            check(journal, t_ns, True, "60 km/h +-3", "61 km/h", name="speed shown", target="cluster: text speed")
        if n % 50 == 0:
            supply(journal, t_ns, 13.5 + 0.1 * math.sin(n), 2.1 + 0.2 * math.cos(n / 7))
            text = f"[{t_ns / 1e9:9.3f}] hmi: frame budget ok\n"
            journal.record(t_ns, "console", {"direction": "rx", "text": text}, name="main")
    traffic(journal, 0, seconds)
    verdict(journal, seconds * S, "pass")


def failing(results):
    journal = open_case(results, "cluster.abs")
    supply(journal, 0, 13.5, 2.0, event="on")
    step(journal, 1, 0, 3 * S, "Start from on")
    step(journal, 2, 3 * S, 6 * S, "Inject wheel sensor fault", args=["front left"])
    step(journal, 3, 6 * S, 8 * S + 500 * MS, "Telltale should be", args=["abs", "on"], status="fail")
    step(journal, 4, 6 * S, 8 * S + 500 * MS, "Read region", parent=3, status="fail")
    for n in range(9):
        signal(journal, n * S, "powertrain::WheelFault", int(n >= 3), label="FAULT" if n >= 3 else "OK")
        signal(journal, n * S, "powertrain::Speed", 10.0 * n, "km/h")
        supply(journal, n * S, 13.5 - 0.01 * n, 2 + 0.1 * n)
        text = f"dtc: C0035 set {HOSTILE}\r\n" if n == 3 else f"tick {n}\n"
        journal.record(n * S, "console", {"direction": "rx", "text": text}, name="main")
    traffic(journal, 0, 2)
    check(journal, 2 * S, True, "off", "off")
    traffic(journal, 2, 8.5)
    picture = cluster_picture(80, False)
    t_ns = 8 * S + 500 * MS
    journal.picture(t_ns, "cluster", "png", png(picture))
    journal.picture(t_ns, "cluster/telltale.abs", "png", png(picture.crop((880, 116, 920, 156))))
    check(journal, t_ns, False, "on within 2.5 s", "off", since_ns=6 * S, within_ns=2500 * MS, origin="sim",
          bound_ns=8 * MS, detail="brightness 24 of at least 90")  # fmt: skip
    traffic(journal, 8.5, 9)
    message = "Telltale 'abs' should be on within 2.5 s, but was off until 8.500 s"
    verdict(journal, 9 * S, "fail", message, where="test_cluster.py:57")


def several(results, case_id="cluster.several"):
    """A case that went on after each failure: three checks, one with a dark crop, a word of the test, a monitor."""
    journal = open_case(results, case_id)
    failures = []
    traffic(journal, 0, 5)
    looks = [(2 * S, "cluster: telltale abs", "on within 500 ms", "off", (880, 116, 920, 156)),
             (3 * S, "cluster: text speed", "'87' within 1 s", "'80'", (280, 320, 400, 370)),
             (5 * S, "cluster: telltale oil", "on within 500 ms", "off", None)]  # fmt: skip
    check(journal, 1 * S, False, "on within 100 ms", "off", target="cluster: telltale esc", declared=True)
    for t_ns, target, expected, seen, region in looks:
        if region is not None:
            picture, place = cluster_picture(80, False), target.partition(": ")[2].replace(" ", ".")
            box = {"region": [region[0], region[1], region[2] - region[0], region[3] - region[1]]}
            journal.picture(t_ns, "cluster", "png", png(picture))
            journal.picture(t_ns, f"cluster/{place}", "png", png(picture.crop(region)))
        else:
            box = {}
        check(journal, t_ns, False, expected, seen, name="within", target=target, measured="brightness 4 %", **box)
        failures.append(f"{target}: expected {expected}, seen {seen} (seen at {t_ns / 1e9:.3f} s); dark")
    finding = {"level": "fail", "kind": "cycle", "bus": "cabin", "message": "CLU_Status", "count": 1}
    for phase, what in (("first", "CLU_Status on cabin: late"), ("end", "CLU_Status on cabin: late (4 times)")):
        t_ns = 4 * S if phase == "first" else 6 * S
        journal.record(t_ns, "monitor", {**finding, "phase": phase, "what": what})
    failures.insert(2, "one != two")
    listed = "".join(f"\n\n{n}) {text}" for n, text in enumerate(failures, 1))
    verdict(journal, 6 * S, "fail", f"Several failures occurred:{listed}")


def hostile(results):
    journal = open_case(results, "cluster.hostile")
    step(journal, 1, 0, 1 * S, f"Step {HOSTILE}")
    journal.record(0, "console", {"direction": "rx", "text": f"</script>{HOSTILE}\x00\x1b[31m\n"}, name="main")
    check(journal, 1 * S, True, "</script><b>on", "\u2028on")
    verdict(journal, 1 * S, "pass")


def measured(results, samples=300):
    journal = open_case(results, "latency.speed")
    random_source = random.Random(1)
    values = [random_source.gauss(80, 6) for _ in range(samples)]
    step(journal, 1, 0, 30 * S, "Measure latency", args=[f"{samples} samples"])
    journal.record(30 * S, "measurement", {
        "name": "CAN to framebuffer", "unit": "ms", "samples": values, "ok": True, "kind": "latency",
        "limit": {"at_most": 150.0}, "statistics": {"p99": sorted(values)[-3], "median": 80.1, "confidence": "95 %"},
        "uncertainty": {"expanded": 14.4, "k": 2, "components": {"camera": 4.8, "scan": 4.8}},
        "source": "cluster specification 3.2",
    })  # fmt: skip
    verdict(journal, 30 * S, "pass")


def faulty(results):
    first = open_case(results, "power.brownout")
    first.record(
        1 * S, "fault", {"verdict": "bench fault", "what": "supply kl30 does not answer", "where": "supply.kl30"}
    )
    verdict(first, 1 * S, "bench fault", "supply kl30 does not answer", where="supply.kl30")
    again = open_case(results, "power.brownout", attempt=2)
    for n in range(40):
        supply(again, n * 100 * MS, 13.5 if n < 20 else 6.0, 2.0 if n < 20 else 9.8)
    again.record(2 * S, "fault", {
        "verdict": "bench fault", "what": "supply kl30 is at its current limit of 10 A", "where": "supply.kl30",
        "remedy": "check the wiring of the ECU, or raise max_current.", "cause": "over-current protection",
    })  # fmt: skip
    check(again, 3 * S, False, "screen on", "dark", name="screen", target="cluster")
    verdict(again, 4 * S, "fail", "the screen is dark")


def other(journal, t_ns, kind, fields, name=""):
    """A record of a kind that the journal's own list doesn't have (yet)."""
    journal._schemas.setdefault(kind, journal._schema("note"))
    topic = f"/{kind}/{name}" if name else f"/{kind}"
    journal._write(topic, t_ns, json.dumps(fields).encode())


def on_the_wire(journal, database, bus, end_ns, values, *, silent=None):
    """All cyclic frames of a few messages; `values` says what signals are at a time, `silent` what isn't sent when."""
    for t_ns, can_id, flags, data in sorted(_cyclic(database, end_ns, values, silent or {})):
        journal.frame(t_ns, bus, can_id, flags, Origin.SIM, data)


def _cyclic(database, end_ns, values, silent=MappingProxyType({})):
    for name in WIRE_MESSAGES:
        message, (from_ns, to_ns) = database.get_message_by_name(name), silent.get(name, (0, 0))
        rest = {one.name: max(one.minimum or 0, min(0, one.maximum or 0)) for one in message.signals}
        for t_ns in range(0, end_ns, (message.cycle_time or 100) * MS):
            if from_ns <= t_ns < to_ns:
                continue
            given = {key: value for key, value in values(t_ns).items() if key in rest}
            data = message.encode({**rest, **given}, strict=False)
            flags = (FD if message.is_fd else 0) | SENT
            yield t_ns + 1_000, message.frame_id, flags, data


def wired(results, seconds=12):
    """A case with databases, decoded frames, and records of kinds that nobody here knows."""
    journal = open_case(results, "wire.full")
    text = CHASSIS.read_bytes()
    journal.attach("chassis.dbc", "text/plain", text)
    fields = {"database": "chassis.dbc", "bitrate": 500_000, "data_bitrate": 2_000_000}
    journal.metadata("buses", {"chassis": json.dumps(fields)})
    database = cantools.database.load_string(text.decode(), "dbc")
    step(journal, 1, 0, 2 * S, "Start from 'on'")
    step(journal, 2, 2 * S, seconds * S, "Drive", args=["fixtures/drives/town.csv"])
    speed = lambda t_ns: {"VehicleSpeed": 5.0 * (t_ns // S)}  # noqa: E731
    on_the_wire(journal, database, "chassis", seconds * S, speed, silent={"TCM_Gear": (4 * S, 7 * S)})
    for name in ("chassis::ESC_Speed.VehicleSpeed", "chassis::TCM_Gear.Gear"):
        signal(journal, 2 * S, name, 10.0 if name.endswith("Speed") else 0.0, "km/h" if name.endswith("Speed") else "")
    diag = {"request": "22 F1 90", "response": "62 F1 90 57 56 57", "service": "ReadDataByIdentifier"}
    other(journal, 3 * S, "diag", {**diag, "duration_ns": 40 * MS}, "cockpit")
    other(
        journal,
        4 * S,
        "diag",
        {"service": "ECUReset", "request": "11 05", "response": "7F 11 12", "ok": False},
        "cockpit",
    )
    other(journal, 5 * S, "mqtt", {"direction": "rx", "topic": "vehicle/telemetry", "text": '{"speed": 25}'})
    other(journal, 6 * S, "update", {"event": "download", "duration_ns": 3 * S, "campaign": "2025-03"})
    other(journal, 7 * S, "sound", {"name": "seat belt", "duration_ns": 2 * S})
    other(journal, 8 * S, "touch", {"action": "down", "screen": "centre", "x": 640, "y": 400})
    other(journal, 9 * S, "wind tunnel", {"speed_m_s": 12.5})
    for t_s, lamp in ((4, False), (8, True)):
        picture = cluster_picture(20.0 * t_s, lamp)
        journal.picture(t_s * S, "cluster", "jpeg", jpeg(picture))
        journal.picture(t_s * S, "cluster/telltale.abs", "png", png(picture.crop((880, 116, 920, 156))))
        check(journal, t_s * S, True, "on" if lamp else "off", "on" if lamp else "off")
    verdict(journal, seconds * S, "pass")


def late(results):
    journal = open_case(results, "net.late")
    traffic(journal, 0, 2)
    health = {"what": "restbus late", "late_ns": 14 * MS, "allowed_ns": 2 * MS, "from_ns": 1 * S}
    journal.record(1 * S, "health", health)
    journal.record(2 * S, "bench", BENCH)
    verdict(journal, 2 * S, "inconclusive", "the restbus was 14.0 ms late when the check was made; 2.0 ms are allowed")


def killed(results):
    journal = open_case(results, "diag.killed")
    step(journal, 1, 0, None, "Flash the application")
    for n in range(40):
        journal.record(n * 100 * MS, "console", {"direction": "rx", "text": f"block {n}\n"}, name="main")
    traffic(journal, 0, 4)
    journal.pack()
    data = journal.path.read_bytes()
    journal.close()
    journal.path.write_bytes(data[: len(data) - 37])


def garbage(results):
    folder = results / "tests" / "diag.garbage" / "1"
    folder.mkdir(parents=True)
    (folder / "journal.mcap").write_bytes(random.Random(2).randbytes(5000))


ENDS = {
    "cluster.speed": ("pass", ""), "cluster.abs": ("fail", "Telltale 'abs' ..."), "cluster.hostile": ("pass", ""),
    "latency.speed": ("pass", ""), "power.brownout": ("bench fault", "kl30"), "net.late": ("inconclusive", "late"),
    "cam.none": ("not run", "this bench has no camera"), "wire.full": ("pass", ""),
}  # fmt: skip


def session(results, plan=PLAN, ends=ENDS, finished=False, started=("diag.killed",)):
    journal = Journal(results / "session.mcap")
    for case_id, (name, suite, requirements, tags) in plan.items():
        detail = {"name": name, "suite": suite, "requirements": requirements, "tags": tags, "source": f"{suite}.py"}
        journal.record(0, "session", {"event": "plan", "id": case_id, "detail": detail})
    for case_id, (text, message) in ends.items():
        journal.record(0, "session", {"event": "start", "id": case_id})
        journal.record(0, "session", {"event": "end", "id": case_id, "verdict": text, "message": message})
    for case_id in started:
        journal.record(0, "session", {"event": "start", "id": case_id})
    if finished:
        journal.record(0, "session", {"event": "finished"})
    journal.close()


def make_results(results: Path, seconds=60) -> Path:
    """A run that was killed, with a case of every kind of ending."""
    results.mkdir(parents=True, exist_ok=True)
    (results / "run.json").write_text(json.dumps(RUN), encoding="utf-8")
    passing(results, seconds)
    for write in (failing, hostile, measured, faulty, late, killed, garbage, wired):
        write(results)
    session(results)
    return results


def make_many(results: Path, count=100, picture=True) -> Path:
    """A finished run of many small cases that pass."""
    results.mkdir(parents=True, exist_ok=True)
    (results / "run.json").write_text(json.dumps(RUN), encoding="utf-8")
    plan = {f"many.{n:04d}": (f"Case {n}", "many", ["SPD-1"], ["many"]) for n in range(count)}
    data = png(cluster_picture(60, True))
    for case_id in plan:
        journal = open_case(results, case_id)
        traffic(journal, 0, 2)
        for n in range(100):
            signal(journal, n * 20 * MS, "powertrain::Speed", float(n % 40), "km/h")
        if picture:
            journal.picture(2 * S, "cluster", "png", data)
        check(journal, 2 * S, True, "on", "on")
        verdict(journal, 2 * S, "pass")
    session(results, plan, dict.fromkeys(plan, ("pass", "")), finished=True, started=())
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write a sample results folder, for work on the page.")
    parser.add_argument("folder", type=Path)
    make_results(parser.parse_args().folder)
