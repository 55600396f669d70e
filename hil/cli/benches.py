"""`--bench` and `--variant`, for all commands that work on a bench."""

from __future__ import annotations

import argparse
from pathlib import Path

from hil.bench import config as bench_config
from hil.bench.config import BenchConfig


def add_bench(parser: argparse.ArgumentParser) -> None:
    """The two arguments."""
    parser.add_argument("--bench", type=Path, default=bench_config.DEFAULT_BENCH, metavar="FILE", help="bench file")
    parser.add_argument("--variant", default="", metavar="NAME", help="variant under test, by name or file")


def load_bench(arguments: argparse.Namespace) -> BenchConfig:
    """The bench that they name.

    Raises:
        UsageError: bench file or variant is missing or wrong.
    """
    return bench_config.load(arguments.bench, arguments.variant)
