"""The pure parts of tools/vcan: arguments, module order, quoting, what the guest starts from."""

import contextlib
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

TOOLS = Path(__file__).parents[2] / "tools"
sys.path.insert(0, str(TOOLS))

import vcan_suite  # noqa: E402
from vcan import cli, user_mode  # noqa: E402
from vcan.guest import INIT, KVM, TCG, Guest, accelerators, modules_for, qemu_command, status_of, trouble_in  # noqa: E402
from vcan.host import VcanError, last_line  # noqa: E402
from vcan.initramfs import HOME, guest_environment, initramfs, render_command, render_job  # noqa: E402
from vcan.job import Job, parse  # noqa: E402
from vcan.kernel import load_order, module_file, unpack_image  # noqa: E402
from vcan.namespace import inside_arguments, link_commands  # noqa: E402

DEPENDENCIES = """\
kernel/net/can/can-raw.ko: kernel/net/can/can.ko
kernel/net/can/can.ko:
kernel/drivers/net/can/vcan.ko.xz: kernel/drivers/net/can/dev/can-dev.ko.xz
kernel/drivers/net/can/dev/can-dev.ko.xz:
kernel/fs/9p/9p.ko: kernel/net/9p/9pnet.ko kernel/fs/netfs/netfs.ko
kernel/net/9p/9pnet.ko:
kernel/fs/netfs/netfs.ko:
"""

NEVER = float("inf")


def job(*arguments: str) -> Job:
    return parse([*arguments, "--", "true"])[1]


def names(order: list[str]) -> list[str]:
    return [module_file(path) for path in order]


def test_a_module_comes_after_all_that_it_needs():
    order = names(load_order(DEPENDENCIES, ["9p", "vcan", "can-raw"]))
    assert order == ["9pnet.ko", "netfs.ko", "9p.ko", "can_dev.ko", "vcan.ko", "can.ko", "can_raw.ko"]


def test_a_module_is_loaded_once():
    assert names(load_order(DEPENDENCIES, ["can", "can-raw", "can_raw"])) == ["can.ko", "can_raw.ko"]


def test_a_module_that_is_not_listed_is_built_in():
    assert load_order(DEPENDENCIES, ["unix"]) == []


def test_a_kernel_image_that_is_not_xz_stays_as_it_is():
    assert unpack_image(b"MZ\xfd7zXZ\x00 but not really") == b"MZ\xfd7zXZ\x00 but not really"


def test_what_follows_the_dashes_is_the_command():
    mode, parsed = parse(["--mode", "guest", "--timeout", "7", "--", "pytest", "--mode", "x", "--", "-k"])
    assert (mode, parsed.timeout_s) == ("guest", 7.0)
    assert parsed.command == ("pytest", "--mode", "x", "--", "-k")


def test_values_that_may_be_repeated():
    parsed = job(
        "--env", "A=1=2", "--env", "B=", "--host-port", "18222", "--host-port", "80", "--channels", "vcan0,can_b"
    )
    assert parsed.environment == {"A": "1=2", "B": ""}
    assert (parsed.host_ports, parsed.channels) == ((18222, 80), ("vcan0", "can_b"))


def test_the_results_directory_is_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert job("--results", "build/x").results == tmp_path.resolve() / "build/x"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no command"),
        (["--"], "no command"),
        (["true"], "unrecognized arguments: true"),
        (["--timeout", "0", "--", "true"], "seconds above 0"),
        (["--timeout", "nan", "--", "true"], "seconds above 0"),
        (["--timeout", "soon", "--", "true"], "--timeout"),
        (["--env", "A", "--", "true"], "NAME=VALUE"),
        (["--env", "a b=c", "--", "true"], "NAME=VALUE"),
        (["--host-port", "65536", "--", "true"], "TCP port"),
        (["--channels", "vcan0;reboot", "--", "true"], "interface names"),
        (["--channels", ",", "--", "true"], "interface names"),
        (["--mode", "host", "--", "true"], "invalid choice"),
        (["--controllers", "9", "--", "true"], "invalid choice"),
        (["--controllers", "2", "--mode", "namespace", "--", "true"], "--controllers: only a guest has that"),
        (["--usb", "--mode", "namespace", "--", "true"], "--usb: only a guest has that"),
        (["--controllers", "2", "--mode", "user", "--", "true"], "--controllers: only a guest has that"),
        (["--host-port", "80", "--mode", "user", "--", "true"], "a user-mode kernel has no network"),
    ],
)
def test_a_wrong_argument_is_a_usage_error(arguments, said, capsys):
    with pytest.raises(SystemExit) as ended:
        parse(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_the_job_is_shell_that_init_reads(tmp_path):
    results = tmp_path / "it's here"
    text = render_job(job("--results", str(results), "--host-port", "80", "--channels", "a,b"), ["can.ko", "vcan.ko"])
    script = f'{text}\nprintf "%s|" "$MODULES" "$CHANNELS" "$PORTS" "$RESULTS"'
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert said == f"can.ko vcan.ko|a b|80|{results.resolve()}|"
    assert "CONTROLLERS=2\n" in render_job(job("--controllers", "2"), [])
    assert "CONTROLLERS=''\n" in text


def test_the_command_keeps_its_words_directory_and_environment(tmp_path):
    words = ["it's", 'a "b" $HOME `id`', "", "*", "two\nlines"]
    place = tmp_path / "a b$c"
    place.mkdir()
    show = "import os, sys; print([sys.argv[1:], os.getcwd(), dict(os.environ).get('X'), 'SECRET' in os.environ])"
    command = Job((sys.executable, "-c", show, *words), ("vcan0",), (), None, {}, 1.0)
    script = render_command(command, str(place), {"PATH": "/bin:/usr/bin", "X": "1 '2'"})
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, env={"SECRET": "1"}).stdout
    assert said.strip() == repr([words, str(place), "1 '2'", False])


