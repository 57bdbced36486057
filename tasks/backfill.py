"""What a backfill came to: on its run's page, and for the terminal."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prefect.artifacts import create_table_artifact

from tasks.run import stage_task


@dataclass(slots=True)
class BackfillReport:
    """What a backfill came to, counted in seeds from the files themselves.

    made, present, missing  files made since it began, by whomever; there before; not there now: failed or not reached
    too_large               not made, now or before, because the deals have more states than the settings allow
    failed                  blocks that failed in every attempt, and why
    """

    made: int = 0
    present: int = 0
    missing: int = 0
    too_large: int = 0
    failed: dict[range, str] = field(default_factory=dict[range, str])

    @property
    def summary(self) -> str:
        """One line."""
        failed = f", {len(self.failed)} blocks failed" if self.failed else ""
        too_large = f", {self.too_large:,} too large" if self.too_large else ""
        return f"{self.made:,} made, {self.present:,} already there, {self.missing:,} missing{too_large}{failed}"

    @property
    def rows(self) -> list[tuple[str, str]]:
        """The counts and the failed blocks, for people."""
        return [
            ("made", f"{self.made:,}"),
            ("already there", f"{self.present:,}"),
            ("missing", f"{self.missing:,}"),
            *([("too large", f"{self.too_large:,}")] if self.too_large else []),
            *((f"failed: seeds {block.start}-{block.stop - 1}", reason) for block, reason in self.failed.items()),
        ]


@stage_task(name="report backfill")
def report_backfill(report: BackfillReport, what: str, folder: Path) -> None:
    """The report as a table on the run's page."""
    rows: list[dict[str, Any]] = [{"": name, what: value} for name, value in report.rows]
    create_table_artifact(rows, key="backfill", description=f"Seeds of {folder}")
