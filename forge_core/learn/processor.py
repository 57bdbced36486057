"""What a network was trained on, by name."""

import platform
from pathlib import Path

import torch


def processor_name(device: torch.device) -> str:
    """The name of a CUDA device, or of this machine's processor."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
