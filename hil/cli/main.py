"""`hil`: parses arguments and calls one file a command. Imports what a command needs only when it is called."""

from __future__ import annotations

import argparse
import errno
import signal
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from hil import __version__
from hil.cli.arguments import Parser, did_you_mean
from hil.errors import EXIT_STATUS, HilError, Verdict
from hil.interrupts import end_on_hang_up

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)

COMMANDS: Final = {
    "run": "run Robot and pytest suites against an ECU and report",
    "report": "make page, JUnit and traces again from the journals of a run",
    "history": "what changed from run to run: verdicts, latencies, cases",
    "doctor": "what of a bench is wired, what is wrong, how to mend it",
    "restbus": "run the restbus by hand: a view of all messages, and a prompt",
    "signals": "list the signals of a bench's databases",
    "trace": "what is in a recorded CAN log: statistics, signals, conversion",
    "replay": "play a recorded CAN log onto a bench, with its original timing",
    "look": "one picture of each screen, with what the readers make of it",
    "mutate": "switch on each defect of the virtual ECU and see that some case fails",
    "ecu": "the virtual cockpit ECU as a process of its own",
    "broker": "a small MQTT broker as a program, for a bench where none is installed",
    "ocr": "a text recogniser for benches on slow machines",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser()
    if not words or words[0] in ("-h", "--help", "--version"):
        parser.parse_args(words or ["--help"])
        return 0
    command = words[0]
    if command not in COMMANDS:
        parser.error(f"no {_kind(command)} '{command}'{did_you_mean(command, COMMANDS)}")
    module = import_module(f"hil.cli.{command}")
    end_on_hang_up()
    own = Parser(prog=f"hil {command}", description=COMMANDS[command])
    module.add_arguments(own)
    try:
        return int(module.run(own.parse_args(words[1:])))
    except HilError as error:
        print(f"hil {command}: {error}", file=sys.stderr)
        return EXIT_STATUS[error.verdict]
    except BrokenPipeError:
        sys.stdout = None  # whoever read our output has enough of it
        return 0
    except OSError as error:
        if error.errno not in _FULL:
            raise
        where = f"{error.filename}: " if error.filename else ""
        print(f"hil {command}: {where}{error.strerror}. Remedy: free space, or give another folder.", file=sys.stderr)
        return EXIT_STATUS[Verdict.BENCH]
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # The stop may come between the making of a coroutine and the call that is to run it.
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        print(f"hil {command}: stopped", file=sys.stderr)
        return 130


def _parser() -> Parser:
    lines = "\n".join(f"  {name:<8} {text}" for name, text in COMMANDS.items())
    parser = Parser(
        prog="hil",
        description="The open bench for cockpit ECUs.",
        epilog=f"commands:\n{lines}\n\n'hil COMMAND --help' says more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"hil {__version__}")
    parser.add_argument("command", metavar="COMMAND", help="see below")
    return parser


def _kind(word: str) -> str:
    return "option" if word.startswith("-") else "command"


if __name__ == "__main__":
    sys.exit(main())
