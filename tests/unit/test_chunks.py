"""The MCAP writer against the mcap library: its writer given the same calls, its readers given our files."""

import errno
import io
import random
import struct

import pytest
import zstandard
from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.reader import make_reader
from mcap.records import (
    Attachment,
    AttachmentIndex,
    Chunk,
    ChunkIndex,
    Message,
    MessageIndex,
    Metadata,
    MetadataIndex,
    Schema,
    Statistics,
    SummaryOffset,
)
from mcap.stream_reader import StreamReader
from mcap.writer import CompressionType, Writer

from hil.chunks import HEAD, HEAD_BYTES, MESSAGE, ChunkWriter, pack_message

LIBRARY_LEVEL = 3
"""zstd's level that the mcap library's writer leaves at its default."""
CALLS = 400


class Ours:
    """Our writer behind the names of the library's, so that both take one sequence of calls."""

    def __init__(self, file, level):
        self.writer, self.lanes = ChunkWriter(file, library="test", level=level), {}
        self.register_schema, self.flush, self.finish = self.writer.schema, self.writer.flush, self.writer.finish
        self.add_metadata = self.writer.metadata

    def register_channel(self, topic, encoding, schema_id):
        lane = self.writer.lane(topic, encoding, schema_id)
        self.lanes[lane.id] = lane
        return lane.id

    def add_message(self, channel, log_time, data, publish_time):
        assert publish_time == log_time
        self.writer.add(self.lanes[channel], log_time, pack_message(self.lanes[channel], log_time, data))

    def add_attachment(self, create_time, log_time, name, media_type, data):
        assert create_time == log_time == 0
        self.writer.attach(name, media_type, data)


def theirs(file):
    writer = Writer(file, chunk_size=1 << 30, compression=CompressionType.ZSTD)
    writer.start(profile="", library="test")
    return writer


def call_at_random(writer, seed):
    """Stamps go back at times, as records of an earlier instant do."""
    rng, channels, t_ns = random.Random(seed), [], rng_start(seed)
    for number in range(CALLS):
        if number % 80 == 0:
            schema = writer.register_schema(f"schema{number}", "ros2msg", rng.randbytes(rng.randrange(200)))
            channels += [writer.register_channel(f"/topic/ä{number}/{n}", "cdr", schema) for n in range(3)]
        t_ns += rng.choice((0, 1, 520_000, -400_000, 10**9))
        writer.add_message(rng.choice(channels), t_ns, rng.randbytes(rng.choice((0, 1, 8, 64, 3000))), t_ns)
        if rng.random() < 0.05:
            writer.flush()
        if rng.random() < 0.03:
            writer.add_attachment(0, 0, f"ö{number}.dbc", "text/plain", rng.randbytes(rng.randrange(500)))
        if rng.random() < 0.03:
            writer.add_metadata(f"facts{number}", {"name": "vehiclé", "number": str(number)})
    writer.finish()


def rng_start(seed):
    return 10**12 + seed


def ours_at_random(seed, level=LIBRARY_LEVEL):
    file = io.BytesIO()
    call_at_random(Ours(file, level), seed)
    return file.getvalue()


def theirs_at_random(seed):
    file = io.BytesIO()
    call_at_random(theirs(file), seed)
    return file.getvalue()


def reader_of(file):
    return make_reader(io.BytesIO(file.getvalue()), validate_crcs=True)


def records(data, **options):
    return list(StreamReader(io.BytesIO(data), validate_crcs=True, **options).records)


def messages(data, **query):
    found = make_reader(io.BytesIO(data), validate_crcs=True).iter_messages(**query)
    return [(schema.name, channel.topic, message.log_time, message.data) for schema, channel, message in found]


# What is written ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_the_file_is_that_of_the_librarys_writer(seed):
    """Every record, also chunks, indexes, offsets, statistics and checksums."""
    assert records(ours_at_random(seed), emit_chunks=True) == records(theirs_at_random(seed), emit_chunks=True)


def test_at_its_own_level_the_content_is_that_of_the_librarys_writer():
    kinds = (Message, Attachment, Metadata, Schema, Statistics)
    ours, their = records(ours_at_random(7, level=1)), records(theirs_at_random(7))
    assert [r for r in ours if isinstance(r, kinds)] == [r for r in their if isinstance(r, kinds)]


@pytest.mark.parametrize("order", [{}, {"reverse": True}, {"log_time_order": False}])
def test_the_indexed_reader_finds_all_messages(order):
    found = messages(ours_at_random(1), **order)
    assert len(found) == CALLS
    assert found == messages(theirs_at_random(1), **order)


