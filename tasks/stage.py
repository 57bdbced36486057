"""What a stage is: one object that says all there is to say about a step of the pipeline.

A stage is a name, a settings class, the kind of artifact that it makes, what it needs on Modal, and one body. From it
follow the cache key (`Call.key`), the Prefect task and the entry in the store (`tasks.run`), and the Function on Modal
(`tasks.remote`). `tasks.registry` lists all stages; `docs/architecture.md` shows how one is added.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from forge_core.artifacts.fingerprint import fingerprint
from forge_core.artifacts.key import Key, make_key
from forge_core.artifacts.listing import Source
from forge_core.artifacts.reference import Reference
from tasks.devices import ONE_DEVICE, DeviceName, Hardware

if TYPE_CHECKING:
    from rich.console import Console


S = TypeVar("S", bound=BaseModel)

Details = Mapping[str, Any]
"""What a body has to say of what it made beside the files: JSON values, which come back from wherever it ran."""

DECIDES_NOTHING = (
    "forge_core.artifacts",
    "forge_core.errors",
    "forge_core.files",
    "forge_core.learn.catalog",
    "forge_core.learn.plots",
    "forge_core.learn.report",
    "forge_core.seat.catalog",
    "forge_core.locks",
    "forge_core.threads",
    "tasks.devices",
    "tasks.stage",
)
"""Modules that bodies import and that change no result: words, plots, threads, where files lie. No key covers them."""


class Progress(Protocol):
    """A progress bar: see `forge_view`'s console for the one of the terminal."""

    def __call__(
        self, description: str, total: int | None, rates: str = "", /
    ) -> AbstractContextManager[Callable[..., None]]:
        """A bar while the block runs; call what it yields to advance it.

        Args:
            description: what is under way.
            total: steps in all; None = not known.
            rates: a format string of numbers a second, as "{deals:.1f} deals/s"; steps are given by name.
        """
        ...


class TrainingPage(Protocol):
    """What shows a training while it goes on."""

    def show(self, epochs: Sequence[Any]) -> None:
        """Show all epochs so far, of which the last has just ended."""
        ...

    def end(self) -> None:
        """Bring everything up to date."""
        ...


class HiddenPage:
    """The page of a training that nobody looks at."""

    def __init__(self, _settings: Any, _tokens: Reference | Path | None, _run: Callable[[], str | None]) -> None: ...

    def show(self, epochs: Sequence[Any]) -> None:
        """Show nothing."""

    def end(self) -> None:
        """Show nothing."""


def silent(_description: str, _total: int | None, _rates: str = "", /) -> AbstractContextManager[Callable[..., None]]:
    """No progress bar."""
    return nullcontext(lambda *_steps, **_numbers: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a body may use, and what does not decide its result.

    Attributes:
        threads: how many threads to compute with.
        device: where deals are solved, networks trained and asked.
        hardware: how many devices train a network, and how they share the work.
        hold_gpu: keeps the GPU for this run alone while it is entered; enter it where one is used.
        progress: shows how far it is.
        console: where Lightning shows its progress; None = stderr.
        on_epoch: gets all epochs of a training after each.
        training_page: makes what shows a training of (settings, tokens, a function that says where MLflow shows it).
        work: a folder that outlives a killed run, for checkpoints; None = there is none.
    """

    threads: int = 1
    device: DeviceName = "auto"
    hardware: Hardware = ONE_DEVICE
    hold_gpu: Callable[[], AbstractContextManager[None]] = nullcontext
    progress: Progress = silent
    console: "Console | None" = None
    on_epoch: "Callable[[Sequence[Any]], None]" = lambda _epochs: None
    training_page: Callable[[Any, Reference | Path | None, Callable[[], str | None]], TrainingPage] = HiddenPage
    work: Path | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """What a stage needs on Modal: physical cores, GiB of memory, seconds an input may take, whether a GPU helps."""

    cores: float
    memory: int
    time_limit: int = 1800
    gpu: bool = True

    @property
    def threads(self) -> int:
        """What it computes with: a core of Modal's is a physical one, with two threads."""
        return int(2 * self.cores)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage(Generic[S]):
    """A step of the pipeline.

    Attributes:
        name: for people, keys, tasks and Functions.
        settings: the class of its settings: everything that decides the result beside code and inputs.
        kind: what kind of artifact it makes: "shards", "model".
        run: the body: (context, folder, settings, inputs) -> details. Writes its files into `folder`, reads the
            inputs, each a folder or a file, and returns what a receipt should say.
        machine: what it needs on Modal; None = it always runs here.
        items: the field of the settings that lists what a block makes ("deals"); None = it makes one thing.
        modules: what decides the result beside the module of `run`, if that does not import it.
        with_inputs: modules that only decide when there are inputs (the network as an oracle).
    """

    name: str
    settings: type[S]
    kind: str
    run: Callable[[Context, Path, S, Sequence[Path]], Details]
    machine: Machine | None = None
    items: str | None = None
    modules: tuple[str, ...] = ()
    with_inputs: tuple[str, ...] = ()

    def code(self, *, inputs: bool = True) -> str:
        """The fingerprint of everything that decides the result of a call with or without inputs."""
        without = DECIDES_NOTHING + (() if inputs else self.with_inputs)
        return fingerprint(self.run.__module__, *self.modules, without=without)


@dataclass(frozen=True, slots=True)
class Call(Generic[S]):
    """A stage with its settings and inputs: everything that decides one artifact.

    Attributes:
        stage: which one.
        settings: of the class that the stage names.
        inputs: what it reads, in the order in which the body expects it.
        title: what the task is called in the UI; empty = as the stage.
    """

    stage: Stage[S]
    settings: S
    inputs: tuple[Source, ...] = ()
    title: str = field(default="", compare=False)

    @property
    def key(self) -> Key:
        """The key of the artifact."""
        digests = [source.digest for source in self.inputs]
        code = self.stage.code(inputs=bool(digests))
        return make_key(self.stage.name, code=code, settings=self.settings.model_dump(mode="json"), inputs=digests)

    @property
    def items(self) -> int:
        """How many deals, games or things it makes."""
        return len(getattr(self.settings, self.stage.items)) if self.stage.items else 1

    def run(self, context: Context, folder: Path) -> Details:
        """Run the body here, into a folder."""
        return self.stage.run(context, folder, self.settings, [source.path for source in self.inputs])


class Executor(Protocol):
    """Where calls are run: here (`tasks.here`), or on Modal (`tasks.remote.executor`)."""

    def prepare(self, calls: Sequence[Call[Any]]) -> None:
        """See to it that these calls can be run one by one: what is far away makes them all at once."""
        ...

    def run(self, call: Call[Any], folder: Path, context: Context | None = None) -> Details:
        """Make the files of a call in a folder, and return the details of its body.

        Args:
            call: what to make.
            folder: gets the files; what is there is left alone.
            context: None = the executor's own.
        """
        ...

    @property
    def context(self) -> Context:
        """What bodies that it runs may use."""
        ...

    @property
    def breadth(self) -> int:
        """How many times as much as one process of this machine it makes at a time."""
        ...
