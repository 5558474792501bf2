"""Blocks of rows that are judged and planned together, so that a file's rows are never all in memory.

All rows that could be of one patient, or about one appointment, are in one block: those with the same id of
either, leading zeros aside, those with the same name and number, and of those that have a time and a last
name or number in common all if one of them cancels. Pure: no database.
"""

from array import array
from collections.abc import Collection, Iterator, Sequence

from contacts.imports.identity import fold_letters, fold_name_words, plain_id
from contacts.imports.packed_lists import PackedList, SeenKeys
from contacts.imports.rows import RowResult
from contacts.imports.status_words import CANCELLED

BLOCK_ROWS = 2000  # unless more belong together
FEW = 50  # rows of a block that wait to be packed while the rows are divided; there may be 100 blocks
LONGEST_PARTICLE = 3  # letters: van, de, la, which many names have
KEYS_AT_ONCE = 50_000  # so many are looked up in one dictionary


class RowBlocks:
    """The results of all rows of a file, in blocks; those of a block are in the order of the file.

    `appointment_ids`, `patient_ids`: of all of them; `lacks_patient_ids`: some row has none.
    """

    def __init__(self) -> None:
        self.appointment_ids, self.patient_ids = SeenKeys(), SeenKeys()
        self.lacks_patient_ids = False
        self._rows: PackedList[RowResult] = PackedList()
        self._keys, self._rows_of_keys = array("q"), array("I")
        self._cancelled: set[int] = set()  # what _list_times() says of rows that cancel
        self._blocks: list[PackedList[RowResult]] = []

    def __len__(self) -> int:
        """The number of rows."""
        return len(self._rows) + sum(map(len, self._blocks))

    def add(self, result: RowResult) -> None:
        """Add the next row of the file, without what is no id."""
        if result.appointment_id:
            self.appointment_ids.add(result.appointment_id)
        if result.row and result.row.patient_id:
            self.patient_ids.add(result.row.patient_id)
        elif result.row:
            self.lacks_patient_ids = True
        for key in _list_keys(result):
            self._keys.append(key)
            self._rows_of_keys.append(len(self._rows))
        if result.cancels or (result.row and result.row.status == CANCELLED):
            self._cancelled.update(_list_times(result))
        self._rows.append(result)

    def divide(self) -> None:
        """Cut the rows into blocks. To be called when all rows are added."""
        if self._cancelled and len(self._rows) > BLOCK_ROWS:
            for number, result in enumerate(self._rows):
                for key in self._cancelled.intersection(_list_times(result)):
                    self._keys.append(key)
                    self._rows_of_keys.append(number)
        places = _place_in_blocks(_join_rows(len(self._rows), self._keys, self._rows_of_keys))
        self._keys, self._rows_of_keys = array("q"), array("I")
        self._blocks = [PackedList(chunk=FEW) for _ in range(max(places, default=-1) + 1)]
        for result, place in zip(self._rows.take_all(), places, strict=True):
            self._blocks[place].append(result)
        for block in self._blocks:
            block.pack()

    @property
    def is_divided(self) -> bool:
        """Whether there is more than one block."""
        return len(self._blocks) > 1

    def join_lines(self, together: Sequence[Collection[int]]) -> None:
        """Cut the rows into blocks anew, so that the rows in these lines are in one block too, with all that
        belong to them. `together`: lines that belong together, by group.
        """
        if not together:
            return
        lines = sorted(result.line for block in self._blocks for result in block)
        numbers = {line: number for number, line in enumerate(lines)}
        keys, rows = array("q"), array("I")
        for block in self._blocks:
            for result in block:
                for key in (*_list_keys(result), *self._cancelled.intersection(_list_times(result))):
                    keys.append(key)
                    rows.append(numbers[result.line])
        for group, some in enumerate(together):
            for line in some:
                keys.append(hash(("lines", group)))
                rows.append(numbers[line])
        places = _place_in_blocks(_join_rows(len(lines), keys, rows))
        moved: list[PackedList[RowResult]] = [PackedList(chunk=FEW) for _ in range(max(places) + 1)]
        for block in self._blocks:
            for result in block.take_all():
                moved[places[numbers[result.line]]].append(result)
        self._blocks = [
            PackedList(sorted(block.take_all(), key=lambda each: each.line), chunk=FEW) for block in moved
        ]

    def __iter__(self) -> Iterator[list[RowResult]]:
        """Each block, the one with the first row of the file first."""
        for block in self._blocks:
            yield list(block)


def _list_keys(result: RowResult) -> Iterator[int]:
    """Hashes of what a row has in common with others of its patient or appointment.

    Two rows of different people can have the same hash by chance: then they are in one block, and no more.
    """
    if result.appointment_id:
        yield hash(("appointment", plain_id(result.appointment_id)))
    if result.beside:
        yield hash(("appointment", plain_id(result.beside)))
    row = result.row or result.partial
    if row is None:
        return
    if row.patient_id:
        yield hash(("patient", plain_id(row.patient_id)))
    name = fold_letters(row.first_name), fold_letters(row.last_name)
    numbers = {number.e164 for number in (row.mobile, row.home) if number}
    for number in numbers or {""}:
        yield hash((*name, number))


def _list_times(result: RowResult) -> Iterator[int]:
    """Hashes of the row's time with each of its numbers, the last name, and each longer word of it."""
    row = result.row or result.partial
    if row is None:
        return
    numbers = {number.e164 for number in (row.mobile, row.home) if number}
    words = {word for word in fold_name_words(row.last_name) if len(word) > LONGEST_PARTICLE}
    for name_or_number in numbers | words | {fold_letters(row.last_name)} - {""}:
        yield hash((row.local_start, name_or_number))


def _join_rows(count: int, keys: Sequence[int], rows: Sequence[int]) -> "array[int]":
    """The first row of those that belong together, for each row. `keys`: of the `rows` beside them."""
    joined = array("I", range(count))
    slices = len(keys) // KEYS_AT_ONCE + 1
    for part in range(slices):
        seen: dict[int, int] = {}
        for key, row in zip(keys, rows, strict=True):
            if key % slices == part:
                one, other = _find_first(joined, seen.setdefault(key, row)), _find_first(joined, row)
                joined[max(one, other)] = min(one, other)
    return array("I", (_find_first(joined, row) for row in range(count)))


def _find_first(joined: "array[int]", row: int) -> int:
    """The first row that this one is joined with, directly or by others between them."""
    while joined[row] != row:
        joined[row] = joined[joined[row]]
        row = joined[row]
    return row


def _place_in_blocks(first_rows: Sequence[int]) -> "array[int]":
    """The block of each row: those that belong together are in one, of BLOCK_ROWS rows at most else."""
    sizes = array("I", bytes(array("I").itemsize * len(first_rows)))
    for first in first_rows:
        sizes[first] += 1
    places, block, filled = array("I"), 0, 0
    for row, first in enumerate(first_rows):
        if row == first:
            if filled and filled + sizes[first] > BLOCK_ROWS:
                block, filled = block + 1, 0
            filled += sizes[first]
            places.append(block)
        else:
            places.append(places[first])
    return places
