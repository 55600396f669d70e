"""The commands of `hil restbus`: what a line says, done on the bench, with an answer of one line.

Rules of this module: a command is a word and what it needs, as one would say it (`ramp VehicleSpeed 100 km/h in 5 s`);
`Signal = value` needs no word. All go through the bench's facade, so they do what a suite would do. A mistake is one
line with its remedy and changes nothing.

Not for: the terminal (`restbus_terminal`), or waiting: an answer says how long the line wants to wait.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from hil import units
from hil.bench.facade import Bench
from hil.can import database
from hil.can.database import SignalRef
from hil.can.sender import Sent
from hil.cli.restbus_watch import Watch
from hil.errors import BenchError, HilError, UsageError
from hil.nearest import nearest
from hil.units import show_duration

T = TypeVar("T")
MESSAGES: Final = "messages"
SIGNALS: Final = "signals"
HELP: Final = "help"
_ASSIGNMENT: Final = re.compile(r"(?:set\s+)?([\w.:]+)\s*=\s*(.+)$", re.IGNORECASE)
_RAMP: Final = re.compile(r"(\S+)\s+(?:to\s+)?(.+?)\s+(?:in|during|within)\s+(.+)$", re.IGNORECASE)
_OWN: Final = ("off", "own")
_SWITCH: Final = {"on": True, "off": False}


@dataclass(frozen=True, slots=True)
class Page:
    """What the view is to show.

    Attributes:
        kind: `MESSAGES`, `SIGNALS` or `HELP`.
        pattern: of messages or signals; of help, a command.
    """

    kind: str = MESSAGES
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a line came to.

    Attributes:
        text: for the user.
        page: what to show from now on; None: as before.
        wait_ns: let this much bench time pass before the next line.
        ends: the user wants to leave.
    """

    text: str = ""
    page: Page | None = None
    wait_ns: int = 0
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A command's spelling and its line of help."""

    usage: str
    does: str


COMMANDS: Final = {
    "set": Command("set SIGNAL VALUE", "send it from now on: 50 km/h, a label, raw 0x1F or SNA"),
    "=": Command("SIGNAL = VALUE; SIGNAL = VALUE", "the same; several at one instant"),
    "get": Command("get SIGNAL", "what the restbus sends, or what came last"),
    "ramp": Command("ramp SIGNAL VALUE in TIME", "rise or fall in a straight line"),
    "drive": Command("drive FILE.csv", "play signals over time from a table"),
    "ignition": Command("ignition on|off", "KL15, as the bench file says how"),
    "restbus": Command("restbus on|off", "send, or be silent"),
    "power": Command("power on|off", "the supplies (KL30); only with --power"),
    "stop": Command("stop MESSAGE | stop node NODE", "send it no more; * and ? are wildcards"),
    "resume": Command("resume MESSAGE | resume node NODE", "send it again"),
    "freeze": Command("freeze MESSAGE [off]", "the same E2E counter again and again"),
    "corrupt": Command("corrupt MESSAGE [off]", "a wrong CRC"),
    "cycle": Command("cycle MESSAGE TIME | own", "another cycle"),
    "length": Command("length MESSAGE BYTES | own", "another number of bytes"),
    "shift": Command("shift MESSAGE TIME", "move its phase: the next frame and all after it come later"),
    "flood": Command("flood BUS [ID] [TIME] | off", "one frame again and again; without more 0x000 every 100 us"),
    "send": Command("send BUS ID [fd] BYTES", "one frame: send body 0x7DF 02 3E 80; extended: 18DAF110x"),
    "reset": Command("reset", "start values, no faults; the ignition stays as it is"),
    "wake": Command("wake [BUS]", "network management: wake the buses and keep them awake"),
    "sleep": Command("sleep [BUS]", "network management: let them sleep, if the real nodes do"),
    "network": Command("network NUMBER on|off", "request a partial network, or no longer"),
    "show": Command("show [PATTERN] | show faults", "messages by name, identifier, sender, bus or signal"),
    "signals": Command("signals [PATTERN]", "signals with their values, ranges and labels"),
    "wait": Command("wait TIME", "let bench time pass before the next line"),
    "help": Command("help [COMMAND]", "this list"),
    "quit": Command("quit", "leave; so do exit, Ctrl-D and Ctrl-C"),
}
_ALSO: Final = {"exit": "quit", "q": "quit", "?": "help"}


