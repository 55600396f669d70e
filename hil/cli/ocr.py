"""`hil ocr serve`: recognises text for benches on machines that are too slow for it (HIL_OCR=host:port there)."""

from __future__ import annotations

import argparse

from hil.hmi.ocr import serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("what", choices=["serve"])
    parser.add_argument("--port", type=int, default=18222, help="TCP port; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")


def run(arguments: argparse.Namespace) -> int:
    """Serve until it is stopped."""
    serve(arguments.port, lambda port: print(f"{arguments.host}:{port}", flush=True), arguments.host)
    return 0
