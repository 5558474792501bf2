"""Lists that keep their items compressed, so that a file of 100,000 rows takes little memory. Pure.

Who goes through such a list has one chunk of it in memory at a time. What was taken out of it is a copy.
"""

import pickle
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from operator import attrgetter
from typing import Any, Generic, TypeVar, overload

CHUNK = 200  # items that are packed together
QUICKLY = 1  # zlib's level
T = TypeVar("T")


class PackedList(Sequence[T], Generic[T]):
    """A list to which items are added at its end, and which is read from its start to its end.

    To read the first items is quick; to read one further down takes as long as to read all before it.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, items: Iterable[T] = (), *, chunk: int = CHUNK) -> None:
        self._chunk = chunk
        self._packed: list[bytes] = []
        self._open: list[T] = []
        self._length = 0
        self.extend(items)
        self.pack()

    def append(self, item: T) -> None:
        """Add an item, which must not be changed any more."""
        self._open.append(item)
        self._length += 1
        if len(self._open) >= self._chunk:
            self.pack()

    def extend(self, items: Iterable[T]) -> None:
        """Add items, as append() does."""
        for item in items:
            self.append(item)

    def pack(self) -> None:
        """Compress what was added last, too. To be called when a list is whole."""
        if self._open:
            self._packed.append(zlib.compress(pickle.dumps(self._open, pickle.HIGHEST_PROTOCOL), QUICKLY))
            self._open = []

    def take_all(self) -> Iterator[T]:
        """Go through the list, and let go of each item. To be read to the end; the list is empty then."""
        packed, rest, self._packed, self._open, self._length = self._packed[::-1], self._open, [], [], 0
        while packed:
            yield from _unpack(packed.pop())
        yield from rest

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        for chunk in self._packed:
            yield from _unpack(chunk)
        yield from self._open

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[T]: ...
    def __getitem__(self, at: int | slice) -> T | Sequence[T]:
        if isinstance(at, slice):
            start, stop, step = at.indices(self._length)
            return tuple(self)[at] if step < 0 else tuple(islice(self, start, stop, step))
        if not -self._length <= at < self._length:
            raise IndexError(at)
        return next(islice(self, at % self._length, None))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(mine == its for mine, its in zip(self, other, strict=True))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._length}>"


def _unpack(chunk: bytes) -> Any:
    return pickle.loads(zlib.decompress(chunk))  # noqa: S301 - packed above, by this process


class SeenKeys:
    """Which of very many keys were seen: 8 bytes for each, since only hashes are kept.

    Of 100,000 keys one that wasn't seen is taken for one of them with a chance of 1 in 10^14.
    """

    def __init__(self) -> None:
        self._hashes = array("q")
        self._is_sorted = True

    def add(self, key: Hashable) -> None:
        self._hashes.append(hash(key))
        self._is_sorted = False

    def __contains__(self, key: Hashable) -> bool:
        if not self._is_sorted:
            self._hashes = array("q", sorted(self._hashes))
            self._is_sorted = True
        at = bisect_left(self._hashes, hash(key))
        return at < len(self._hashes) and self._hashes[at] == hash(key)


def reduce_to_fields(record: Any) -> tuple[type, tuple[Any, ...]]:
    """The `__reduce__` of a dataclass with two slots or more: to pack it takes half of the usual time."""
    return type(record), _fields_of(record.__slots__)(record)


@cache
def _fields_of(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    return attrgetter(*names)
