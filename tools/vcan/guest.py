"""A small QEMU guest over the host's file system: its command line, what it says, and when it is over."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from vcan.host import VcanError, last_line, reaped, require, say
from vcan.initramfs import guest_environment, initramfs, render_command, render_job
from vcan.job import Job
from vcan.kernel import (
    CONTROLLER_MODULES,
    MODULES,
    NETWORK_MODULES,
    USB_MODULES,
    cache,
    load_order,
    module_file,
    prepare_kernel,
)  # fmt: skip

CPUINFO = Path("/proc/cpuinfo")
INIT = Path(__file__).with_name("init.sh")
TOOLS = {"qemu-system-x86_64": "qemu-system-x86", "busybox": "busybox-static", "dpkg-deb": "dpkg"}
MACHINE = "-nodefaults -no-user-config -display none -no-reboot -m 2048"
KVM, TCG = "-accel kvm -cpu host", "-accel tcg,thread=multi -cpu max"
KVM_BOOT_LIMIT_S = 10.0
# The kernel's own defences cost an emulated CPU dearly. With libraries at the same addresses in every process
# (norandmaps) QEMU need not translate their code again for each: half the start time of Python.
KERNEL_ARGUMENTS = (
    "console=ttyS0 quiet loglevel=4 panic=-1 nokaslr norandmaps mitigations=off"
    " tsc=reliable clocksource=tsc random.trust_cpu=on"
    # A kernel that hurt itself, or in which a task waits in vain, ends the guest instead of standing still.
    " oops=panic hung_task_panic=1"
)
LEAVE_LIMIT_S = 60.0
CRASH = re.compile(r".*(?:general protection fault|Oops:|BUG:|blocked for more than|Kernel panic).*")
TROUBLE = re.compile(r".*(?:Out of memory:|vcan init:).*")


class NoBoot(VcanError):
    """The guest did not come up in time."""


def run_in_guest(job: Job) -> int:
    """The command's exit status, with the first accelerator that boots."""
    require(TOOLS)
    kernel = prepare_kernel(cache())
    *trials, last = accelerators(cache())
    for accelerator in trials:
        with contextlib.suppress(NoBoot):
            return run_accelerated(job, kernel, accelerator, boot_limit_s=KVM_BOOT_LIMIT_S)
        say(f"no guest with {accelerator}")
    return run_accelerated(job, kernel, last, boot_limit_s=job.timeout_s)


def run_accelerated(job: Job, kernel: Path, accelerator: str, *, boot_limit_s: float) -> int:
    """One guest, from its start to its end."""
    begun = time.monotonic()
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vcan-")))
        guest = stack.enter_context(start_guest(job, kernel, accelerator, scratch))
        if not guest.listen(begun + boot_limit_s, until="up"):
            raise NoBoot(f"the guest did not come up; {last_words(guest, job, scratch)}")
        say(f"guest up with {accelerator}")
        remember(cache(), accelerator)
        return see_through(guest, job, scratch, begun)


def see_through(guest: Guest, job: Job, scratch: Path, begun: float) -> int:
    """The command's exit status. Raises: VcanError: as `status_of`, with what was seen last."""
    try:
        return status_of(guest, begun + job.timeout_s, timeout_s=job.timeout_s)
    except VcanError as error:
        raise VcanError(f"{error}; {last_words(guest, job, scratch)}") from None


def status_of(guest: Guest, deadline: float, *, timeout_s: float, leave_limit_s: float = LEAVE_LIMIT_S) -> int:
    """The command's exit status, once the guest is gone.

    Raises:
        VcanError: the time is up, the guest died, or it stayed after the command.
    """
    ended = guest.listen(deadline, until="ended")
    if not ended and guest.is_there:
        raise VcanError(f"the command was still running after {timeout_s:g} s")
    after = f" after the command had ended with status {guest.said('ended')}" if ended else ""
    if not guest.listen(time.monotonic() + leave_limit_s):
        raise VcanError(f"the guest was still there {leave_limit_s:g} s{after}")
    if status := guest.said("exit"):
        return int(status)
    raise VcanError(f"the guest died{after}")


