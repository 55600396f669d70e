"""A call that is driven by hand: what a coroutine finds in it, and how it ends, are as in a task of asyncio's."""

import asyncio
import contextvars

import pytest

from hil.call import Call

WORD = contextvars.ContextVar("word", default="outside")


@pytest.fixture
def loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def by_hand(loop, main, meanwhile=lambda call: None):
    """Drive a call; `meanwhile` is told of it whenever it waits."""
    call = Call(main, loop)
    asyncio._set_running_loop(loop)
    try:
        while True:
            try:
                waits_for = call.step()
            except StopIteration as end:
                return end.value
            meanwhile(call)
            while not waits_for.done():
                asyncio._set_running_loop(None)
                loop.call_soon(loop.stop)
                loop.run_forever()
                asyncio._set_running_loop(loop)
    finally:
        asyncio._set_running_loop(None)


def by_task(loop, main, meanwhile=lambda task: None):
    """The same with a task."""
    task = loop.create_task(main)
    while not task.done():
        loop.call_soon(loop.stop)
        loop.run_forever()
        if not task.done():
            meanwhile(task)
    return task.result()


@pytest.fixture(params=[by_hand, by_task])
def drive(request):
    return request.param


async def nap(seconds=0.001):
    await asyncio.sleep(seconds)  # noqa: TID251  # a turn of the loop, no bench
    return "napped"


def test_its_result_is_that_of_the_coroutine(loop, drive):
    assert drive(loop, nap()) == "napped"
    assert drive(loop, nap(0)) == "napped"


def test_what_the_coroutine_raises_reaches_the_caller(loop, drive):
    async def fail():
        await nap()
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        drive(loop, fail())


def test_what_it_waits_for_may_fail(loop, drive):
    async def fail():
        raise LookupError("gone")

    async def main():
        try:
            await asyncio.ensure_future(fail())
        except LookupError:
            return "caught"

    assert drive(loop, main()) == "caught"


def test_the_context_of_the_caller_is_read_and_left_alone(loop, drive):
    async def main():
        before = WORD.get()
        WORD.set("inside")
        await nap()
        return before, WORD.get()

    assert drive(loop, main()) == ("outside", "inside")
    assert WORD.get() == "outside"


def test_other_tasks_are_current_while_they_run_and_the_call_before_and_after(loop, drive):
    async def other():
        return asyncio.current_task()

    async def main():
        before, task = asyncio.current_task(), asyncio.ensure_future(other())
        return before, await task, task, asyncio.current_task()

    before, inside, task, after = drive(loop, main())
    assert before is after is not None
    assert inside is task is not before


def test_a_time_out_inside_ends_what_it_is_about_and_no_more(loop, drive):
    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await nap(60)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(nap(60), 0.001)
        await nap()
        return asyncio.current_task().cancelling()

    assert drive(loop, main()) == 0


def test_a_group_ends_with_its_first_failure(loop, drive):
    async def fail():
        await nap()
        raise LookupError("gone")

    async def together():
        async with asyncio.TaskGroup() as group:
            group.create_task(nap(60))
            group.create_task(fail())

    async def main():
        with pytest.raises(ExceptionGroup):
            await together()
        return await nap()

    assert drive(loop, main()) == "napped"


@pytest.mark.parametrize("is_caught", [False, True])
def test_cancelled_while_it_waits(loop, drive, is_caught):
    cleaned, inner = [], []

    async def main():
        task = asyncio.ensure_future(nap(60))
        inner.append(task)
        try:
            await task
        except asyncio.CancelledError:
            if not is_caught:
                raise
        finally:
            cleaned.append(await nap())
        return "went on"

    done = []
    try:
        done.append(drive(loop, main(), lambda one: one.cancelling() or one.cancel()))
    except asyncio.CancelledError:
        done.append("cancelled")
    assert done == ["went on" if is_caught else "cancelled"]
    assert cleaned == ["napped"]
    assert inner[0].cancelled()


def test_cancelled_by_itself_it_ends_where_it_waits_next(loop, drive):
    reached, inner = [], []

    async def main():
        asyncio.current_task().cancel()
        reached.append("not at once")
        inner.append(asyncio.ensure_future(nap()))
        await inner[0]
        reached.append("never")

    with pytest.raises(asyncio.CancelledError):
        drive(loop, main())
    assert reached == ["not at once"]
    assert inner[0].cancelled()


def test_one_that_has_ended_is_not_cancelled(loop):
    async def main():
        return asyncio.current_task()

    call = by_hand(loop, main())
    assert call.done()
    assert not call.cancel()


def test_one_that_is_abandoned_cleans_up_in_the_loop(loop):
    cleaned, inner = [], []

    async def main():
        inner.append(asyncio.ensure_future(nap(60)))
        try:
            await inner[0]
        finally:
            cleaned.append(await nap())

    def abandon(call):
        call.abandon()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        by_hand(loop, main(), abandon)
    assert cleaned == []
    while not cleaned:
        loop.run_until_complete(nap())
    assert inner[0].cancelled()


def test_one_that_never_began_leaves_nothing_behind(loop):
    main = nap()
    Call(main, loop).close()
    with pytest.raises(RuntimeError, match="already"):
        main.send(None)
