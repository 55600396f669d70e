"""Texts that go over the bus in pages of six characters, as the vehicle sends roads, titles and callers.

Rules of this module: latin-1, six characters a page, the first in the highest byte; a text that is shorter than all its
pages ends with zeros.
"""

CHARACTERS = 6


def pages_of(text: str, most: int) -> list[int]:
    """The pages of a text as raw values.

    Args:
        text: what is sent.
        most: how many pages the message has.
    """
    data = text.encode("latin-1")
    if len(data) > CHARACTERS * most:
        raise ValueError(f"'{text}' is longer than {CHARACTERS * most} characters")
    if len(data) < CHARACTERS * most:
        data += b"\0"
    data += b"\0" * (-len(data) % CHARACTERS)
    return [int.from_bytes(data[at : at + CHARACTERS], "big") for at in range(0, len(data), CHARACTERS)]


def page_signals(text: str, most: int, page: str, name: str) -> list[dict[str, str]]:
    """For each page of a text the signals that carry it: the page's number and its characters."""
    raws = pages_of(text, most)
    return [{page: str(number), f"{name}{number + 1}": f"raw {raw}"} for number, raw in enumerate(raws)]