@contextlib.contextmanager
def start_guest(job: Job, kernel: Path, accelerator: str, scratch: Path) -> Iterator[Guest]:
    """A guest whose two ports are sockets: both end when it does."""
    (scratch / "initrd").write_bytes(start_files(job, kernel, modules_for(job), shares="9p"))
    with contextlib.ExitStack() as stack:
        control, its_control = map(stack.enter_context, socket.socketpair())
        output, its_output = map(stack.enter_context, socket.socketpair())
        log = stack.enter_context((scratch / "qemu.log").open("wb"))
        ports = (its_control.fileno(), its_output.fileno())
        stack.enter_context(reaped(start_qemu(qemu_command(job, kernel, scratch, accelerator, ports), ports, log)))
        its_control.close()
        its_output.close()
        yield Guest(control, output)


def start_qemu(command: list[str], ports: tuple[int, int], log: BinaryIO) -> subprocess.Popen[bytes]:
    """QEMU in a session of its own, away from the terminal's Ctrl-C; it dies even if this tool is killed outright."""
    tied = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    return subprocess.Popen(
        [*tied, *command], pass_fds=ports, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    )


def qemu_command(job: Job, kernel: Path, scratch: Path, accelerator: str, ports: tuple[int, int]) -> list[str]:
    """A machine with two virtio ports (control, output), the shares, and a network only if it is asked for."""
    command = ["qemu-system-x86_64", *MACHINE.split(), "-smp", str(max(2, min(4, os.cpu_count() or 2)))]
    command += (KVM if accelerator == "kvm" else TCG).split()
    command += ["-kernel", str(kernel / "vmlinux"), "-initrd", str(scratch / "initrd"), "-append", KERNEL_ARGUMENTS]
    command += ["-serial", f"file:{scratch}/kernel.log", "-device", "virtio-serial-pci"]
    for number, descriptor in enumerate(ports, start=1):
        command += ["-chardev", f"socket,id=port{number},fd={descriptor}"]
        command += ["-device", f"virtserialport,nr={number},chardev=port{number}"]
    command += share("root", Path("/"), ",readonly=on")
    command += share("results", job.results) if job.results else []
    command += controllers(job.controllers)
    return command + (["-nic", "user,model=virtio-net-pci"] if job.host_ports else [])


def controllers(count: int) -> list[str]:
    """QEMU's arguments for SJA1000 controllers, can0 and on, on one bus."""
    bus = ["-object", "can-bus,id=bus"] if count else []
    return bus + ["-device", "kvaser_pci,canbus=bus"] * count


def share(name: str, path: Path, options: str = "") -> list[str]:
    """QEMU's arguments for a directory that the guest mounts by that name."""
    escaped = str(path).replace(",", ",,")
    where = f"local,id={name},path={escaped},security_model=none,multidevs=remap{options}"
    return ["-fsdev", where, "-device", f"virtio-9p-pci,fsdev={name},mount_tag={name}"]


def start_files(job: Job, kernel: Path, wanted: Sequence[str], *, shares: str) -> bytes:
    """The initramfs: init.sh, what it is to do, busybox and the modules.

    Args:
        job: what is to run.
        kernel: the directory with `modules` and `modules.dep`.
        wanted: modules to be loaded.
        shares: the file system by which directories of the host are mounted.
    """
    modules = [module_file(path) for path in load_order((kernel / "modules.dep").read_text(), wanted)]
    command = render_command(job, os.getcwd(), guest_environment(os.environ, job.environment))
    files = {
        "init": INIT.read_bytes(),
        "job": render_job(job, modules, shares=shares).encode(),
        "command": command.encode(),
        "bin/busybox": Path(shutil.which("busybox") or "").read_bytes(),
    }
    return initramfs(files | {f"modules/{name}": (kernel / "modules" / name).read_bytes() for name in modules})