def test_the_indexed_reader_finds_a_span_of_time_and_topics():
    data = ours_at_random(2)
    everything = messages(data)
    begin, end = everything[CALLS // 3][2], everything[CALLS // 2][2]
    topics = {"/topic/ä0/1", "/topic/ä80/2"}
    wanted = [m for m in everything if begin <= m[2] < end and m[1] in topics]
    assert wanted
    assert messages(data, topics=topics, starting_at=begin, ending_before=end) == wanted


def test_a_chunk_that_is_outside_a_span_of_time_is_not_even_read():
    file = io.BytesIO()
    writer = ChunkWriter(file, library="test")
    lane = writer.lane("/can/a", "cdr", writer.schema("S", "ros2msg", b""))
    for t_ns in (5, 3, 4, 12, 11, 13):  # out of order: first and last of a chunk are not its bounds
        writer.add(lane, t_ns, pack_message(lane, t_ns, b""))
        if t_ns == 4:
            writer.flush()
    writer.finish()
    indexes = reader_of(file).get_summary().chunk_indexes
    assert [(index.message_start_time, index.message_end_time) for index in indexes] == [(3, 5), (11, 13)]


def test_attachments_and_metadata_are_found_over_their_indexes():
    data = ours_at_random(3)
    reader, plain = make_reader(io.BytesIO(data)), records(data)
    assert list(reader.iter_attachments()) == [r for r in plain if isinstance(r, Attachment)] != []
    assert list(reader.iter_metadata()) == [r for r in plain if isinstance(r, Metadata)] != []


def test_statistics_say_what_is_in_the_file():
    plain = records(ours_at_random(4))
    statistics = next(r for r in plain if isinstance(r, Statistics))
    written = [r for r in plain if isinstance(r, Message)]
    assert statistics.message_count == len(written) == CALLS
    assert statistics.message_start_time == min(r.log_time for r in written)
    assert statistics.message_end_time == max(r.log_time for r in written)
    counts = {id_: sum(r.channel_id == id_ for r in written) for id_ in {r.channel_id for r in written}}
    assert statistics.channel_message_counts == counts
    assert statistics.channel_count == 15
    assert statistics.schema_count == 5
    assert statistics.attachment_count == sum(isinstance(r, AttachmentIndex) for r in plain)
    assert statistics.metadata_count == sum(isinstance(r, MetadataIndex) for r in plain)
    assert statistics.chunk_count == sum(isinstance(r, ChunkIndex) for r in plain)


def test_each_entry_of_a_message_index_points_at_its_message():
    """Foxglove goes this way; the library's own reader doesn't."""
    data, found = ours_at_random(5), 0
    for index in make_reader(io.BytesIO(data)).get_summary().chunk_indexes:
        chunk = Chunk.read(ReadDataStream(io.BytesIO(data[index.chunk_start_offset + 9 :])))
        inside = zstandard.decompress(chunk.data)
        for channel, offset in index.message_index_offsets.items():
            assert data[offset] == Opcode.MESSAGE_INDEX
            for t_ns, at in MessageIndex.read(ReadDataStream(io.BytesIO(data[offset + 9 :]))).records:
                assert struct.unpack_from("<BQHIQQ", inside, at)[::2] == (Opcode.MESSAGE, channel, t_ns)
                found += 1
    assert found == CALLS


def test_groups_of_the_summary_are_where_their_offsets_say():
    data = ours_at_random(6)
    for offset in (r for r in records(data) if isinstance(r, SummaryOffset)):
        group, codes = data[offset.group_start :][: offset.group_length], set()
        while group:
            codes.add(group[0])
            group = group[9 + struct.unpack_from("<Q", group, 1)[0] :]
        assert codes == {offset.group_opcode}


def test_a_record_packed_in_one_call_is_that_of_two():
    lane = ChunkWriter(io.BytesIO(), library="test").lane("/a", "cdr", 0)
    one = struct.pack(HEAD + "I", MESSAGE, HEAD_BYTES + 4, lane.id, 0, 9, 9, 77)
    assert one == pack_message(lane, 9, struct.pack("<I", 77))


def test_a_file_without_messages_is_whole():
    file = io.BytesIO()
    writer = ChunkWriter(file, library="test")
    writer.lane("/never", "cdr", writer.schema("S", "ros2msg", b""))
    writer.flush()
    assert len(file.getvalue()) > 0, "the header of a file that dies at once"
    writer.finish()
    summary = reader_of(file).get_summary()
    assert [channel.topic for channel in summary.channels.values()] == ["/never"]
    assert summary.statistics.message_count == summary.statistics.chunk_count == 0


# Where the disk is full -----------------------------------------------------------------------------------------------


class Disk(io.BytesIO):
    """A raw file on a disk with room for `room` bytes. A write that doesn't fit takes what fits; the next one fails."""

    room = 1 << 30
    interrupted = False

    def write(self, data):
        fits = min(len(data), self.room - self.tell())
        if fits <= 0 or self.interrupted:
            super().write(data[: len(data) // 2])
            raise KeyboardInterrupt if self.interrupted else OSError(errno.ENOSPC, "No space left on device")
        return super().write(data[:fits])


def write_stubbornly(disk, room):
    """Three chunks, an attachment and metadata while there is little room, a fourth when there is again."""
    writer, lost = ChunkWriter(disk, library="test"), 0
    lane = writer.lane("/can/a", "cdr", writer.schema("S", "ros2msg", b"uint32 id"))
    late = None
    disk.room = room
    for chunk in range(4):
        if chunk == 3:
            disk.room = 1 << 30
        late = late or (writer.lane("/can/late", "cdr", 1) if chunk else None)
        for t_ns in range(10 * chunk, 10 * chunk + 10):
            to = late if late and t_ns % 2 else lane
            writer.add(to, t_ns, pack_message(to, t_ns, bytes(8)))
        for act in (lambda: writer.attach("a", "text/plain", b"attached"), lambda: writer.metadata("m", {"k": "v"})):
            lost += not succeeds(act)
        lost += not succeeds(writer.flush)
    writer.finish()
    return lost


def succeeds(act):
    try:
        act()
    except OSError:
        return False
    return True


ROOMS = range(0, 1500, 11)


@pytest.mark.parametrize("room", ROOMS)
def test_wherever_the_disk_is_full_the_file_stays_whole(room):
    disk = Disk()
    lost = write_stubbornly(disk, room)
    found = [message[2] for message in messages(disk.getvalue())]
    chunks = [found[at : at + 10] for at in range(0, len(found), 10)]
    assert all(chunk == list(range(chunk[0], chunk[0] + 10)) for chunk in chunks), "a chunk is whole or lost"
    assert chunks[-1][0] == 30, "after the room came back"
    plain = records(disk.getvalue())
    assert sum(isinstance(r, Message) for r in plain) == len(found)
    statistics = next(r for r in plain if isinstance(r, Statistics))
    kept = statistics.chunk_count + statistics.attachment_count + statistics.metadata_count
    assert statistics.message_count == len(found)
    assert kept + lost == 12
    assert len(list(reader_of(disk).iter_attachments())) == statistics.attachment_count
    assert len(list(reader_of(disk).iter_metadata())) == statistics.metadata_count


def test_the_rooms_above_are_from_nothing_to_more_than_enough():
    assert write_stubbornly(Disk(), ROOMS[0]) == 9, "all of three rounds"
    assert write_stubbornly(Disk(), ROOMS[-1]) == 0


def test_a_write_that_failed_gives_its_room_back():
    disk = Disk()
    writer = ChunkWriter(disk, library="test")
    writer.attach("a", "text/plain", b"attached")
    before = disk.getvalue()
    disk.room = len(before) + 50
    with pytest.raises(OSError, match="No space"):
        writer.attach("b", "text/plain", bytes(1000))
    assert disk.getvalue() == before


def test_definitions_that_were_lost_are_said_again():
    disk = Disk()
    disk.room = 0
    writer = ChunkWriter(disk, library="test")
    lane = writer.lane("/can/a", "cdr", writer.schema("S", "ros2msg", b""))
    writer.add(lane, 1, pack_message(lane, 1, b"lost"))
    with pytest.raises(OSError, match="No space"):
        writer.flush()
    disk.room = 1 << 30
    writer.add(lane, 2, pack_message(lane, 2, b"kept"))
    writer.flush()
    in_order = records(disk.getvalue() + end_of_a_file())
    assert [type(record).__name__ for record in in_order][:4] == ["Header", "Schema", "Channel", "Message"]


def end_of_a_file():
    file = io.BytesIO()
    writer = ChunkWriter(file, library="test")
    writer.flush()
    header = len(file.getvalue())
    writer.finish()
    return file.getvalue()[header:]


def test_an_interrupt_in_the_middle_of_a_write_leaves_no_half_record():
    disk = Disk()
    writer = ChunkWriter(disk, library="test")
    lane = writer.lane("/can/a", "cdr", writer.schema("S", "ros2msg", b""))
    writer.add(lane, 1, pack_message(lane, 1, b"lost"))
    disk.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        writer.flush()
    disk.interrupted = False
    writer.add(lane, 2, pack_message(lane, 2, b"kept"))
    writer.finish()
    assert [message[2:] for message in messages(disk.getvalue())] == [(2, b"kept")]


def test_a_file_that_takes_nothing_is_an_error_not_an_endless_loop():
    class Nothing(io.BytesIO):
        def write(self, data):
            return 0

    with pytest.raises(OSError, match="takes nothing"):
        ChunkWriter(Nothing(), library="test").flush()