def test_the_guest_gets_no_more_of_the_environment_than_python_needs():
    host = {"PATH": "/bin", "HOME": "/home/me", "LC_ALL": "C", "API_TOKEN": "x", "HIL_SEED": "1", "PYTHONPATH": "p"}
    host["PYTHONDONTWRITEBYTECODE"] = "1"
    environment = guest_environment(host, {"EXTRA": "2", "PATH": "/opt/bin"})
    kept = {"PATH": "/opt/bin", "LC_ALL": "C", "HIL_SEED": "1", "PYTHONPATH": "p"}
    assert environment == {**kept, "HOME": HOME, "PYTHONUNBUFFERED": "1", "EXTRA": "2"}


def test_the_initramfs_is_a_cpio_archive_of_files_and_their_directories():
    archive = initramfs({"init": b"#!", "bin/busybox": b"12345"})
    assert len(archive) % 4 == 0
    assert read_cpio(archive) == {"bin": (0o40755, b""), "init": (0o100755, b"#!"), "bin/busybox": (0o100755, b"12345")}


def read_cpio(archive: bytes) -> dict[str, tuple[int, bytes]]:
    found, at = {}, 0
    while True:
        assert archive[at : at + 6] == b"070701"
        fields = [int(archive[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        name = archive[at + 110 : at + 109 + fields[11]].decode()
        content = at + (110 + fields[11] + 3) // 4 * 4
        if name == "TRAILER!!!":
            return found
        found[name] = (fields[1], archive[content : content + fields[6]])
        at = content + (fields[6] + 3) // 4 * 4


def command_line(accelerator: str, *arguments: str) -> list[str]:
    return qemu_command(job(*arguments), Path("kernel"), Path("scratch"), accelerator, (7, 8))


def test_the_host_is_shared_read_only_and_results_are_not():
    shares = [word for word in command_line("tcg", "--results", "/r,1") if word.startswith("local,")]
    assert [("readonly=on" in word, "path=/r,,1," in word) for word in shares] == [(True, False), (False, True)]


def test_the_guest_has_a_network_only_for_a_host_port():
    assert "-nic" not in command_line("tcg")
    assert "-nic" in command_line("tcg", "--host-port", "18222")


def test_controllers_are_on_one_bus_and_only_where_asked_for():
    assert "kvaser_pci" not in " ".join(command_line("tcg"))
    words = command_line("tcg", "--controllers", "2")
    assert words[-6:] == ["-object", "can-bus,id=bus", *["-device", "kvaser_pci,canbus=bus"] * 2]


def test_the_guest_loads_the_drivers_that_are_asked_for():
    assert set(modules_for(job())) & {"kvaser_pci", "gs_usb", "ucan", "virtio_net"} == set()
    assert {"vhci-hcd", "gs_usb", "ucan"} <= set(modules_for(job("--usb")))
    assert {"kvaser_pci", "virtio_net"} <= set(modules_for(job("--controllers", "2", "--host-port", "80")))


def test_the_accelerators_have_their_processors():
    assert KVM in shlex.join(command_line("kvm"))
    assert TCG in shlex.join(command_line("tcg"))


def test_kvm_is_tried_where_the_processor_helps(monkeypatch, tmp_path):
    monkeypatch.setattr("os.access", lambda *_: True)
    monkeypatch.setattr("vcan.guest.CPUINFO", tmp_path / "cpuinfo")
    for flags, tried in (("fpu vmx ssse3", ["kvm", "tcg"]), ("fpu svm", ["kvm", "tcg"]), ("fpu vmxnet", ["tcg"])):
        (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t: x\n")
        assert accelerators(tmp_path) == tried


def test_every_link_carries_can_fd():
    commands = [" ".join(words) for words in link_commands(["vcan0", "vcan1"])]
    assert commands[0] == "ip link set lo up"
    assert [command for command in commands if "mtu 72" in command] == [f"ip link set vcan{n} mtu 72" for n in (0, 1)]


def test_the_second_start_parses_to_the_same_job():
    first = job("--channels", "a,b", "--host-port", "80")
    second = parse(inside_arguments(first, 5))[1]
    assert (second.command, second.channels, second.host_ports, second.inside) == (("true",), ("a", "b"), (80,), 5)


def test_init_is_a_shell_script():
    subprocess.run(["sh", "-n", str(INIT)], check=True)


def test_the_last_words_name_what_happened_first_inside_a_kernel_that_died():
    log = "[1.0] vcan init: module x was not loaded\n[2.0] general protection fault, probably for 0x1\n"
    log += "[2.1] Kernel panic - not syncing: Fatal exception\n[3.0]  panic+0x118/0x2f4\n\n"
    assert trouble_in(log) == "[2.0] general protection fault, probably for 0x1"
    assert trouble_in(log.splitlines()[0]) == "[1.0] vcan init: module x was not loaded"
    assert (trouble_in("[3.0] well"), last_line(log), last_line(" \n")) == ("", "[3.0]  panic+0x118/0x2f4", "")


@pytest.fixture
def guest():
    """A guest, and its ends of the two ports."""
    with contextlib.ExitStack() as stack:
        control, its_control = map(stack.enter_context, socket.socketpair())
        output, its_output = map(stack.enter_context, socket.socketpair())
        yield Guest(control, output), its_control, its_output


def status(guest, *, deadline=NEVER):
    return status_of(guest, deadline, timeout_s=9.0, leave_limit_s=0.0)


def hang_up(*lines):
    """As all lines of a guest end when it does."""
    for line in lines:
        line.close()


def test_a_guest_that_says_its_status_and_goes_has_that_status(guest):
    guest, control, output = guest
    control.sendall(b"up\nended 7\nexit 7\n")
    hang_up(control, output)
    assert guest.listen(NEVER)
    assert status(guest) == 7


def test_a_guest_that_stays_after_its_command_is_given_up(guest):
    guest, control, _ = guest
    control.sendall(b"up\nended 0\n")
    with pytest.raises(VcanError, match="still there 0 s after the command had ended with status 0"):
        status(guest)


def test_a_guest_that_dies_has_no_status(guest):
    guest, control, output = guest
    control.sendall(b"up\n")
    hang_up(control, output)
    with pytest.raises(VcanError, match=r"^the guest died$"):
        status(guest)


def test_a_guest_that_dies_after_its_command_has_none_either(guest):
    guest, control, output = guest
    control.sendall(b"up\nended 0\n")
    hang_up(control, output)
    assert guest.listen(NEVER)
    with pytest.raises(VcanError, match=r"^the guest died after the command had ended with status 0$"):
        status(guest)


def test_a_command_that_does_not_end_is_given_up(guest):
    with pytest.raises(VcanError, match="still running after 9 s"):
        status(guest[0], deadline=0.0)


def test_a_crash_ends_the_guest():
    assert "oops=panic" in shlex.join(command_line("tcg"))
    assert "-no-reboot" in command_line("tcg")


@pytest.mark.parametrize(
    ("ends", "status", "runs"), [((0,), 0, 1), ((4, 0), 0, 2), ((4, 4), 4, 2), ((1, 0), 1, 1), ((3, 0), 3, 1)]
)
def test_a_stage_whose_bench_was_late_runs_once_more(tmp_path, monkeypatch, ends, status, runs):
    monkeypatch.setattr(vcan_suite, "VERDICTS", tmp_path / "verdicts.txt")
    count = tmp_path / "count"
    count.touch()
    words = f"echo >>{count}; set -- {shlex.join(map(str, ends))}; shift $(($(wc -l <{count}) - 1)); exit $1"
    script = vcan_suite._noted(vcan_suite.Stage("cases", ["sh", "-c", words]))
    ended = subprocess.run(["sh", "-c", f"status=0; {script}exit $status"], check=False)
    assert (ended.returncode, len(count.read_text().splitlines())) == (status, runs)
    assert (tmp_path / "verdicts.txt").read_text().startswith(f"cases: status {status}, ")


def test_a_user_mode_kernel_has_two_ports_and_no_hardware():
    words = user_mode.command(Path("kernel"), Path("scratch"), (7, 8))
    assert {"initrd=scratch/initrd", "con1=fd:7,fd:7", "con2=fd:8,fd:8", "oops=panic"} <= set(words)
    can_have = [
        user_mode.can_have(job(*words)) for words in ((), ("--usb",), ("--controllers", "1"), ("--host-port", "1"))
    ]
    assert can_have[1:] == [False, False, False]


def test_init_mounts_the_hosts_files_in_the_way_of_the_place():
    assert "SHARES=hostfs\n" in render_job(job(), [], shares="hostfs")
    assert "SHARES=9p\n" in render_job(job(), [])


@pytest.fixture
def places(monkeypatch):
    """Where a job would have been run; no kernel here has vcan."""
    places, works = [], [True]
    monkeypatch.setattr(cli, "namespace_works", lambda: False)
    monkeypatch.setattr(cli, "user_mode_works", lambda: works[0])
    for name in ("run_in_namespace", "run_in_user_mode", "run_in_guest"):
        monkeypatch.setattr(cli, name, lambda _, name=name: places.append(name.rpartition("_")[2]) or 0)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield places, works
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("options", [["--controllers", "2"], ["--usb"], ["--host-port", "80"]])
def test_what_a_user_mode_kernel_lacks_is_had_in_the_guest(places, options):
    seen, works = places
    assert [cli.run("auto", job()), cli.run("auto", job(*options))] == [0, 0]
    works[0] = False
    cli.run("auto", job())
    assert seen == ["mode", "guest", "guest"]


@pytest.fixture
def user_mode_kernel(tmp_path, monkeypatch):
    """Tries to start one end as told; what was tried and what is known afterwards."""
    tried: list[object] = []
    monkeypatch.setattr(user_mode, "cache", lambda: tmp_path)

    def end_with(how):
        def run(_):
            tried.append(how)
            if isinstance(how, Exception):
                raise how
            return how

        monkeypatch.setattr(user_mode, "run_in_user_mode", run)
        return user_mode.user_mode_works(), len(tried)

    return end_with


def test_whether_a_user_mode_kernel_works_is_tried_once(user_mode_kernel):
    assert user_mode_kernel(0) == (True, 1)
    assert user_mode_kernel(VcanError("not asked")) == (True, 1)


def test_a_user_mode_kernel_that_died_is_not_tried_again(user_mode_kernel, capfd):
    assert user_mode_kernel(VcanError("it died")) == (False, 1)
    assert user_mode_kernel(0) == (False, 1)
    assert "no user-mode kernel: it died" in capfd.readouterr().err


def test_what_is_known_of_it_counts_until_the_host_boots_again(user_mode_kernel, tmp_path):
    (tmp_path / "user-mode").write_text("of-another-boot fails\n")
    assert user_mode_kernel(0) == (True, 1)


def test_a_user_mode_kernel_that_was_slow_is_tried_again(user_mode_kernel):
    assert user_mode_kernel(user_mode.NotInTime("slow")) == (False, 1)
    assert user_mode_kernel(0) == (True, 2)


def test_the_kernels_memory_lies_where_there_is_room(monkeypatch):
    monkeypatch.setattr(user_mode.shutil, "disk_usage", lambda _: SimpleNamespace(free=64 << 20))
    assert user_mode.memory_place() == Path(tempfile.gettempdir())


def test_the_suite_takes_a_place_and_leaves_the_rest_to_hil_run():
    assert vcan_suite.mode_of(["--mode", "user", "--tag", "x"]) == ("user", ["--tag", "x"])
    assert vcan_suite.mode_of(["--tag", "x"]) == ("", ["--tag", "x"])
    with pytest.raises(SystemExit):
        vcan_suite.mode_of(["--mode", "moon"])


def test_outside_of_the_guest_all_cases_run_on_vcan():
    (everywhere, emulated) = (vcan_suite.stages([], mode)[1].command for mode in ("user", "guest"))
    assert everywhere[-2:] == ["--tag", "guest"]
    assert emulated[: len(everywhere)] == everywhere
    assert len(emulated) > len(everywhere)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("guest", [("guest", ["vcan", "vcan", "controllers", "controllers"])]),
        ("user", [("user", ["vcan", "vcan"]), ("guest", ["controllers", "controllers"])]),
    ],
)
def test_what_needs_controllers_runs_in_the_guest(monkeypatch, tmp_path, mode, expected):
    ran = []
    monkeypatch.setattr(vcan_suite, "RESULTS", tmp_path)
    monkeypatch.setattr(vcan_suite, "VERDICTS", tmp_path / "verdicts.txt")
    monkeypatch.setattr(
        vcan_suite,
        "run_together",
        lambda group, place, _: ran.append((place, [stage.name.rpartition(" ")[2] for stage in group])) or 0,
    )
    assert vcan_suite.run_all(vcan_suite.stages([], mode), mode, "1") == 0
    assert ran == expected
