"""What goes on at a Prefect server: its pools and their workers, runs under way, runs that nobody has begun."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas import filters
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort


@dataclass(frozen=True, slots=True)
class Pool:
    """A work pool: its type, and the names of its workers that have sent a heartbeat lately."""

    name: str
    type: str
    is_paused: bool
    workers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """A run: its flow and name, its state, and how long ago it began or, if it has not, should have."""

    flow: str
    name: str
    state: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Overview:
    """Pools, runs under way and runs that are late; of runs the server's first 200, oldest first."""

    pools: tuple[Pool, ...]
    running: tuple[Run, ...]
    late: tuple[Run, ...]


def read_overview() -> Overview:
    """Ask the server of PREFECT_API_URL."""
    running = filters.FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.CANCELLING])
    late = filters.FlowRunFilterStateName(any_=["Late"])
    with get_client(sync_client=True) as client:
        return Overview(
            pools=tuple(
                Pool(
                    name=pool.name,
                    type=pool.type,
                    is_paused=bool(pool.is_paused),
                    workers=tuple(
                        worker.name
                        for worker in client.read_workers_for_work_pool(pool.name)
                        if worker.status == "ONLINE"
                    ),
                )
                for pool in client.read_work_pools()
            ),
            running=_runs(client, filters.FlowRunFilterState(type=running)),
            late=_runs(client, filters.FlowRunFilterState(name=late)),
        )


def _runs(client: SyncPrefectClient, state: filters.FlowRunFilterState) -> tuple[Run, ...]:
    found: Sequence[FlowRun] = client.read_flow_runs(
        flow_run_filter=filters.FlowRunFilter(state=state), sort=FlowRunSort.START_TIME_ASC
    )
    wanted = filters.FlowFilter(id=filters.FlowFilterId(any_=list({run.flow_id for run in found})))
    names = {flow.id: flow.name for flow in client.read_flows(flow_filter=wanted)} if found else {}
    now = datetime.now(UTC)
    return tuple(
        Run(names[run.flow_id], run.name, run.state_name or "", (now - since).total_seconds())
        for run in found
        if run.flow_id in names and (since := run.start_time or run.expected_start_time) is not None
    )
