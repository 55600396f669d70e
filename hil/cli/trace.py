"""`hil trace FILE`: what is in a recorded CAN log: statistics, decoded signals, parts of it in another format.

This file says what the command takes and brings the parts together; what they need is imported when it is called, so
that help and mistakes come at once. Results go to stdout, everything else to stderr.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hil import units
from hil.errors import UsageError

if TYPE_CHECKING:
    from hil.can.log_frames import Frames
    from hil.can.logs import Log
    from hil.can.trace_names import Names
    from hil.can.trace_select import FrameFilter, SignalChoice
    from hil.can.trace_stats import TraceStatistics

_COLUMN_SUFFIXES: Final = (".csv", ".npz")
_EXAMPLES: Final = """examples:
  hil trace drive.blf --database cockpit.dbc            what is in it, with cycle times and bus load
  hil trace drive.blf --database cockpit.dbc --decode VehicleSpeed "Turn*"
  hil trace drive.blf --database cockpit.dbc --decode VehicleSpeed --step 10ms --out speed.csv
  hil trace drive.blf --from 10s --to 20s --only 0x1A0 --out part.asc
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    parser.add_argument("file", type=Path, metavar="FILE", help="candump .log, .asc, .blf, .mf4, .mcap; also with .gz")
    parser.add_argument("--bench", type=Path, metavar="FILE", help="bench file: its buses and databases")
    parser.add_argument("--variant", default="", metavar="NAME", help="variant, whose overlays are laid over them")
    parser.add_argument("--database", action="append", default=[], metavar="[CHANNEL=]FILE",
                        help="database of a channel; without CHANNEL they are taken in this order")  # fmt: skip
    parser.add_argument("--channel", action="append", default=[], metavar="CHANNEL=BUS",
                        help="which bus a channel of the log is: 1=chassis, can0=body")  # fmt: skip
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN",
                        help="only these: 0x1A0, 0x100-0x1FF, a message or signal (wildcards)")  # fmt: skip
    parser.add_argument("--from", dest="begin", default="0", metavar="TIME", help="from this time of the log on: 10s")
    parser.add_argument("--to", dest="end", metavar="TIME", help="up to this time of the log: 20s")
    parser.add_argument("--decode", nargs="*", metavar="SIGNAL", help="signals instead of bytes; all if none is named")
    parser.add_argument("--numbers", action="store_true", help="with --decode: numbers instead of labels")
    parser.add_argument("--out", type=Path, metavar="FILE",
                        help="write .blf, .asc, .log or .csv; with --decode .csv or .npz")  # fmt: skip
    parser.add_argument("--step", metavar="TIME", help="with --decode and --out: a row every TIME, not at each change")
    parser.add_argument("--stats", action="store_true", help="statistics also where frames are decoded or written")
    parser.add_argument("--gap", default="1 s", metavar="TIME", help="silence of a bus that is worth a line (1 s)")
    parser.add_argument("--bitrate", action="append", default=[], metavar="[CHANNEL=]RATE[/RATE]",
                        help="bit rates for the bus load: 500k, or 500k/2M with CAN FD")  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Read the log once and do what was asked.

    Raises:
        UsageError: an argument, the log, a database or the bench file is wrong, or nothing is left of the log.
    """
    _check(arguments)
    from hil.can.logs import open_log

    log = open_log(arguments.file)
    job = _job(arguments, log)
    with _output(arguments, job) as sink:
        for block in _blocks(log, job, quiet=sink.prints):
            sink.take(block)
            if job.statistics is not None:
                job.statistics.take(block)
            job.frames += len(block)
        sink.close()
        _must_have_frames(job)
    _say(arguments, job)
    return 0


@dataclass(slots=True)
class Job:
    """What is asked of one log.

    Attributes:
        log: the log.
        names: its buses and messages.
        chosen: which frames.
        signals: which signals; None: frames are not decoded.
        statistics: what counts them; None: nobody asked.
        rates: how the bit rates are known, for people.
        frames: how many frames were chosen so far.
    """

    log: Log
    names: Names
    chosen: FrameFilter
    signals: SignalChoice | None
    statistics: TraceStatistics | None
    rates: str
    frames: int = 0


class Sink:
    """Takes the chosen frames; this one does nothing with them."""

    prints: bool = False
    """Whether it prints while the log is read."""

    def take(self, block: Frames) -> None:
        """Take the next block."""

    def close(self) -> None:
        """There are no more."""


# ---- what was asked


def _check(arguments: argparse.Namespace) -> None:
    """What can't be, before a file is touched."""
    out = arguments.out
    if arguments.bench is not None and arguments.database:
        raise UsageError("--bench and --database exclude each other", remedy="give one of them.")
    if arguments.step is not None and (arguments.decode is None or out is None or out.suffix.lower() != ".csv"):
        raise UsageError("a grid is for decoded columns", where="--step", remedy="add --decode and --out FILE.csv.")
    if arguments.step is not None and not time_ns(arguments.step, "--step"):
        raise UsageError("a step must be longer than nothing", where="--step", remedy="write --step 10ms.")
    if arguments.numbers and arguments.decode is None:
        raise UsageError("only decoded signals have labels", where="--numbers", remedy="add --decode.")
    if arguments.decode is not None and arguments.bench is None and not arguments.database:
        mend = "add --bench FILE or --database FILE."
        raise UsageError("what the bits mean stands in a database", where="--decode", remedy=mend)
    if out is not None:
        _check_out(out, arguments)


