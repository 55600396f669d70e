"""A Linux kernel as a program of the host: user-mode Linux, whose processes run on the host's processor as they are.

It has vcan and runs Python ten times faster than an emulated machine, but no PCI and no USB: what needs a controller
runs in the guest. Debian sid has the first one that knows the wide registers of today's processors; it is unpacked
into the cache with the C library that it was built for, and nothing of it is installed. Where it can't be fetched or
doesn't come up, the guest is what is left.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from vcan.guest import Guest, NoBoot, boot_id, last_words, see_through, start_files
from vcan.host import VcanError, apt, reaped, require, say
from vcan.job import Job
from vcan.kernel import cache, load_order, module_file, unpack_module

PACKAGES = ("user-mode-linux", "libc6")
SOURCE = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian sid main\n"
TOOLS = {"busybox": "busybox-static", "dpkg-deb": "dpkg", "patchelf": "patchelf"}
MODULES = ("overlay", "can-dev", "vcan", "can-raw", "can-bcm", "can-gw")
KEPT = "user-mode-1"  # the directory in the cache; another number when what it holds changes
MEMORY_MIB = 2048
BOOT_LIMIT_S = 30.0
# seccomp: its processes run without being traced, which makes a system call five times cheaper.
KERNEL_ARGUMENTS = "quiet loglevel=4 panic=-1 oops=panic seccomp=auto con=null ssl=null con0=null,fd:1"


class NotInTime(NoBoot):
    """It may come up on a machine that has less to do."""


def can_have(job: Job) -> bool:
    """Whether a job asks for nothing that this kernel lacks."""
    return not (job.controllers or job.usb or job.host_ports) and os.uname().machine == "x86_64"


def user_mode_works() -> bool:
    """Whether such a kernel is at hand, or can be fetched and comes up: tried once until the host boots again."""
    note = cache() / "user-mode"
    with contextlib.suppress(OSError):
        boot, _, known = note.read_text().strip().partition(" ")
        if boot == boot_id():
            return known == "works"
    works = False
    try:
        works = run_in_user_mode(Job(("true",), ("vcan0",), (), None, {}, 2 * BOOT_LIMIT_S)) == 0
    except NotInTime as error:
        say(f"no user-mode kernel: {error}")
        return False
    except (VcanError, OSError, subprocess.SubprocessError) as error:
        say(f"no user-mode kernel: {error}")
    note.write_text(f"{boot_id()} {'works' if works else 'fails'}\n")
    return works


def run_in_user_mode(job: Job) -> int:
    """The command's exit status."""
    require(TOOLS)
    kernel = prepare(cache())
    begun = time.monotonic()
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vcan-")))
        guest = stack.enter_context(start(job, kernel, scratch))
        if not guest.listen(begun + BOOT_LIMIT_S, until="up"):
            trouble = NotInTime if guest.is_there else NoBoot
            raise trouble(f"the user-mode kernel did not come up; {last_words(guest, job, scratch)}")
        say("user-mode kernel up")
        return see_through(guest, job, scratch, begun)


@contextlib.contextmanager
def start(job: Job, kernel: Path, scratch: Path) -> Iterator[Guest]:
    """The kernel, whose consoles 1 and 2 are sockets: both end when it does."""
    (scratch / "initrd").write_bytes(start_files(job, kernel, MODULES, shares="hostfs"))
    with contextlib.ExitStack() as stack:
        control, its_control = map(stack.enter_context, socket.socketpair())
        output, its_output = map(stack.enter_context, socket.socketpair())
        log = stack.enter_context((scratch / "kernel.log").open("wb"))
        ports = (its_control.fileno(), its_output.fileno())
        stack.enter_context(reaped(start_kernel(command(kernel, scratch, ports), ports, log)))
        its_control.close()
        its_output.close()
        yield Guest(control, output)


