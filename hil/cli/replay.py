"""`hil replay FILE --bench FILE`: plays a recorded log onto a bench, with its original timing.

Reads the log once beforehand, so that mistakes are said before the bench is powered; brings the bench to where a test
starts, plays, and leaves a journal of everything that was on the buses. Not for judging: a suite replays with
`bench.replay` or `Replay` and checks meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hil import units
from hil.cli.benches import add_bench, load_bench
from hil.errors import EXIT_STATUS, UsageError, Verdict

if TYPE_CHECKING:
    from hil.bench.facade import Bench
    from hil.bench.plan import Plan
    from hil.bench.replay_calls import Replay
    from hil.bench.replay_survey import Prepared, ReplayWish
    from hil.bench.wiring import OpenBench

_PORTION_NS: Final = 250_000_000
"""Bench time between two looks at the progress."""
_LAST_FRAMES_S: Final = 0.01
"""From the last frame's handing over until it has surely been on the wire."""
_FINDINGS: Final = 10
_EXAMPLES: Final = """examples:
  hil replay drive.blf --bench bench.toml                      what the nodes that aren't there sent
  hil replay drive.blf --bench bench.toml --from 10s --to 20s --repeat 5
  hil replay drive.blf --bench bench.toml --set "VehicleSpeed=50 km/h" --without "TCM_*"
  hil replay drive.asc --bench bench.toml --channel 1=body --restbus off --protect
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    parser.add_argument("file", type=Path, metavar="FILE", help="candump .log, .asc, .blf, .mf4, .mcap; also with .gz")
    add_bench(parser)
    parser.add_argument("--from", dest="begin", default="0", metavar="TIME", help="from this time of the log on: 10s")
    parser.add_argument("--to", dest="end", metavar="TIME", help="up to this time of the log: 20s")
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN",
                        help="only these: 0x1A0, 0x100-0x1FF, a message or signal (wildcards)")  # fmt: skip
    parser.add_argument("--without", action="append", default=[], metavar="PATTERN", help="likewise, what is left out")
    parser.add_argument("--channel", action="append", default=[], metavar="CHANNEL=BUS",
                        help="which bus a channel of the log is: 1=chassis, can0=body")  # fmt: skip
    parser.add_argument("--set", action="append", default=[], metavar="SIGNAL=VALUE",
                        help="every frame with the signal carries this value, protection made to fit")  # fmt: skip
    parser.add_argument("--speed", default="1", metavar="N", help="seconds of the log a second (1)")
    parser.add_argument("--repeat", default="1", metavar="N", help="play it so often (1); counters go on")
    parser.add_argument("--protect", action="store_true", help="give protected messages counters and CRCs anew")
    parser.add_argument("--nm", action="store_true", help="network management too, in the place of the bench's own")
    parser.add_argument("--diagnosis", action="store_true", help="diagnosis too")
    parser.add_argument("--restbus", choices=("on", "off"), default="on", help="what isn't in the log goes on, or not")
    parser.add_argument("--no-power", action="store_true", help="leave the supplies alone: the ECU is powered by hand")
    parser.add_argument("--results", default="results", metavar="FOLDER", help="where the journal goes")


def run(arguments: argparse.Namespace) -> int:
    """Play the log; returns the exit status.

    Raises:
        UsageError: the bench file, the log or an argument is wrong, or nothing is left of the log.
        BenchError: the bench doesn't come up or broke, or another run holds it.
    """
    from hil.bench.plan import plan
    from hil.bench.replay_survey import prepare
    from hil.cli.restbus_session import needed_of
    from hil.cli.trace_tables import progress

    wish = _wish(arguments)
    made = plan(needed_of(load_bench(arguments), power=not arguments.no_power))
    prepared = prepare(made.config, made.network, wish, lambda log: progress(log, quiet=False))
    return _on_bench(made, prepared, arguments)


# ---- what was asked


def _wish(arguments: argparse.Namespace) -> ReplayWish:
    from hil.bench.replay_survey import ReplayWish

    return ReplayWish(
        file=arguments.file,
        start_ns=_time_ns(arguments.begin, "--from"),
        end_ns=None if arguments.end is None else _time_ns(arguments.end, "--to"),
        only=arguments.only,
        without=arguments.without,
        channels=dict(_pair(text, "--channel", "1=chassis") for text in arguments.channel),
        override=dict(_pair(text, "--set", '"VehicleSpeed=87 km/h"') for text in arguments.set),
        speed=_number(arguments.speed, "--speed"),
        repeat=_count(arguments.repeat),
        protect=arguments.protect,
        nm=arguments.nm,
        diagnosis=arguments.diagnosis,
        restbus=arguments.restbus == "on",
        dashes="--",
    )


def _time_ns(text: str, option: str) -> int:
    try:
        return units.nanoseconds(text)
    except UsageError as error:
        raise UsageError(error.what, where=option, remedy=f"write {option} 10s or {option} '10 ms'.") from None


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    left, sign, right = text.partition("=")
    if not sign or not left.strip() or not right.strip():
        raise UsageError(f"'{text}' is no pair", where=option, remedy=f"write {option} {example}.")
    return left.strip(), right.strip()


def _number(text: str, option: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"'{text}' is no number", where=option, remedy=f"write {option} 2.") from None


def _count(text: str) -> int:
    number = _number(text, "--repeat")
    if not math.isfinite(number) or number != int(number):
        raise UsageError(f"'{text}' is no count", where="--repeat", remedy="write --repeat 3.")
    return int(number)


# ---- doing it


def _on_bench(made: Plan, prepared: Prepared, arguments: argparse.Namespace) -> int:
    from hil.bench.lock import ResourceLocks
    from hil.bench.wiring import open_bench
    from hil.cli.restbus_session import undisturbed
    from hil.interrupts import uninterrupted

    locks = ResourceLocks(made.resources, f"hil replay on bench '{made.config.bench.name}'")
    locks.acquire()
    errors = []
    try:
        opened = open_bench(made, "replay")
        try:
            with undisturbed(made.config):
                _play(opened, prepared, arguments)
        finally:
            with uninterrupted():
                errors = opened.close()
    finally:
        locks.release()
    for error in errors:
        print(f"hil replay: the bench could not be left safe: {error}", file=sys.stderr)
    return EXIT_STATUS[Verdict.BENCH] if errors else 0


def _play(opened: OpenBench, prepared: Prepared, arguments: argparse.Namespace) -> None:
    from hil.bench.facade import Bench
    from hil.bench.reset import Reset, Start

    wiring = opened.wiring
    bench = Bench(wiring, wiring.config.bench.timeout)
    replay: Replay | None = None
    with _journal(opened, arguments.results) as path:
        if arguments.no_power:
            bench.restbus(True)
        else:
            bench.call(Reset(wiring).to(Start.ON))
        try:
            replay = bench.play(prepared, wait=False)
            print("\n".join(_intentions(prepared)), flush=True)
            _follow(opened, bench, replay, prepared)
            bench.sleep(_LAST_FRAMES_S)
        finally:
            if replay is not None:
                _summary(replay, prepared)
            print(f"journal: {path}")
        _monitors(bench)


@contextlib.contextmanager
def _journal(opened: OpenBench, results: str) -> Iterator[Path]:
    """Where everything is written down, in a results folder of its own."""
    from hil.bench.facts import write_run_json
    from hil.bench.session import new_folder
    from hil.journal import Journal

    wiring = opened.wiring
    folder = new_folder(results, wiring.config.bench.name)
    write_run_json(folder, wiring.plan, "replay", {"results": results})
    journal = Journal(folder / "journal.mcap")
    for name, data in wiring.plan.files.items():
        journal.attach(name, "image/png" if name.endswith(".png") else "text/plain", data)
    wiring.recorder.begin(journal)
    try:
        yield journal.path
    finally:
        wiring.recorder.journal = None
        journal.close()


def _follow(opened: OpenBench, bench: Bench, replay: Replay, prepared: Prepared) -> None:
    """Let bench time pass until it has ended; a bench that breaks meanwhile is noticed."""
    end_ns = bench.now_ns + prepared.span_ns
    with _progress(replay) as advance:
        while not replay.is_over:
            left_ns = max(1_000_000, end_ns - bench.now_ns)
            bench.sleep(min(left_ns, _PORTION_NS) / 1e9)
            dead = opened.dead_process()
            if dead is not None:
                raise dead
            advance()


@contextlib.contextmanager
def _progress(replay: Replay) -> Iterator[Callable[[], None]]:
    """A bar on stderr where that is a terminal; gives what moves it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda: None
        return
    with Progress(TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), console=console,
                  transient=True) as bar:  # fmt: skip
        task = bar.add_task("replay", total=replay.planned)
        yield lambda: bar.update(task, completed=replay.frames, description=f"{replay.frames} frames")