def _check_out(out: Path, arguments: argparse.Namespace) -> None:
    from hil.can.logs import WRITTEN

    decoded = arguments.decode is not None
    suffixes = _COLUMN_SUFFIXES if decoded else WRITTEN
    if out.suffix.lower() not in suffixes:
        what = f"'{out.name}' is nothing that {'signals' if decoded else 'frames'} are written to"
        raise UsageError(what, where="--out", remedy=f"name it {', '.join(suffixes)}.")
    if out.is_dir():
        raise UsageError("is a folder", where=str(out), remedy="give --out a file.")
    if out.exists() and arguments.file.exists() and out.samefile(arguments.file):
        raise UsageError("is the log itself", where=str(out), remedy="give --out another file.")


def time_ns(text: str, option: str) -> int:
    """A time of an option, nanoseconds.

    Raises:
        UsageError: it is none.
    """
    try:
        return units.nanoseconds(text)
    except UsageError as error:
        raise UsageError(error.what, where=option, remedy=f"write {option} 10s or {option} '10 ms'.") from None


def _job(arguments: argparse.Namespace, log: Log) -> Job:
    from hil.can.trace_select import FrameFilter, SignalChoice, patterns_of
    from hil.can.trace_stats import TraceStatistics
    from hil.cli.trace_files import bit_rates, open_networks

    known = open_networks(arguments)
    names = known.names(log.channels)
    only = patterns_of(arguments.only, names.network, "--only")
    decode = patterns_of(arguments.decode or (), names.network, "--decode")
    end_ns = None if arguments.end is None else time_ns(arguments.end, "--to")
    chosen = FrameFilter(time_ns(arguments.begin, "--from"), end_ns, only, names)
    signals = None if arguments.decode is None else SignalChoice(decode, only)
    statistics = None
    rates = bit_rates(arguments.bitrate, known, names)
    if arguments.stats or (arguments.decode is None and arguments.out is None):
        statistics = TraceStatistics(rates.of, time_ns(arguments.gap, "--gap"))
    return Job(log, names, chosen, signals, statistics, rates.said)


# ---- doing it


@contextlib.contextmanager
def _output(arguments: argparse.Namespace, job: Job) -> Iterator[Sink]:
    """What takes the frames; a file gets its name only when all is well."""
    from hil.can.logs import whole_or_not_at_all
    from hil.cli import trace_sinks

    if arguments.out is None:
        yield trace_sinks.printer(arguments, job, job.signals) if job.signals is not None else Sink()
        return
    with whole_or_not_at_all(arguments.out) as part, contextlib.ExitStack() as stack:
        yield trace_sinks.writer(arguments, job, part, stack)


def _blocks(log: Log, job: Job, *, quiet: bool) -> Iterator[Frames]:
    """The chosen frames, with progress on a terminal."""
    from hil.cli.trace_tables import progress

    with progress(log, quiet=quiet) as advance:
        for block in log:
            advance()
            if job.chosen.ended(block):
                return
            picked = job.chosen.pick(block)
            if len(picked):
                yield picked


def _must_have_frames(job: Job) -> None:
    log = job.log
    if not log.frames:
        raise UsageError(f"is a {log.kind} log without any CAN frame", where=str(log.path), remedy="give another log.")
    if not job.frames:
        what = f"none of its {log.frames} frames (until {log.last_ns / 1e9:.3f} s) is left"
        raise UsageError(what, where=str(log.path), remedy="ask for less with --only, --from and --to.")


def _say(arguments: argparse.Namespace, job: Job) -> None:
    """What there is to say at the end."""
    from hil.cli import trace_tables

    for line in _remarks(job):
        print(f"hil trace: {line}", file=sys.stderr)
    if job.statistics is not None:
        trace_tables.show(job, job.statistics)
    if arguments.out is not None:
        print(f"{job.frames} of {job.log.frames} frames: {arguments.out}")


def _remarks(job: Job) -> Sequence[str]:
    log, mapping = job.log, job.names.mapping
    unused = [
        f"there is no channel '{channel}' in the log; it has {', '.join(log.channels) or 'none'}"
        for channel in mapping.unused(log.channels)
    ]
    said = mapping.said(log.channels) if job.statistics is None else []
    complaint = log.complaint()
    return [*unused, *said, *([complaint] if complaint else [])]
