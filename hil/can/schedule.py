"""When the restbus sends: one deadline scheduler on the clock's agenda for all messages.

Each cyclic message has its next due time, a multiple of its cycle plus a phase of its own, so that not all are due at
once. Events (a changed or written signal) are sent at once, no closer than the message's delay time, and followed by
its fast repetitions; they don't move its cycle, and are never closer to a frame before them, whatever that was sent
for. A message that becomes active or inactive is sent at once too, and its new cycle counts from there; between two
active values its cycle is enough. At the start nothing is sent for an event: no value has changed yet. What left later
than due by more than its allowance is told to `on_late`: a verdict taken meanwhile is inconclusive.

Where a port has a broadcast manager, the kernel takes over with the first frame of a cycle that it can carry on
(`hil.can.kernel_sender`), and gives it back when it can't any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from typing import Final

from hil.can import database
from hil.can.bcm import BroadcastManager
from hil.can.kernel_sender import KernelTask, manager_for
from hil.can.sender import Sent, State
from hil.clock import Clock

_PHASE_STEP_NS: Final = 370_000
_REPEAT_NS: Final = 10_000_000
"""Distance of fast repetitions where the database has none: a usual call cycle of a communication stack."""


@dataclass(slots=True)
class Lateness:
    """A frame that left the bench too late.

    Attributes:
        what: message on bus.
        due_ns: when it should have been handed to the port.
        late_ns: by how much it was late.
        allowed_ns: what would have been fine.
    """

    what: str
    due_ns: int
    late_ns: int
    allowed_ns: int


class Scheduler:
    """Sends messages when they are due.

    Args:
        clock: bench time.
        on_late: told of each frame that left too late.
        allowed_ns: how late is still well; one cycle of the message if None.

    Attributes:
        running: whether anything is sent.
        measures_pace: whether each message's `pace` is told of its frames; a virtual clock keeps every cycle.
    """

    def __init__(self, clock: Clock, on_late: Callable[[Lateness], object], allowed_ns: int | None) -> None:
        self._clock, self._on_late, self._allowed_ns = clock, on_late, allowed_ns
        self.measures_pace = not clock.is_virtual
        self.running = False

    def start(self, messages: Iterable[Sent]) -> None:
        """Begin all cycles; phases are spread so that the messages don't all fall due together."""
        if self.running:
            return
        self.running = True
        now_ns = self._clock.now_ns
        messages = list(messages)
        for sent in messages:
            sent.release = self._take_back
        cyclic = [sent for sent in messages if sent.period_ns]
        for number, sent in enumerate(cyclic):
            self._begin(sent, now_ns + sent.traits.start_delay_ns + number * _PHASE_STEP_NS % sent.period_ns)

    def stop(self, messages: Iterable[Sent]) -> None:
        """Send nothing more."""
        self.running = False
        for sent in messages:
            self._cancel(sent)
            self.forget_event(sent)

    def _begin(self, sent: Sent, due_ns: int) -> None:
        sent.due_ns = due_ns
        sent.pace.start_anew()
        sent.timer = self._clock.call_at(due_ns, self._send_cyclic, sent)

    def _cancel(self, sent: Sent) -> None:
        if sent.timer is not None:
            sent.timer.cancel()
            sent.timer = None
        if sent.kernel is not None:
            sent.kernel.end()
            sent.kernel = None

    def _take_back(self, sent: Sent) -> None:
        """The kernel can't send what is wanted from now on: go on with the next frame that is due."""
        if sent.kernel is not None:
            due_ns = self._next_due_ns(sent, sent.period_ns)
            self._cancel(sent)
            self._begin(sent, max(self._clock.now_ns, due_ns))

    def _next_due_ns(self, sent: Sent, period_ns: int) -> int:
        """When the next cyclic frame is due; not later than a cycle from now, should bench time have begun anew."""
        if sent.timer is not None:
            return sent.timer.t_ns
        return min(sent.due_ns, self._clock.now_ns + period_ns)

    def refresh(self, sent: Sent, period_before_ns: int, *, sent_now: bool = False) -> None:
        """Its period has changed: the next frame is due one new period after the last one was, or from now."""
        if not self.running or sent.period_ns == period_before_ns:
            return
        now_ns = self._clock.now_ns
        last_due_ns = now_ns - sent.period_ns
        if sent_now:
            last_due_ns = now_ns
        elif sent.timer is not None or sent.kernel is not None:
            last_due_ns = self._next_due_ns(sent, period_before_ns) - period_before_ns
        self._cancel(sent)
        if sent.period_ns:
            self._begin(sent, max(now_ns, last_due_ns + sent.period_ns))

    def shift(self, sent: Sent, delay_ns: int) -> None:
        """Move its phase: the next cyclic frame, and all after it, come `delay_ns` later."""
        if sent.timer is not None or sent.kernel is not None:
            due_ns = self._next_due_ns(sent, sent.period_ns) + delay_ns
            self._cancel(sent)
            self._begin(sent, due_ns)

    def _send_cyclic(self, sent: Sent) -> None:
        now_ns = self._clock.now_ns
        timer = sent.timer
        due_ns = sent.due_ns if timer is None else timer.t_ns  # not what was asked for, if bench time began anew since
        if not sent.silenced:
            if now_ns > due_ns or self.measures_pace:
                self._measure(sent, due_ns, now_ns)
            manager = manager_for(sent)
            if manager is not None:
                self._give_to_kernel(sent, manager, now_ns)
                return
            self.emit(sent, now_ns)
            if sent.is_owed:
                self._settle_event(sent, now_ns)
        period_ns = sent.period_ns
        if not period_ns:  # a curve has just ended what made it active
            sent.timer = None
            return
        due_ns += period_ns
        if due_ns <= now_ns:
            due_ns += (now_ns - due_ns) // period_ns * period_ns + period_ns
        sent.due_ns = due_ns
        if timer is None:
            sent.timer = self._clock.call_at(due_ns, self._send_cyclic, sent)
        else:
            self._clock.call_again(timer, due_ns)

    def _give_to_kernel(self, sent: Sent, manager: BroadcastManager, now_ns: int) -> None:
        """From this frame on the kernel sends; it sends this one at once."""
        sent.timer = None
        sent.due_ns = now_ns + sent.period_ns
        sent.kernel = KernelTask(sent, manager, self._note_lateness, self._settle_event)
        self._settle_event(sent, now_ns)

    def _settle_event(self, sent: Sent, now_ns: int) -> None:
        """A cyclic frame has told what an event was waiting to tell."""
        if sent.is_owed:
            self._cancel_event(sent)
            self._repeat(sent, now_ns)

    def emit(self, sent: Sent, now_ns: int) -> None:
        """Hand one frame to the port, or have the kernel send its next one now."""
        if sent.kernel is not None:
            sent.kernel.announce()
            return
        if sent.curves:
            self.follow(sent, now_ns)
        sent.port.send(sent.can_id, sent.next_data(), sent.flags)
        sent.count += 1
        sent.last_ns = now_ns
        if sent.on_sent:
            told, sent.on_sent = sent.on_sent, []
            for tell in told:
                tell(sent)

    def follow(self, sent: Sent, now_ns: int) -> None:
        """Take the values of its curves at this instant; a curve that has ended leaves its last value."""
        ended = [name for name, curve in sent.curves.items() if curve.end_ns <= now_ns]
        new = {name: database.raw_of(sent.message, name, curve.at(now_ns)) for name, curve in sent.curves.items()}
        for name in ended:
            del sent.curves[name]
        sent.use(sent.values | new)

    def settle(self, sent: Sent) -> None:
        """Take the values of its curves now; a frame carries them at once only if they end or begin its activity."""
        before = sent.state
        if sent.curves:
            self.follow(sent, self._clock.now_ns)
        self._follow_activity(sent, before, before.is_active != sent.is_active, sent.traits.while_active)

    def _measure(self, sent: Sent, due_ns: int, now_ns: int) -> None:
        """A frame of the cycle is about to leave."""
        if self.measures_pace:
            sent.pace.frame(now_ns, sent.period_ns)
        if now_ns > due_ns:
            self._note_lateness(sent, due_ns, now_ns - due_ns)

    def _note_lateness(self, sent: Sent, due_ns: int, late_ns: int) -> None:
        sent.worst_late_ns = max(sent.worst_late_ns, late_ns)
        allowed_ns = sent.period_ns if self._allowed_ns is None else self._allowed_ns
        if late_ns > allowed_ns:
            self._on_late(Lateness(f"{sent.name} on {sent.bus}", due_ns, late_ns, allowed_ns))

    # Events -------------------------------------------------------------------------------------------------------

    def tell(self, sent: Sent, before: State, written: Set[str]) -> None:
        """Signals were written: send the message if that is an event, and let its cycle follow its activity."""
        traits, values, old = sent.traits, sent.values, before.values
        changed = {name for name in written if values[name] != old[name]}
        causes: Set[str] = (traits.on_write & written) | (traits.on_change & changed)
        if traits.while_active and sent.is_active != before.is_active:
            causes |= traits.while_active & changed
        self._follow_activity(sent, before, bool(causes), causes)

    def tell_one(self, sent: Sent, name: str, has_changed: bool) -> None:
        """`tell` of one signal of a message that no signal makes active."""
        traits = sent.traits
        if (name in traits.on_write or (has_changed and name in traits.on_change)) and not sent.silenced:
            self.trigger(sent, repeat=name in traits.repeated)

    def _follow_activity(self, sent: Sent, before: State, is_event: bool, causes: Set[str]) -> None:
        is_sent = is_event and not sent.silenced
        if sent.period_ns != before.period_ns:
            self.refresh(sent, before.period_ns, sent_now=is_sent)
        if is_sent:
            self.trigger(sent, repeat=bool(causes & sent.traits.repeated))

    def trigger(self, sent: Sent, *, repeat: bool) -> None:
        """Send it now for an event, or as soon as its delay time allows; then its fast repetitions.

        Repetitions of an earlier event go on if this one has none of its own; it takes the place of one of them.
        """
        if not self.running:
            return
        if repeat:
            sent.repeats = sent.traits.repetitions
        if sent.repeat_timer is not None:
            self._cancel_event(sent)
        self._send_event(sent)

    def forget_event(self, sent: Sent) -> None:
        """Send nothing more for the events so far."""
        self._cancel_event(sent)
        sent.repeats, sent.is_owed = 0, False

    def _cancel_event(self, sent: Sent) -> None:
        if sent.repeat_timer is not None:
            sent.repeat_timer.cancel()
            sent.repeat_timer = None

    def _send_event(self, sent: Sent) -> None:
        now_ns = self._clock.now_ns
        sent.repeat_timer = None
        gap_ns = sent.traits.min_gap_ns
        if gap_ns and 0 <= now_ns - sent.last_ns < gap_ns:  # negative: bench time began anew since the last frame
            sent.is_owed = True
            sent.repeat_timer = self._clock.call_at(sent.last_ns + gap_ns, self._send_event, sent)
            return
        if not sent.silenced:
            before_ns = sent.period_ns
            self.emit(sent, now_ns)
            if sent.period_ns != before_ns:
                self.refresh(sent, before_ns)
        self._repeat(sent, now_ns)

    def _repeat(self, sent: Sent, now_ns: int) -> None:
        """An event has been sent: go on with its fast repetitions."""
        sent.is_owed = False
        if sent.repeats:
            sent.repeats -= 1
            traits = sent.traits
            distance_ns = traits.fast_ns or traits.min_gap_ns or traits.cycle_ns or _REPEAT_NS
            sent.repeat_timer = self._clock.call_at(now_ns + distance_ns, self._send_event, sent)