def modules_for(job: Job) -> tuple[str, ...]:
    """What the guest's kernel has to load for a job."""
    wanted = [(MODULES, True), (NETWORK_MODULES, job.host_ports), (CONTROLLER_MODULES, job.controllers)]
    return tuple(name for names, asked in (*wanted, (USB_MODULES, job.usb)) if asked for name in names)


class Guest:
    """What a running guest says on its two ports, and whether it says it in time."""

    def __init__(self, control: socket.socket, output: socket.socket) -> None:
        self._stages: list[str] = []
        self._unfinished = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ, self._take_stage)
        self._selector.register(output, selectors.EVENT_READ, pass_on)

    def listen(self, deadline: float, *, until: str = "") -> bool:
        """Passes output on until the guest said that word or is gone. False: not in time, or gone without a word."""
        while self.is_there and not (until and self.said(until)):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            for key, _ in self._selector.select(min(left, 60.0)):
                self._receive(key)
        return not until or bool(self.said(until))

    @property
    def is_there(self) -> bool:
        """Whether one of its ports is still open."""
        return bool(self._selector.get_map())

    def said(self, word: str) -> str:
        """What the guest said behind that word (the word itself, if nothing stands behind it), or nothing."""
        stages = [stage for stage in self._stages if stage.split(" ")[0] == word]
        return stages[0].removeprefix(f"{word} ") if stages else ""

    def _receive(self, key: selectors.SelectorKey) -> None:
        data = b""
        with contextlib.suppress(ConnectionResetError):
            data = os.read(key.fd, 65536)
        if data:
            key.data(data)
        else:
            self._selector.unregister(key.fileobj)

    def _take_stage(self, data: bytes) -> None:
        *lines, self._unfinished = (self._unfinished + data).split(b"\n")
        self._stages += [line.decode(errors="replace") for line in lines]


def pass_on(data: bytes) -> None:
    """The command's output, unbuffered."""
    while data:
        data = data[os.write(1, data) :]


def last_words(guest: Guest, job: Job, scratch: Path) -> str:
    """What was seen last; the whole log is kept beside the results or in the cache."""
    logs = [scratch / "qemu.log", scratch / "kernel.log"]
    text = "".join(log.read_text(errors="replace") for log in logs if log.exists())
    with contextlib.suppress(OSError):
        ((job.results or cache()) / "guest.log").write_text(text)
    seen = guest.said("fail") or trouble_in(text) or last_line(text) or "nothing"
    return f"last seen: {seen} (more in guest.log in the {'results' if job.results else 'cache'} directory)"


def trouble_in(log: str) -> str:
    """What went wrong first inside a kernel that died; else the last line about trouble; or nothing."""
    crash = CRASH.search(log)
    return crash[0].strip() if crash else last_line("\n".join(TROUBLE.findall(log)))


def accelerators(place: Path) -> list[str]:
    """What to try, in this order: what worked since the host booted, or else KVM first."""
    with contextlib.suppress(OSError):
        boot, _, known = (place / "accelerator").read_text().strip().partition(" ")
        if boot == boot_id() and known in ("kvm", "tcg"):
            return [known]
    has_kvm = os.access("/dev/kvm", os.R_OK | os.W_OK) and virtualises(CPUINFO.read_text())
    return ["kvm", "tcg"] if has_kvm else ["tcg"]


def virtualises(cpuinfo: str) -> bool:
    """Whether the processor helps: a KVM without that interprets the kernel, and ends in the middle of its start."""
    return re.search(r"^flags\s*:.* (vmx|svm)( |$)", cpuinfo, re.MULTILINE) is not None


def remember(place: Path, accelerator: str) -> None:
    """For the runs until the host boots again."""
    (place / "accelerator").write_text(f"{boot_id()} {accelerator}\n")


def boot_id() -> str:
    """Of the host's kernel."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
