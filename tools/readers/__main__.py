"""Reads random pictures of both screens, in all languages, both themes and both brands, and compares with the states.

    python tools/readers.py --count 2000

Half of the pictures are of the cluster, half of the centre screen. Equal seeds give equal pictures. Exit status 1 where
a reader was wrong; each mistake is a line, and its picture is saved with --out.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2

from hil.ecu import centre_art
from hil.ecu import cluster as cluster_picture
from hil.hmi.frames import Pixels
from hil.hmi.layout import Layout
from readers import centre, cluster
from readers.truth import Truth, layout_of, misread


def cases(seed: str, count: int, screen: str) -> Iterator[tuple[str, Layout, Pixels, Truth]]:
    """Pictures with their layouts and truths; the name says how to draw the same again."""
    for number in range(count):
        name = f"{screen} {seed}/{number}"
        rng = random.Random(name)
        if screen == "cluster":
            state = cluster.some_state(rng)
            layout = layout_of(state.brand, screen, cluster.overlays(state))
            yield name, layout, cluster_picture.render(state), cluster.truth_of(state)
        else:
            shown, truth = centre.some_state(rng)
            yield name, layout_of(shown.brand, screen, centre.overlays(shown)), centre_art.render(shown), truth


def main(arguments: list[str] | None = None) -> int:
    """Read, compare, count."""
    parser = argparse.ArgumentParser(prog="readers", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--screen", choices=["cluster", "centre", "both"], default="both")
    parser.add_argument("--out", type=Path, help="folder for the pictures that were misread")
    options = parser.parse_args(arguments)
    screens = ["cluster", "centre"] if options.screen == "both" else [options.screen]
    wrong: Counter[str] = Counter()
    readings = pictures = 0
    for screen in screens:
        for name, layout, pixels, truth in cases(options.seed, options.count // len(screens), screen):
            pictures, readings = pictures + 1, readings + truth.count
            mistakes = list(misread(layout, pixels, truth))
            for mistake in mistakes:
                sys.stdout.write(f"{name}: {mistake}\n")
                wrong[f"{screen} {mistake.item}"] += 1
            if mistakes and options.out:
                _save(options.out, name, pixels)
    _sum_up(pictures, readings, wrong)
    return 1 if wrong else 0


def _save(folder: Path, name: str, pixels: Pixels) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / f"{name.replace(' ', '-').replace('/', '-')}.png"), pixels[..., ::-1])


def _sum_up(pictures: int, readings: int, wrong: Counter[str]) -> None:
    for item, count in sorted(wrong.items(), key=lambda each: (-each[1], each[0])):
        sys.stdout.write(f"{count:5d}  {item}\n")
    sys.stdout.write(f"{pictures} pictures, {readings} readings, {sum(wrong.values())} wrong\n")


if __name__ == "__main__":
    sys.exit(main())
