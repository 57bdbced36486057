"""Limits of containers, as both versions of control groups write them."""

from pathlib import Path

import pytest

from configs import container


def _written(folder: Path, contents: dict[str, str]) -> Path:
    for name, text in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("ours", "contents", "cores", "memory"),
    [
        (
            "0::/\n",
            {"cpu.max": "150000 100000\n", "memory.max": "4000\n", "memory.current": "1000\n"},
            1.5,
            (4000, 1000),
        ),
        ("0::/\n", {"cpu.max": "max 100000\n", "memory.max": "max\n", "memory.current": "1000\n"}, None, None),
        (
            "0::/pod/box\n",  # the tightest group of those around this process
            {
                "pod/cpu.max": "200000 100000",
                "pod/box/cpu.max": "400000 100000",
                "pod/memory.max": "9000",
                "pod/memory.current": "8000",
                "pod/memory.stat": "anon 1\ninactive_file 500",
                "pod/box/memory.max": "5000",
                "pod/box/memory.current": "10",
            },
            2.0,
            (9000, 7500),
        ),
        (
            "4:memory:/box\n3:cpu,cpuacct:/box\n",
            {
                "cpu/box/cpu.cfs_quota_us": "50000\n",
                "cpu/box/cpu.cfs_period_us": "100000\n",
                "memory/box/memory.limit_in_bytes": "7000\n",
                "memory/box/memory.usage_in_bytes": "600\n",
            },
            0.5,
            (7000, 600),
        ),
        (
            "3:cpu:/\n4:memory:/\n",
            {
                "cpu/cpu.cfs_quota_us": "-1\n",
                "cpu/cpu.cfs_period_us": "100000\n",
                "memory/memory.limit_in_bytes": "9223372036854771712\n",
                "memory/memory.usage_in_bytes": "600\n",
            },
            None,
            None,
        ),
        ("", {}, None, None),
    ],
    ids=["version 2", "version 2 without limits", "nested", "version 1", "version 1 without limits", "no groups"],
)
def test_limits_are_those_of_the_groups(
    ours: str, contents: dict[str, str], cores: float | None, memory: tuple[int, int] | None, tmp_path: Path
) -> None:
    (tmp_path / "ours").write_text(ours)
    files = _written(tmp_path / "files", contents)
    assert container.cores(files, tmp_path / "ours") == cores
    assert container.memory(files, tmp_path / "ours") == memory


@pytest.mark.parametrize(("quota", "expected"), [(None, 8), (0.5, 1), (1.5, 2), (64.0, 8)])
def test_threads_follow_the_quota(quota: float | None, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "cores", lambda: quota)
    assert container.threads(8) == expected