def start_kernel(words: list[str], ports: tuple[int, int], log: BinaryIO) -> subprocess.Popen[bytes]:
    """On one core: between two, each change from a process to its kernel would have to wake the other core."""
    before = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    before += ["taskset", "-c", str(max(os.sched_getaffinity(0)))] if shutil.which("taskset") else []
    return subprocess.Popen(
        [*before, *words], pass_fds=ports, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        env=os.environ | {"TMPDIR": str(memory_place())},
    )  # fmt: skip


def command(kernel: Path, scratch: Path, ports: tuple[int, int]) -> list[str]:
    """The kernel's own command line: its memory, its files, its two ports."""
    words = [str(kernel / "linux"), f"mem={MEMORY_MIB}M", f"initrd={scratch / 'initrd'}", f"uml_dir={scratch}/"]
    words += [f"con{number}=fd:{port},fd:{port}" for number, port in enumerate(ports, start=1)]
    return words + KERNEL_ARGUMENTS.split()


def memory_place() -> Path:
    """Where the file can lie that is the kernel's memory: a container's /dev/shm is often too small."""
    shm = Path("/dev/shm")
    has_room = shm.is_dir() and shutil.disk_usage(shm).free > MEMORY_MIB << 20
    return shm if has_room else Path(tempfile.gettempdir())


def prepare(place: Path) -> Path:
    """The directory with `linux`, `modules/` and `modules.dep`; fetched and unpacked the first time."""
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / KEPT).exists():
            with tempfile.TemporaryDirectory(dir=place) as scratch:
                fetch(Path(scratch))
                unpack(Path(scratch), place / KEPT)
    return place / KEPT


def fetch(scratch: Path) -> None:
    """The package files, by package lists of their own: those of the host stay as they are."""
    if not shutil.which("apt-get"):
        raise VcanError("no apt-get to fetch it with")
    say(f"fetching {' and '.join(PACKAGES)} of Debian sid")
    (scratch / "sources.list").write_text(SOURCE)
    for name in ("lists/partial", "archives/partial"):
        (scratch / name).mkdir(parents=True)
    settings = {"Dir::Etc::sourcelist": "sources.list", "Dir::Etc::sourceparts": "-", "Dir::State::lists": "lists"}
    settings |= {"Dir::Cache": "", "Dir::Cache::archives": "archives"}
    options = []
    for name, value in settings.items():
        options += ["-o", f"{name}={value if value == '-' else scratch / value}"]
    if trouble := apt(*options, "update") or apt(*options, "download", *PACKAGES, cwd=scratch):
        raise VcanError(f"apt-get could not download it: {trouble}")


def unpack(scratch: Path, kept: Path) -> None:
    """Only what is needed of the packages: the kernel, which is told where its C library lies, and a few modules."""
    tree, made = scratch / "tree", scratch / "made"
    for package in scratch.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", str(package), str(tree)], check=True)
    (made / "modules").mkdir(parents=True)
    libraries = next(path.parent for path in tree.rglob("ld-linux-x86-64.so.2") if not path.is_symlink())
    shutil.copytree(libraries, made / "libc", ignore=lambda _, names: [name for name in names if ".so" not in name])
    shutil.copy(next(tree.rglob("linux.uml")), made / "linux")
    loader = ["--set-interpreter", str(kept / "libc/ld-linux-x86-64.so.2"), "--set-rpath", str(kept / "libc")]
    subprocess.run(["patchelf", *loader, str(made / "linux")], check=True)
    keep_modules(next(tree.glob("usr/lib/uml/modules/*")), made)
    made.rename(kept)


def keep_modules(modules: Path, made: Path) -> None:
    """Those that are wanted, and what each needs."""
    home = made / "depmod/lib/modules" / modules.name
    shutil.copytree(modules, home)
    subprocess.run(["busybox", "depmod", "-b", str(made / "depmod"), modules.name], check=True)
    listing = (home / "modules.dep").read_text()
    (made / "modules.dep").write_text(listing)
    for path in load_order(listing, MODULES):
        (made / "modules" / module_file(path)).write_bytes(unpack_module(home / path))
    shutil.rmtree(made / "depmod")
