"""Debian's generic kernel, unpacked into the cache: never installed, and only the few files that a guest needs."""

from __future__ import annotations

import contextlib
import fcntl
import lzma
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from vcan.host import VcanError, apt, apt_with_update, say

PACKAGE = "linux-image-amd64"
HOST_MODULES = ("virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay")
MODULES = (*HOST_MODULES, "can-dev", "vcan", "can-raw", "can-bcm", "can-gw", "can-isotp", "af_packet")
NETWORK_MODULES = ("virtio_net",)
CONTROLLER_MODULES = ("kvaser_pci",)
USB_MODULES = ("vhci-hcd", "gs_usb", "ucan")
KEPT = "kernel-4"  # the directory in the cache; another number when what it holds changes


def cache() -> Path:
    """Where the unpacked kernel and what was learnt about this machine are kept."""
    place = Path(os.environ.get("HIL_GUEST_CACHE") or Path.home() / ".cache" / "cockpit-hil" / "guest")
    place.mkdir(parents=True, exist_ok=True)
    return place


def prepare_kernel(place: Path) -> Path:
    """The directory with `vmlinux`, `modules/` and `modules.dep`; fetched and unpacked the first time."""
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / KEPT).exists():
            with tempfile.TemporaryDirectory(dir=place) as scratch:
                unpack_kernel(fetch_kernel(Path(scratch)), Path(scratch)).rename(place / KEPT)
    return place / KEPT


def fetch_kernel(scratch: Path) -> Path:
    """The package file."""
    if not shutil.which("apt-get"):
        raise VcanError("no apt-get: a guest needs Debian's generic kernel; load the vcan module on this host instead")
    package = kernel_package()
    say(f"fetching {package}")
    if trouble := apt_with_update("download", package, cwd=scratch):
        raise VcanError(f"apt-get could not download {package}: {trouble}")
    return next(scratch.glob("*.deb"))


def kernel_package() -> str:
    """The package with the kernel that the distribution's meta package stands for."""
    if not (found := listed_dependency()):
        apt("update")
        found = listed_dependency()
    if not found:
        raise VcanError(f"apt knows no {PACKAGE}: a guest needs Debian's generic kernel package")
    return found


def listed_dependency() -> str:
    """linux-image-6.1.0-NN-amd64 or the like, or nothing: apt's lists may be missing."""
    listed = subprocess.run(["apt-cache", "depends", PACKAGE], capture_output=True, text=True, check=False).stdout
    found = re.search(r"Depends: (linux-image-\d\S*)", listed)
    return found[1] if found else ""


def unpack_kernel(package: Path, scratch: Path) -> Path:
    """Only what the guest needs of the package's 400 MB: the kernel and a few modules, both uncompressed."""
    tree, kernel = scratch / "tree", scratch / "kernel"
    subprocess.run(["dpkg-deb", "-x", str(package), str(tree)], check=True)
    (kernel / "modules").mkdir(parents=True)
    image = next(tree.glob("boot/vmlinuz-*"))
    (kernel / "vmlinux").write_bytes(unpack_image(image.read_bytes()))
    modules = next(path for pattern in ("lib/modules/*", "usr/lib/modules/*") for path in tree.glob(pattern))
    subprocess.run(["busybox", "depmod", "-b", str(modules.parents[2]), modules.name], check=True)
    listing = (modules / "modules.dep").read_text()
    (kernel / "modules.dep").write_text(listing)
    for path in load_order(listing, (*MODULES, *NETWORK_MODULES, *CONTROLLER_MODULES, *USB_MODULES)):
        (kernel / "modules" / module_file(path)).write_bytes(unpack_module(modules / path))
    return kernel


def unpack_image(image: bytes) -> bytes:
    """The ELF kernel inside a bzImage (QEMU starts it directly, the guest need not decompress it), or the bzImage."""
    for found in re.finditer(re.escape(b"\xfd7zXZ\x00"), image):
        with contextlib.suppress(lzma.LZMAError):
            kernel = lzma.LZMADecompressor().decompress(image[found.start() :])
            if kernel.startswith(b"\x7fELF"):
                return kernel
    return image


def unpack_module(path: Path) -> bytes:
    """The module as insmod takes it."""
    return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()


def module_file(path: str) -> str:
    """kernel/net/can/can-raw.ko.xz is kept as can_raw.ko: file names and module names differ in - and _."""
    return Path(path).name.split(".")[0].replace("-", "_") + ".ko"


def load_order(listing: str, wanted: Iterable[str]) -> list[str]:
    """The paths in a modules.dep that the wanted modules need, each after all that it needs itself.

    A module that is not listed is taken to be built in.
    """
    needs = {path: rest.split() for path, _, rest in (line.partition(":") for line in listing.splitlines())}
    paths = {module_file(path): path for path in needs}
    order: list[str] = []

    def visit(path: str) -> None:
        if path not in order:
            for need in needs[path]:
                visit(need)
            order.append(path)

    for name in wanted:
        if (file := module_file(name)) in paths:
            visit(paths[file])
    return order
