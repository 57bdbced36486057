"""Played hands as people write them down: JSON or CSV, checked record by record."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forge_core.errors import DataError, ForgeError, InputError, RecordError
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.record import Record
from forge_core.rules import (
    SEATS,
    Deal,
    declaration_name,
    domino_name,
    hand_name,
    parse_declaration,
    parse_dominoes,
    parse_hand,
)

FIELDS = ("id", "declaration", "bidder", "bid", "hands", "plays")
_CSV_HANDS = tuple(f"hand_{seat}" for seat in SEATS)


@dataclass(frozen=True, slots=True)
class PlayedHand:
    """One hand as it was played.

    Attributes:
        name: what the file calls it, or its place there.
        record: declaration, first leader (the bidder) and the plays so far.
        bid: in points, 30-42; None when unknown.
        hands: the seven dealt dominoes of each seat, ascending; None where unknown.
    """

    name: str
    record: Record
    bid: int | None
    hands: tuple[tuple[int, ...] | None, ...]

    @property
    def deal(self) -> Deal | None:
        """The whole deal, when all four hands are known."""
        known = [hand for hand in self.hands if hand is not None]
        return Deal(tuple(known)) if len(known) == len(self.hands) else None

    def as_json(self) -> dict[str, Any]:
        """The record as `read_hands` reads it."""
        return {
            "id": self.name,
            "declaration": declaration_name(self.record.declaration),
            "bidder": self.record.first_leader,
            "bid": self.bid,
            "hands": [None if hand is None else hand_name(hand) for hand in self.hands],
            "plays": hand_name(self.record.plays),
        }


@dataclass(frozen=True, slots=True)
class BrokenHand:
    """A record that cannot be used: where it stands ("line 3", "record 2") and why."""

    where: str
    problem: str


def read_hands(path: Path) -> tuple[list[PlayedHand], list[BrokenHand]]:
    """All records of a file, the sound and the broken ones.

    Args:
        path: a .json file (one object, or a list of them) or a .csv file with a header.

    Raises:
        InputError: no such file, or neither JSON nor CSV by its name.
        DataError: the file as a whole cannot be read.
    """
    sound: list[PlayedHand] = []
    broken: list[BrokenHand] = []
    for where, content in _records(path):
        try:
            sound.append(parse_played(content, where))
        except ForgeError as problem:
            broken.append(BrokenHand(where, str(problem)))
    return sound, broken


def parse_played(content: object, where: str) -> PlayedHand:
    """One record.

    Args:
        content: a mapping with `declaration` and `plays`, and perhaps `id`, `bidder`, `bid` and `hands`.
        where: what to call it when it has no id.

    Raises:
        InputError: a field is missing, unknown or cannot be read.
        RecordError: the plays contradict the rules or a hand; it names the play.
    """
    if not isinstance(content, Mapping):
        raise _wrong(f"{content!r:.60}", "an object with declaration and plays", "write one object a hand")
    fields = {str(name): value for name, value in content.items() if value not in (None, "")}
    if unknown := [name for name in fields if name not in FIELDS]:
        raise _wrong(f"the field {unknown[0]!r}", "one of " + ", ".join(FIELDS), "rename or remove it")
    if missing := [name for name in ("declaration", "plays") if name not in fields]:
        raise _wrong(f"no {missing[0]}", "a declaration and plays", f"add {missing[0]}")
    bidder, bid = _integer(fields, "bidder", 0, 3) or 0, _integer(fields, "bid", 30, 42)
    if not isinstance(fields["plays"], str):
        raise _wrong(f"plays {fields['plays']!r:.60}", 'text such as "6-4,5-0"', "write the plays as one text")
    record = Record.of(parse_declaration(fields["declaration"]), bidder, parse_dominoes(fields["plays"]))
    hands = _completed(_hands(fields.get("hands")), record)
    _check_hands(hands, record)
    return PlayedHand(str(fields.get("id", where)), record, bid, hands)


def _hands(given: object) -> list[tuple[int, ...] | None]:
    if given is None:
        return [None] * 4
    if (
        not isinstance(given, list)
        or len(given) != 4
        or not all(hand is None or isinstance(hand, str) for hand in given)
    ):
        raise _wrong(f"hands {given!r:.60}", "a list of four texts or nulls", "give one entry a seat, null if unknown")
    hands: list[tuple[int, ...] | None] = [parse_hand(hand) if hand else None for hand in given]
    owner: dict[int, int] = {}
    for seat, hand in enumerate(hands):
        for domino in hand or ():
            if domino in owner:
                held = f"seats {owner[domino]} and {seat}"
                raise _wrong(f"{domino_name(domino)} in the hands of {held}", "every domino once", "correct a hand")
            owner[domino] = seat
    return hands


def _completed(hands: list[tuple[int, ...] | None], record: Record) -> tuple[tuple[int, ...] | None, ...]:
    """Hands that follow from others: seven plays of a seat, or three known hands."""
    played = [tuple(sorted(d for d, by in zip(record.plays, record.seats, strict=True) if by == s)) for s in SEATS]
    hands = [played[s] if hand is None and len(played[s]) == 7 else hand for s, hand in enumerate(hands)]
    if hands.count(None) == 1:
        rest = set(range(28)) - {domino for hand in hands for domino in hand or ()}
        hands[hands.index(None)] = tuple(sorted(rest))
    return tuple(hands)


def _check_hands(hands: tuple[tuple[int, ...] | None, ...], record: Record) -> None:
    for index, (domino, seat) in enumerate(zip(record.plays, record.seats, strict=True)):
        for other, hand in enumerate(hands):
            if hand is not None and (domino in hand) != (other == seat):
                owner = f"seat {other} held" if domino in hand else f"seat {seat} did not hold"
                raise RecordError.of(
                    got=f"{record.play_name(index)}, which {owner}",
                    expected="plays from the hands that are given",
                    remedy="correct this play or the hand",
                )
        if hands[seat] is not None:
            legal = _seen_by(hands, record.prefix(index), seat).legal_dominoes()
            if domino not in legal:
                raise RecordError.of(
                    got=record.play_name(index),
                    expected=f"one of {hand_name(legal)}, which follow",
                    remedy="correct this play or the hand",
                )


def _seen_by(hands: tuple[tuple[int, ...] | None, ...], record: Record, seat: int) -> InformationSet:
    return InformationSet(record, seat, tuple(d for d in hands[seat] or () if d not in record.plays))


def _integer(fields: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    if name not in fields:
        return None
    text = str(fields[name]).strip()
    if not text.isdecimal() or not low <= int(text) <= high:
        raise _wrong(f"{name} {fields[name]!r}", f"a whole number {low}-{high}", f"correct the {name}")
    return int(text)


def _wrong(got: str, expected: str, remedy: str) -> InputError:
    return InputError.of(got=got, expected=expected, remedy=remedy)


def _records(path: Path) -> Iterator[tuple[str, object]]:
    if not path.is_file():
        raise _wrong(f"{path}, which is no file", "a file of played hands", "check the path")
    try:
        text = path.read_text("utf-8-sig")
        if path.suffix == ".csv":
            yield from _csv_records(text)
        elif path.suffix == ".json":
            found = json.loads(text)
            for number, each in enumerate(found if isinstance(found, list) else [found], 1):
                yield f"record {number}", each
        else:
            raise _wrong(f"{path.name}", "a name that ends in .json or .csv", "rename the file")
    except (UnicodeDecodeError, json.JSONDecodeError, csv.Error) as problem:
        raise DataError.of(
            got=f"{path}, which cannot be read ({problem})",
            expected="JSON or CSV in UTF-8",
            remedy="correct the file where the message says",
        ) from problem


def _csv_records(text: str) -> Iterator[tuple[str, object]]:
    reader = csv.DictReader(io.StringIO(text))
    for row in reader:
        where = f"line {reader.line_num}"
        if None in row:
            yield where, {f"column {len(reader.fieldnames or ()) + 1}": "more values than the header has"}
            continue
        hands = [row.pop(name, None) or None for name in _CSV_HANDS]
        yield where, {**row, "hands": hands if any(hands) else None}
