"""Foreign programs as players: one line a decision on their stdin, one line back on their stdout.

    seat declaration leader h0 .. h6 n seat domino seat domino ...   ->   domino [leader points0 points1]

Numbers with spaces between: who is to play, the declaration, who led the first trick, the dealt hand, how many plays
were made and each of them. The answer is a domino; whoever adds the leader of the present trick and the points banked
by both teams has them checked. A program that crashes, hangs, or answers what cannot be forfeits the contract.
"""

import contextlib
import resource
import selectors
import shlex
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO

import numpy as np
from jaxtyping import Int8

from forge_core.errors import InputError
from forge_core.players.decisions import Decisions
from forge_core.rules import domino_name

_MOST_REPLY = 4096
_KEPT_STDERR = 64


class Forfeit(Exception):
    """Why a program's contract is lost."""


class CommandPlayer:
    """A program, started once a thread and again after it failed; its last lines on stderr are kept for the reason.

    Args:
        text: what makes the player, "command:PATH ARGS".
        command: the program and its arguments.
        threads: how many of it run side by side.
        seconds: that a decision may take.
        memory: bytes of address space that a process may use (on Linux).

    Raises:
        InputError: there is no such program.
    """

    def __init__(self, text: str, command: Sequence[str], *, threads: int, seconds: float, memory: int) -> None:
        self.name = text
        self._programs = [_Program(command, seconds, memory) for _ in range(max(1, threads))]
        self._programs[0].start()
        weakref.finalize(self, _stop_all, self._programs)

    def play(self, decisions: Decisions) -> Int8[np.ndarray, "n"]:
        """See `Player.play`; what a program forfeits is noted in `decisions.forfeits`."""
        answers = np.full(len(decisions), -1, np.int8)
        hands, legal = decisions.original_hands(), decisions.legal()

        def ask(program: "_Program", rows: range) -> None:
            for row in rows:
                try:
                    reply = program.ask(_question(decisions, row, hands[row].tolist()))
                    answers[row] = _checked(reply, decisions, row, int(legal[row]))
                except Forfeit as why:
                    decisions.forfeits[row] = f"{why}{program.last_words()}"
                    program.stop()

        n = len(self._programs)
        with ThreadPoolExecutor(n) as pool:
            list(pool.map(ask, self._programs, (range(i, len(decisions), n) for i in range(n))))
        return answers


def command_player(text: str, rest: str, *, threads: int, seconds: float, memory: int) -> CommandPlayer:
    """The player of "command:PATH ARGS". InputError without a program."""
    command = shlex.split(rest)
    if not command:
        raise InputError.of(
            got=f"the player {text!r} without a program",
            expected='a path, as in "command:./my-player --fast"',
            remedy="name the program",
        )
    return CommandPlayer(text, command, threads=threads, seconds=seconds, memory=memory)


class _Program:
    """A process that answers lines."""

    def __init__(self, command: Sequence[str], seconds: float, memory: int) -> None:
        self._command, self._seconds, self._memory = command, seconds, memory
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: deque[bytes] = deque(maxlen=_KEPT_STDERR)
        self._drain: threading.Thread | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """The running process."""
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.stop()
        try:
            process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
            )
        except OSError as error:
            raise InputError.of(
                got=f"the program {self._command[0]!r}, which cannot be started ({error.strerror})",
                expected="an executable file",
                remedy="check the path and the file's permissions",
            ) from error
        if sys.platform == "linux":
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(process.pid, resource.RLIMIT_AS, (self._memory, self._memory))
        self._process, self._stderr = process, deque(maxlen=_KEPT_STDERR)
        assert process.stderr is not None
        self._drain = threading.Thread(target=_drain, args=(process.stderr, self._stderr), daemon=True)
        self._drain.start()
        return process

    def ask(self, question: str) -> str:
        """The line that answers a line. Forfeit when none comes in time."""
        process = self.start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(question.encode() + b"\n")
        except OSError as error:
            raise Forfeit(f"ended with code {_code(process)} before it was asked") from error
        deadline, reply = time.monotonic() + self._seconds, b""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while b"\n" not in reply:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    half = f" but {reply[:40]!r}" if reply else ""
                    raise Forfeit(f"gave no answer in {self._seconds:g} s{half}")
                part = process.stdout.read(_MOST_REPLY)
                if not part:
                    half = f" after half a line, {reply[:40]!r}" if reply else ""
                    raise Forfeit(f"ended with code {_code(process)}{half}")
                reply += part
                if len(reply) > _MOST_REPLY:
                    raise Forfeit(f"answered with more than {_MOST_REPLY} characters")
        line, _, more = reply.partition(b"\n")
        if more:
            raise Forfeit("answered with more than one line")
        return line.decode(errors="replace").strip()

    def last_words(self) -> str:
        """The last line on stderr, to be put behind a reason."""
        if self._process is not None and self._process.poll() is not None and self._drain is not None:
            self._drain.join(1.0)  # what it wrote before it ended
        lines = b"".join(self._stderr).decode(errors="replace").strip().splitlines()
        return f" (stderr: {lines[-1][:200]})" if lines else ""

    def stop(self) -> None:
        """End the process."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        if self._drain is not None:
            self._drain.join(1.0)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self._process = None


def _drain(pipe: IO[bytes], kept: deque[bytes]) -> None:
    """Read what comes, so that a program that floods stderr is not stopped by it; keep the last of it."""
    with contextlib.suppress(ValueError, OSError):
        while part := pipe.read(4096):
            kept.append(part)


def _stop_all(programs: list[_Program]) -> None:
    for program in programs:
        program.stop()


def _code(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(1.0)
    except subprocess.TimeoutExpired:
        return None


def _question(decisions: Decisions, row: int, hand: list[int]) -> str:
    made = zip(decisions.players[row].tolist(), decisions.plays[row].tolist(), strict=True)
    numbers = [decisions.seats[row], decisions.declarations[row], decisions.bidders[row], *hand, decisions.ply]
    return " ".join(str(int(number)) for number in (*numbers, *(part for play in made for part in play)))


def _checked(reply: str, decisions: Decisions, row: int, legal: int) -> int:
    """The domino of a reply. Forfeit when it is none, may not be played, or comes with a wrong leader or score."""
    try:
        numbers = [int(word) for word in reply.split()]
    except ValueError as error:
        raise Forfeit(f"answered {reply[:60]!r}, which are no numbers") from error
    if len(numbers) not in (1, 4):
        raise Forfeit(
            f"answered {reply[:60]!r}: expected a domino, or a domino, the leader and the points of both teams"
        )
    domino = numbers[0]
    if not 0 <= domino < 28 or not legal >> domino & 1:
        named = domino_name(domino) if 0 <= domino < 28 else str(domino)
        may = ", ".join(domino_name(d) for d in range(28) if legal >> d & 1)
        raise Forfeit(f"answered {named} where it may play {may}")
    said, is_so = numbers[1:], [int(decisions.leaders[row]), *(int(p) for p in decisions.won[row])]
    if said and said != is_so:
        raise Forfeit(f"says leader and points are {said}, and they are {is_so}")
    return domino
