"""A file's bytes, kept compressed and read piece by piece, so that memory doesn't grow with it. Pure."""

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PIECE = 128 * 1024  # bytes


@dataclass(frozen=True)
class FileContent:
    """The bytes of a file; a list takes a fifth of them here. `packed`: by zlib."""

    packed: bytes

    def open(self) -> io.BufferedReader:
        """A stream of the bytes, from the first."""
        return io.BufferedReader(_Unpacking(self.packed), PIECE)

    def read_start(self, length: int) -> bytes:
        """The first bytes."""
        return self.open().read(length)

    def read_whole(self) -> bytes:
        """All bytes, for what can't be read piece by piece."""
        return b"".join(self.read_pieces())

    def read_pieces(self) -> Iterator[bytes]:
        """All bytes, in pieces."""
        stream = self.open()
        while piece := stream.read(PIECE):
            yield piece


def pack_file(data: bytes) -> FileContent:
    """Compress a file's bytes."""
    return FileContent(zlib.compress(data))


class _Unpacking(io.RawIOBase):
    """What zlib packed, as a stream."""

    def __init__(self, packed: bytes) -> None:
        self._packed = memoryview(packed)
        self._unpacker = zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, room: "WriteableBuffer", /) -> int:
        view = memoryview(room)
        while not self._unpacker.eof:
            waiting = self._unpacker.unconsumed_tail
            if not waiting:
                waiting, self._packed = bytes(self._packed[:PIECE]), self._packed[PIECE:]
            piece = self._unpacker.decompress(waiting, len(view))
            view[: len(piece)] = piece
            if piece:
                return len(piece)
            if not waiting:
                raise EOFError("the packed bytes are cut off")
        return 0