class Prompt:
    """Does what lines say on one bench.

    Args:
        bench: the facade.
        watch: told which gaps were made on purpose.
        may_power: whether the supplies may be touched.
    """

    def __init__(self, bench: Bench, watch: Watch, *, may_power: bool) -> None:
        self._bench, self._watch = bench, watch
        self.power = "on" if may_power else ""
        """How the supplies were switched last; empty if they may not be touched."""
        self.floods: dict[str, str] = {}
        """Bus -> what floods it."""
        self._does: dict[str, Callable[[str], Answer]] = {
            name: getattr(self, f"_do_{name}") for name in COMMANDS if name.isalpha()
        }

    def do(self, line: str) -> Answer:
        """Do one line; an empty one and one that begins with '#' do nothing.

        Raises:
            UsageError: it can't be done; nothing has changed.
            BenchError: the bench broke.
        """
        line = line.strip()
        if not line or line.startswith("#"):
            return Answer()
        try:
            return self._act(line)
        except BenchError:
            raise
        except HilError as error:
            self._bench.wiring.recorder.first_cause = None  # a mistake at the prompt ends nothing
            raise UsageError(error.what, where=error.where, remedy=error.remedy) from None

    def _act(self, line: str) -> Answer:
        word, _, rest = line.partition(" ")
        name = _ALSO.get(word.lower(), word.lower())
        if _ASSIGNMENT.match(line) and (name == "set" or name not in COMMANDS or rest.lstrip().startswith("=")):
            return self._do_set(line)
        if name not in self._does:
            raise self._no_command(word)
        return self._does[name](rest.strip())

    def _no_command(self, word: str) -> UsageError:
        near = nearest(word, COMMANDS)
        mend = f"did you mean {near[0]}? 'help' lists all." if near else "'help' lists them; 'Signal = value' sets one."
        return UsageError(f"'{word}' is no command", remedy=mend)

    # Signals ------------------------------------------------------------------------------------------------------

    def _do_set(self, rest: str) -> Answer:
        wishes = dict(_wish(part) for part in rest.split(";") if part.strip())
        if not wishes:
            raise _misused("set")
        self._bench.set_signals(wishes)
        refs = [self._network.resolve(name) for name in wishes]
        said = ", ".join(f"{ref} = {self._sent_value(ref)}" for ref in refs)
        return Answer(said + self._why_not_sent([self._sender(ref) for ref in refs]))

    def _do_get(self, rest: str) -> Answer:
        if not rest:
            raise _misused("get")
        return Answer(self._bench.call(self._current(self._network.resolve(rest))))

    async def _current(self, ref: SignalRef) -> str:
        wiring = self._bench.wiring
        if wiring.restbus.sends(ref):
            return f"{ref} = {wiring.restbus.get(ref)}, sent by the restbus"
        last = wiring.inbox.last(ref)
        if last is None:
            return f"{ref}: its message never came"
        return f"{ref} = {last[0]}, came {show_duration(wiring.clock.now_ns - last[1])} ago"

    def _do_ramp(self, rest: str) -> Answer:
        match = _RAMP.match(rest)
        if match is None:
            raise _misused("ramp")
        name, value, during = match.groups()
        ref = self._network.resolve(name)
        before = self._sent_value(ref)
        self._bench.ramp_signal(name, value, during, wait=False)
        to = database.to_value(ref, value)
        return Answer(f"{ref}: {before} to {to} in {during}" + self._why_not_sent([self._sender(ref)]))

    def _do_drive(self, rest: str) -> Answer:
        if not rest:
            raise _misused("drive")
        return Answer(f"{rest}: takes {self._bench.drive(rest, wait=False):g} s")

    def _sent_value(self, ref: SignalRef) -> str:
        return str(self._bench.call(_at_once(lambda: self._bench.wiring.restbus.get(ref))))

    def _sender(self, ref: SignalRef) -> Sent:
        return self._bench.wiring.restbus.sent(ref.bus, ref.message.name)

    def _why_not_sent(self, messages: list[Sent]) -> str:
        if not self._bench.wiring.restbus.running:
            return " (the restbus is off: nothing is sent)"
        stopped = [sent.name for sent in messages if sent.silenced]
        return f" ({', '.join(stopped)} is not being sent)" if stopped else ""

    # Faults -------------------------------------------------------------------------------------------------------

    def _do_stop(self, rest: str) -> Answer:
        return self._silence(rest, "stop", "stopped")

    def _do_resume(self, rest: str) -> Answer:
        return self._silence(rest, "resume", "sent again")

    def _silence(self, rest: str, command: str, done: str) -> Answer:
        words = rest.split()
        if words[:1] == ["node"] and len(words) == 2:
            node = self._bench.stop_node if command == "stop" else self._bench.resume_node
            node(words[1])
            return Answer(f"node {words[1]} {done}")
        if len(words) != 1:
            raise _misused(command)
        message = self._bench.stop_message if command == "stop" else self._bench.resume_message
        found = self._sent(words[0])
        for sent in found:
            message(_name(sent))
        return Answer(f"{_names(found)} {done}" + self._still_silent(found if command == "resume" else []))

    @staticmethod
    def _still_silent(messages: list[Sent]) -> str:
        node = next((sent for sent in messages if sent.silenced), None)
        return f" (but {node.name} is still silent: {', '.join(sorted(node.silenced))})" if node else ""

    def _do_freeze(self, rest: str) -> Answer:
        message, on = self._fault_on(rest, "freeze")
        self._bench.freeze_counter(message, on)
        return Answer(f"{message}: counter {'frozen' if on else 'goes on'}")

    def _do_corrupt(self, rest: str) -> Answer:
        message, on = self._fault_on(rest, "corrupt")
        self._bench.corrupt_crc(message, on)
        return Answer(f"{message}: CRC {'wrong' if on else 'right again'}")

    def _fault_on(self, rest: str, command: str) -> tuple[str, bool]:
        words = rest.split()
        if not 1 <= len(words) <= 2 or words[1:] not in ([], ["on"], ["off"]):
            raise _misused(command)
        return words[0], words[1:] != ["off"]

    def _do_cycle(self, rest: str) -> Answer:
        message, value = _two(rest, "cycle")
        own = value.lower() in _OWN
        self._bench.set_cycle(message, None if own else value)
        return Answer(f"{message}: {'its own cycle' if own else f'every {value}'}")

    def _do_length(self, rest: str) -> Answer:
        message, value = _two(rest, "length")
        own = value.lower() in _OWN
        if not own and not value.isdecimal():
            raise _misused("length")
        self._bench.set_length(message, None if own else int(value))
        return Answer(f"{message}: {'its own length' if own else f'{value} bytes'}")

    def _do_shift(self, rest: str) -> Answer:
        message, value = _two(rest, "shift")
        self._bench.shift_message(message, value)
        self._bench.call(_at_once(lambda: self._watch.leave_out(self._sent(message))))
        return Answer(f"{message}: shifted by {value}")

    def _do_flood(self, rest: str) -> Answer:
        words = rest.split()
        if not words or len(words) > 4:
            raise _misused("flood")
        bus = words[0]
        if words[1:] == ["off"]:
            self._bench.stop_flood(bus)
            return Answer(f"{bus}: flooded no more" if self.floods.pop(bus, "") else f"{bus}: was not flooded")
        can_id, period = words[1] if len(words) > 1 else "0x000", " ".join(words[2:]) or "100 us"
        self._bench.flood(bus, can_id, period)
        self.floods[bus] = f"{can_id} every {period}"
        return Answer(f"{bus}: flooded with {self.floods[bus]}; 'flood {bus} off' ends it")

    def _do_send(self, rest: str) -> Answer:
        words = rest.split()
        if len(words) < 2:
            raise _misused("send")
        fd = words[2:3] == ["fd"]
        data = " ".join(words[3 if fd else 2 :])
        self._bench.send_frame(words[0], words[1], data, fd=fd)
        return Answer(f"{words[0]}: {words[1]} sent, {len(bytes.fromhex(data))} bytes")

    def _do_reset(self, rest: str) -> Answer:
        self._bench.call(self._reset_traffic())
        self.floods.clear()
        return Answer("every signal at its start value, every fault gone")

    async def _reset_traffic(self) -> None:
        """All but the ignition: the ECU is not to fall asleep because a fault was taken back."""
        wiring = self._bench.wiring
        section = wiring.config.ignition
        ref = None if section is None else wiring.plan.network.resolve(section.signal)
        kept = wiring.restbus.get(ref) if ref is not None and wiring.restbus.sends(ref) else None
        self._watch.leave_out(wiring.restbus.messages)
        wiring.traffic.reset()
        if ref is not None and kept is not None:
            wiring.restbus.set(ref, kept)

    # The bench ----------------------------------------------------------------------------------------------------

    def _do_ignition(self, rest: str) -> Answer:
        on = _switch(rest, "ignition")
        self._bench.ignition(on)
        return Answer(f"ignition {'on' if on else 'off'}" + self._why_not_sent([]))

    def _do_restbus(self, rest: str) -> Answer:
        on = _switch(rest, "restbus")
        self._bench.restbus(on)
        return Answer(f"restbus {'on' if on else 'off'}")

    def _do_power(self, rest: str) -> Answer:
        on = _switch(rest, "power")
        if not self.power:
            raise UsageError("the supplies are not this program's to switch", remedy="start it with --power.")
        (self._bench.power_on if on else self._bench.power_off)()
        self.power = "on" if on else "off"
        return Answer(f"supplies {self.power}")

    def _do_wake(self, rest: str) -> Answer:
        self._bench.wake_network(rest)
        return Answer("network wanted")

    def _do_sleep(self, rest: str) -> Answer:
        self._bench.release_network(rest)
        return Answer("network wanted by nobody but the real nodes")

    def _do_network(self, rest: str) -> Answer:
        number, value = _two(rest, "network")
        on = _switch(value, "network")
        if not number.isdecimal():
            raise _misused("network")
        self._bench.partial_network(int(number), on)
        return Answer(f"partial network {number} {'requested' if on else 'not requested'}")

    # What is seen -------------------------------------------------------------------------------------------------

    def _do_show(self, rest: str) -> Answer:
        return Answer(page=Page(MESSAGES, rest))

    def _do_signals(self, rest: str) -> Answer:
        return Answer(page=Page(SIGNALS, rest))

    def _do_help(self, rest: str) -> Answer:
        name = _ALSO.get(rest.lower(), rest.lower())
        if name and name not in COMMANDS:
            raise self._no_command(rest)
        return Answer(page=Page(HELP, name))

    def _do_wait(self, rest: str) -> Answer:
        if not rest:
            raise _misused("wait")
        return Answer(wait_ns=units.nanoseconds(rest))

    def _do_quit(self, rest: str) -> Answer:
        return Answer(ends=True)

    # Names --------------------------------------------------------------------------------------------------------

    @property
    def _network(self) -> database.Network:
        return self._bench.wiring.plan.network

    def _sent(self, name: str) -> list[Sent]:
        """The messages of the restbus that a name or pattern means."""
        restbus = self._bench.wiring.restbus
        if not any(sign in name for sign in "*?"):
            bus, message = self._network.message(name)
            return [restbus.sent(bus, message.name)]
        found = [sent for sent in restbus.messages if _fits(sent, name.lower())]
        if not found:
            raise UsageError(f"no message of the restbus is like '{name}'", remedy="'show' lists them.")
        return found


