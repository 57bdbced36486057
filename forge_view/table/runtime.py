"""onnxruntime-web from the npm registry: one version, checked against its digest, kept in a folder."""

import base64
import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from forge_core.errors import DamagedFile, ForgeError

VERSION = "1.30.0"
DIGEST = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""What the registry calls the integrity of the package of this version."""

FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
"""The part of the package that a page needs."""


class NoRuntime(ForgeError):
    """onnxruntime-web is not there and cannot be fetched."""


def runtime(cache: Path) -> Path:
    """The folder with FILES in `cache`, fetched by npm unless it is there.

    Raises NoRuntime without npm or a registry, DamagedFile when the package is not the one that was pinned.
    """
    folder = cache / f"onnxruntime-web-{VERSION}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".onnxruntime-web.", dir=cache) as temporary:
        package = _pack(Path(temporary))
        _check(package)
        unpacked = Path(temporary) / "files"
        unpacked.mkdir()
        with tarfile.open(package) as archive:
            for name in FILES:
                source = archive.extractfile(f"package/dist/{name}")
                if source is None:
                    raise _damaged(f"{name} is not a file in it")
                with source, (unpacked / name).open("wb") as target:
                    shutil.copyfileobj(source, target)
        if not folder.is_dir():  # another process may have been faster
            unpacked.rename(folder)
    return folder


def _pack(folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise _missing("no npm on this machine", "install Node.js, which brings it")
    command = [npm, "pack", f"onnxruntime-web@{VERSION}", "--ignore-scripts", "--silent", "--fetch-retries=0"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired as problem:
        raise _missing("no answer of the npm registry in five minutes", "try again") from problem
    packages = list(folder.glob("*.tgz"))
    if done.returncode != 0 or len(packages) != 1:
        last = (done.stderr.strip() or done.stdout.strip() or f"npm ended with {done.returncode}").splitlines()[-1]
        raise _missing(f"no package from the npm registry ({last})", "try again when it can be reached")
    return packages[0]


def _check(package: Path) -> None:
    with package.open("rb") as file:
        digest = hashlib.file_digest(file, "sha512").digest()
    found = "sha512-" + base64.b64encode(digest).decode()
    if found != DIGEST:
        raise _damaged(f"its digest is {found}")


def _missing(got: str, remedy: str) -> NoRuntime:
    return NoRuntime.of(got=got, expected=f"onnxruntime-web {VERSION}, which runs models in a browser", remedy=remedy)


def _damaged(problem: str) -> DamagedFile:
    return DamagedFile.of(
        got=f"a package onnxruntime-web {VERSION} that is not the pinned one ({problem})",
        expected=f"the digest {DIGEST}",
        remedy="look at what the registry serves before using it",
    )
