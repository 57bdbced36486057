"""The faults: each strikes while a work is under way; mending it is what an operator would do."""

import os
import random
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.ground import Site, SiteHome, kill, wait_until
from tests.chaos.work import BACKFILL, FILL, GAMES, GENERATE, PIPELINE, Reference, Work
from tests.home import PATIENCE

ENGINE = "prefect.engine"
"""In the command lines of the processes in which a worker runs flows."""

CANCEL_LIMIT = 15  # seconds in which a cancelled run has to have stopped


@dataclass(slots=True)
class Scene:
    """A work under way in a home of its own."""

    site: Site
    home: SiteHome
    work: Work
    reference: Reference
    rng: random.Random
    process: "subprocess.Popen[bytes] | None" = None
    others: list["subprocess.Popen[bytes]"] = field(default_factory=list["subprocess.Popen[bytes]"])
    notes: dict[str, str] = field(default_factory=dict[str, str])

    def wait(self, seconds: float) -> None:
        """Let the work go on for a while, or to its end."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.has_ended():
            time.sleep(0.02)

    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def kill(self, process: "subprocess.Popen[bytes] | None") -> None:
        """kill -9."""
        if process is not None:
            process.kill()

    def end(self) -> None:
        """Wait for all that runs here."""
        if self.process is not None:
            self.process.wait(PATIENCE)
        for other in self.others:
            other.wait(PATIENCE)


class Fault:
    """Something that goes wrong; `skip` says why it cannot be tried here."""

    name = ""
    works: Sequence[Work] = (PIPELINE, GENERATE, GAMES, FILL, BACKFILL)

    def skip(self) -> str | None:
        return None

    def prepare(self, scene: Scene) -> None:
        """Before the work begins."""

    def begin(self, scene: Scene) -> None:
        """Start the work."""
        scene.process = scene.home.launch(scene.work.command(scene.home))

    def strike(self, scene: Scene) -> None:
        """While the work is under way."""

    def mend(self, scene: Scene) -> None:
        """Once the work has ended, one way or the other; before it is started again."""

    def cleanup(self, scene: Scene) -> None:
        """At the very end, whatever happened."""


class KillFlow(Fault):
    name = "kill -9 of the flow's process"

    def strike(self, scene: Scene) -> None:
        scene.kill(scene.process)


class HangUp(Fault):
    name = "the terminal closed (SIGHUP)"

    def strike(self, scene: Scene) -> None:
        if scene.process is not None:
            scene.process.send_signal(signal.SIGHUP)


class Proxies(Fault):
    name = "a proxy that nobody answers at in the environment"

    def prepare(self, scene: Scene) -> None:
        names = scene.rng.sample(["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"], 2)
        scheme = scene.rng.choice(["http", "socks5"])
        scene.home.environment.update(dict.fromkeys(names, f"{scheme}://127.0.0.1:9"), NO_PROXY="example.org")


class KillTask(Fault):
    name = "kill -9 of a block's process"
    works = (BACKFILL,)

    def strike(self, scene: Scene) -> None:
        if blocks := scene.site.pool.processes(ENGINE):
            kill(scene.rng.choice(blocks).pid)


class KillWorker(Fault):
    name = "kill -9 of the worker and its runs"
    works = (BACKFILL,)

    def strike(self, scene: Scene) -> None:
        scene.site.kill_worker()
        time.sleep(scene.rng.uniform(0, 2))
        scene.site.start_worker()


class KillServer(Fault):
    name = "kill -9 of the server"

    def strike(self, scene: Scene) -> None:
        scene.site.kill_server()
        time.sleep(scene.rng.uniform(0, 2))
        scene.site.start_server()


class CutDatabase(Fault):
    name = "database cut off for seconds"

    def strike(self, scene: Scene) -> None:
        scene.site.cut_database(scene.rng.uniform(1, 8))


class FullDisk(Fault):
    name = "full disk"
    works = (PIPELINE, GENERATE, GAMES, FILL)

    def skip(self) -> str | None:
        if os.geteuid() != 0 or shutil.which("mount") is None:
            return "mounting a small tmpfs needs root"
        return None

    def prepare(self, scene: Scene) -> None:
        size = int(scene.reference.size * scene.rng.uniform(0.2, 0.95))
        _mount("-t", "tmpfs", "-o", f"size={size // 4096 * 4 + 4}k", "tmpfs", scene.home.folder)

    def mend(self, scene: Scene) -> None:
        _mount("-o", "remount,size=1g", scene.home.folder)

    def cleanup(self, scene: Scene) -> None:
        subprocess.run(["umount", "--lazy", scene.home.folder], check=False, capture_output=True)


class Harm(Fault, ABC):
    """Something happens to a file that is in the store, or in the folder that is filled."""

    def strike(self, scene: Scene) -> None:
        stored = [*scene.home.folder.glob("store/objects/*/*"), *scene.home.folder.glob("store/keys/*/*")]
        places = [*stored, *scene.home.folder.glob("output/*/*")]
        files = [each for place in places for each in ([place] if place.is_file() else place.rglob("*"))]
        files = sorted(path for path in files if path.is_file() and not path.name.startswith("."))
        for path in scene.rng.sample(files, min(len(files), 1 + len(files) // 20)):
            with suppress(FileNotFoundError):  # a build ends, and its files move
                path.chmod(0o644)
                self.harm(path, scene.rng)

    @abstractmethod
    def harm(self, path: Path, rng: random.Random) -> None: ...


class Damage(Harm):
    name = "bytes of stored files changed"
    works = (PIPELINE, GENERATE, GAMES)  # a filled folder has no listing: changed bytes are found when it is read

    def harm(self, path: Path, rng: random.Random) -> None:
        content = bytearray(path.read_bytes())
        if content:
            content[rng.randrange(len(content))] ^= 0xFF
            path.write_bytes(content)


class Truncate(Harm):
    name = "stored files cut short"
    works = (PIPELINE, GENERATE, GAMES, FILL)

    def harm(self, path: Path, rng: random.Random) -> None:
        os.truncate(path, rng.randrange(path.stat().st_size) if path.stat().st_size else 0)


class CutSideFiles(KillFlow):
    """Notes, checkpoints and compiled kernels, which lie in the home here: no other run may see them cut."""

    name = "killed, and its side files cut"
    works = (PIPELINE, GENERATE, GAMES, FILL)  # a block's kernels are the worker's
    patterns = ("mlflow/runs/*.json", "training/*/*.ckpt", "output/.checked", "kernels/**/*.nb?")

    def prepare(self, scene: Scene) -> None:
        kernels = scene.home.folder / "kernels"
        scene.home.environment["NUMBA_CACHE_DIR"] = str(kernels)
        if (sound := self._sound(scene)).exists():
            shutil.copytree(sound, kernels)  # they are compiled by the first run alone

    def mend(self, scene: Scene) -> None:
        for path in [path for pattern in self.patterns for path in scene.home.folder.glob(pattern)]:
            os.truncate(path, scene.rng.randrange(max(1, path.stat().st_size)))

    def cleanup(self, scene: Scene) -> None:
        if not self._sound(scene).exists():
            shutil.copytree(scene.home.folder / "kernels", self._sound(scene))

    def _sound(self, scene: Scene) -> Path:
        return scene.site.folder / "kernels"


class CopiedShard(Fault):
    """A file copied beside itself is refused by its name; the copy is removed as the message says."""

    name = "a file copied beside itself"
    works = (FILL,)

    def strike(self, scene: Scene) -> None:
        if found := sorted(scene.home.folder.glob("output/*/seed_*")):
            path = scene.rng.choice(found)
            with suppress(FileNotFoundError):
                shutil.copy(path, path.with_stem(f"{path.stem} (1)"))

    def mend(self, scene: Scene) -> None:
        for copy in scene.home.folder.glob("output/*/* (1).*"):
            copy.unlink()


class Delete(Harm):
    name = "stored files deleted"
    works = (PIPELINE, GENERATE, GAMES, FILL)

    def harm(self, path: Path, rng: random.Random) -> None:
        path.unlink(missing_ok=True)


class Twice(Fault):
    name = "the same started twice"

    def strike(self, scene: Scene) -> None:
        scene.others.append(scene.home.launch(scene.work.command(scene.home), "second"))


class TwiceAndKill(Twice):
    name = "... and one of the two killed"

    def strike(self, scene: Scene) -> None:
        super().strike(scene)
        scene.wait(scene.rng.uniform(0, scene.reference.seconds))
        scene.kill(scene.rng.choice([scene.process, *scene.others]))


class Cancel(Fault):
    """A backfill that was started from the UI is cancelled there: it and its blocks have to stop."""

    name = "cancelled in the UI"
    works = (BACKFILL,)

    def begin(self, scene: Scene) -> None:
        deployment = scene.site.ask("/deployments/name/backfill/seed-range")["id"]
        seeds = {"make": "shards", "end": 6, "block": 3, "at_once": 2, "where": "cpu"}
        parameters = {
            "seeds": seeds | {"folder": str(scene.work.folder(scene.home))},
            "shards": {"states_per_deal": 100},
        }
        run = scene.site.ask(f"/deployments/{deployment}/create_flow_run", parameters=parameters)
        scene.notes["run"] = run["id"]
        wait_until(lambda: scene.site.pool.processes(ENGINE) != [], "the start of the run")

    def strike(self, scene: Scene) -> None:
        state = {"type": "CANCELLING", "name": "Cancelling"}
        scene.site.ask(f"/flow_runs/{scene.notes['run']}/set_state", state=state)
        start = time.monotonic()
        wait_until(lambda: not scene.site.pool.processes(ENGINE), "the end of what was cancelled")
        if (seconds := time.monotonic() - start) > CANCEL_LIMIT:
            raise TimeoutError(f"what was cancelled went on for {seconds:.0f} s")


def _mount(*words: str | Path) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True)


FAULTS: tuple[Fault, ...] = (
    KillFlow(),
    KillTask(),
    KillWorker(),
    KillServer(),
    CutDatabase(),
    FullDisk(),
    Damage(),
    Truncate(),
    Delete(),
    Twice(),
    TwiceAndKill(),
    Cancel(),
    HangUp(),
    Proxies(),
    CutSideFiles(),
    CopiedShard(),
)
