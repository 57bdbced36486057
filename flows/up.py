"""Everything that one machine needs to run flows by itself, watched until Ctrl-C: servers, deployments, workers."""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import httpx
from rich.console import Group
from rich.live import Live
from rich.table import Table

from flows import server
from flows.interrupt import ended_by_signals
from flows.overview import Overview, read_overview
from forge_view.console import console

Tell = Callable[[str], None]

_LOOK = 2  # seconds between two looks
_REST = 30  # seconds before a service that has ended twice is started again


def start(services: Sequence[server.Service], tell: Tell) -> None:
    """Start all services in the background and wait until they answer; what runs already is left alone."""
    for service in services:
        server.start(service, tell=tell)
    for service in services:
        server.wait(service)


def stop(services: Sequence[server.Service]) -> list[str]:
    """End the services, the last one first, so that a run that is ended can still say so; those that were running."""
    return [service.name for service in reversed(services) if server.stop(service)]


@dataclass(slots=True)
class Watch:
    """Keeps services running and shows how they are, until Ctrl-C, SIGTERM, SIGHUP or `forge down`; then ends them all.

    A service that has died leaves its record; `server.stop` takes it away.
    """

    services: Sequence[server.Service]
    tell: Tell
    _restarted: dict[str, float] = field(default_factory=dict[str, float])

    def run(self) -> None:
        """Watch; a service that has ended is started again."""
        try:
            with ended_by_signals(), self._screen() as show:
                while all(service.record.exists() for service in self.services):
                    health = {service.name: server.address(service) for service in self.services}
                    self._revive()
                    show(health)
                    time.sleep(_LOOK)
            self.tell("`forge down` has ended it.")
        except KeyboardInterrupt:
            with suppress(OSError):  # the terminal may be gone
                self.tell("Stopping ...")
        finally:
            stop(self.services)

    def _revive(self) -> None:
        for service in self.services:
            if server.is_running(service):
                continue
            last, now = self._restarted.get(service.name), time.monotonic()
            if last is None or now - last > _REST:
                self._restarted[service.name] = now
                self.tell(f"{service.name} has ended; it is started again ({service.last_log} may say why)")
                server.start(service, tell=lambda _: None)

    @contextmanager
    def _screen(self) -> Generator[Callable[[dict[str, str | None]], None]]:
        if not console().is_terminal:
            yield lambda health: None
            return
        with Live(console=console(), auto_refresh=False) as live:
            yield lambda health: live.update(Group(*tables(health, overview())), refresh=True)


def overview() -> Overview | None:
    """What goes on at the server; None when it does not answer just now."""
    try:
        return read_overview()
    except httpx.HTTPError:
        return None


def tables(health: dict[str, str | None], seen: Overview | None) -> list[Table]:
    """Services with their addresses, pools with their workers, runs under way and late ones."""
    services = Table("service", "", "", box=None, pad_edge=False)
    for name, address in health.items():
        services.add_row(name, "[green]healthy[/]" if address else "[red]no answer[/]", address or "")
    if seen is None:
        return [services]
    pools = Table("pool", "type", "workers", box=None, pad_edge=False)
    for pool in seen.pools:
        pools.add_row(pool.name, f"{pool.type}{', paused' * pool.is_paused}", ", ".join(pool.workers) or "[red]none[/]")
    runs = Table("run", "", "state", "since", box=None, pad_edge=False)
    for run in (*seen.running, *seen.late):
        runs.add_row(run.flow, run.name, run.state, f"{run.seconds / 60:.0f} min")
    return [services, pools, *([runs] if seen.running or seen.late else [])]
