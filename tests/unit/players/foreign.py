"""A foreign player: plays the lowest legal domino, until it fails in the way it is told to."""

import sys
import time

from forge_core.expected_q.record import Record

FAULT, AT = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 2 else ("none", -1)
for line in sys.stdin:
    seat, declaration, leader, *rest = (int(word) for word in line.split())
    hand, n, plays = rest[:7], rest[7], rest[8:]
    assert len(plays) == 2 * n
    record = Record.of(declaration, leader, plays[1::2])
    assert record.mover == seat
    assert list(record.seats) == plays[::2]
    held = [domino for domino in hand if domino not in record.plays]
    suit = record.led_suit()
    from forge_core.rules import follows

    legal = [d for d in held if suit is None or follows(d, suit, declaration)] or held
    score = [record.leader, *record.won]
    if n // 4 == AT:
        if FAULT == "crash":
            sys.exit("out of ideas")
        if FAULT == "hang":
            time.sleep(60)
        if FAULT == "half":
            print(legal[0], end="", flush=True)
            time.sleep(60)
        if FAULT == "illegal":
            print(next(d for d in range(28) if d not in legal), flush=True)
            continue
        if FAULT == "words":
            print("the double six", flush=True)
            continue
        if FAULT == "score":
            score[1] += 1
        if FAULT == "memory":
            x = bytearray(3 << 30)
    if FAULT == "flood":
        sys.stderr.write("x" * 200_000 + "\n")
        sys.stderr.flush()
    print(legal[0], *score, flush=True)