def _fits(sent: Sent, pattern: str) -> bool:
    return any(fnmatch.fnmatchcase(name.lower(), pattern) for name in (sent.name, _name(sent)))


def _name(sent: Sent) -> str:
    return f"{sent.bus}::{sent.name}"


def _names(messages: list[Sent]) -> str:
    names = [sent.name for sent in messages]
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"


def _wish(part: str) -> tuple[str, str]:
    """A signal and its value, from `set Signal value`, `Signal = value` or `Signal value`."""
    match = _ASSIGNMENT.match(part.strip())
    if match:
        return match[1], match[2].strip()
    name, _, value = part.strip().partition(" ")
    if not value:
        raise _misused("set")
    return name, value.strip()


def _two(rest: str, command: str) -> tuple[str, str]:
    name, _, value = rest.partition(" ")
    if not value.strip():
        raise _misused(command)
    return name, value.strip()


def _switch(rest: str, command: str) -> bool:
    if rest.lower() not in _SWITCH:
        raise _misused(command)
    return _SWITCH[rest.lower()]


def _misused(command: str) -> UsageError:
    return UsageError(f"'{command}' is not written so", remedy=f"write: {COMMANDS[command].usage}.")


async def _at_once(action: Callable[[], T]) -> T:
    """An action in the loop's thread."""
    return action()