# ---- what there is to say


def _intentions(prepared: Prepared) -> list[str]:
    """What is going to be played."""
    buses = ", ".join(sorted({bus for bus, _, _ in prepared.messages}))
    frames = prepared.frames * prepared.wish.repeat
    plan = f"{frames} frames onto {buses}, for {prepared.span_ns / 1e9:.3f} s"
    return [*prepared.channels, *([prepared.complaint] if prepared.complaint else []), plan]


def _summary(replay: Replay, prepared: Prepared) -> None:
    worst = f"worst lateness {units.show_duration(round(replay.worst_late_s * 1e9))}"
    late = f"{replay.late} frames later than allowed" if replay.late else "none later than allowed"
    print(f"{replay.frames} of {replay.planned} frames sent in {replay.duration_s:.3f} s; {worst}, {late}")
    times = f" in each of {prepared.wish.repeat} passes" if prepared.wish.repeat > 1 else ""
    for why, count in replay.left_out.items():
        print(f"left out{times}: {count} {why}")
    if prepared.unknown:
        print(f"{prepared.unknown} of the frames are in no database")
    for signal, count in replay.overridden.items():
        print(f"overridden: {signal} in {count} frames")
    for remark in replay.remarks:
        if remark not in _intentions(prepared):
            print(remark)


def _monitors(bench: Bench) -> None:
    """What the monitors found of the nodes that are really there."""
    found = bench.findings()
    for finding in found[:_FINDINGS]:
        print(f"monitor: {finding}")
    if len(found) > _FINDINGS:
        print(f"and {len(found) - _FINDINGS} more findings; the journal has them")
