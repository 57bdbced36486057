"""Volumes of the local control plane: what has been committed, what each container sees of it, and conflicts."""

import hashlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web
from cloud import Cloud, Container, Volume
from cloud_files import Files
from cloud_files import folder as make_folder
from google.protobuf.empty_pb2 import Empty
from grpclib import GRPCError, Status
from modal_proto import api_pb2

BLOCK = 8 * 1024 * 1024
Stamp = tuple[int, int]


class Volumes:
    """Volume* calls. A container has a copy of its own, which commits and reloads bring together with the others'."""

    def __init__(self, cloud: Cloud, files: Files) -> None:
        self.cloud = cloud
        self.files = files
        self.root = make_folder(cloud.folder / "volumes")
        self._seen: dict[Path, dict[str, Stamp]] = {}
        files.serve_volume = self._serve

    def empty(self) -> None:
        """Forget what has been committed to the Volumes."""
        for path in self.root.iterdir():
            shutil.rmtree(path)
        self._seen.clear()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = self.volume(request.match_info["volume"]) / request.match_info["path"]
        start, length = int(request.query["start"]), int(request.query["len"])
        with path.open("rb") as file:
            file.seek(start)
            data = file.read(length)
        if self.cloud.faults.cut > 0:
            self.cloud.faults.cut -= 1
            response = web.StreamResponse(headers={"Content-Length": str(len(data))})
            await response.prepare(request)
            await response.write(data[: len(data) // 2])
            if request.transport:
                request.transport.abort()
            return response
        return web.Response(body=data)

    def volume(self, volume_id: str) -> Path:
        """The folder that holds what has been committed to a Volume; NOT_FOUND when there is none."""
        return make_folder(self.root / self.cloud.volume(volume_id).name)

    def view(self, volume_id: str, folder: Path) -> None:
        """What a container sees of a Volume when it starts or reloads: all that has been committed, and no more."""
        committed = self.volume(volume_id)
        for path in [*folder.rglob("*")]:
            if path.is_file() and not (committed / path.relative_to(folder)).exists():
                path.unlink()
        make_folder(folder)
        for name, stamp in _stamps(committed).items():
            target = folder / name
            if not target.exists() or _stamp(target) != stamp:
                _copy(committed / name, target)
        self._seen[folder] = _stamps(folder)

    async def VolumeGetOrCreate(self, request: api_pb2.VolumeGetOrCreateRequest, caller: Container | None) -> Any:
        name = request.deployment_name
        volume_id = f"vo-{hashlib.sha256(name.encode()).hexdigest()[:22]}"
        creates = request.object_creation_type == api_pb2.OBJECT_CREATION_TYPE_CREATE_IF_MISSING
        known = self.cloud.volumes.get(volume_id)
        if creates and not (known and known.exists):
            self.cloud.volumes[volume_id] = Volume(name, request.version or api_pb2.VOLUME_FS_VERSION_V1)
        elif known is None:
            raise GRPCError(Status.NOT_FOUND, f"Volume {name!r} not found in environment 'main'")
        version: Any = self.cloud.volume(volume_id).version
        metadata = api_pb2.VolumeMetadata(version=version, name=name)
        return api_pb2.VolumeGetOrCreateResponse(volume_id=volume_id, version=metadata.version, metadata=metadata)

    async def VolumeList(self, request: Any, caller: Container | None) -> Any:
        live = {key: volume.name for key, volume in self.cloud.volumes.items() if volume.exists}
        items = [api_pb2.VolumeListItem(volume_id=key, label=name) for key, name in live.items()]
        return api_pb2.VolumeListResponse(items=items, environment_name="main")

    async def VolumeCommit(self, request: api_pb2.VolumeCommitRequest, caller: Container | None) -> Any:
        if self.cloud.faults.conflicts > 0:
            self.cloud.faults.conflicts -= 1
            raise GRPCError(Status.FAILED_PRECONDITION, "volume commit failed: conflicting changes")
        self.commit(caller, request.volume_id)
        return api_pb2.VolumeCommitResponse(skip_reload=False)

    def commit(self, caller: Container | None, volume_id: str) -> None:
        """Put what has changed in a container's copy where all can see it; the last to commit a file wins."""
        view, committed = self._view_of(caller, volume_id), self.volume(volume_id)
        now, seen = _stamps(view), self._seen[view]
        for name in now.keys() - {name for name, stamp in seen.items() if now.get(name) == stamp}:
            _copy(view / name, committed / name)
        for name in seen.keys() - now.keys():
            (committed / name).unlink(missing_ok=True)
        self._seen[view] = now

    async def VolumeReload(self, request: api_pb2.VolumeReloadRequest, caller: Container | None) -> Any:
        self.view(request.volume_id, self._view_of(caller, request.volume_id))
        return Empty()

    async def VolumeListFiles(
        self, request: api_pb2.VolumeListFilesRequest, caller: Container | None
    ) -> AsyncIterator[Any]:
        yield api_pb2.VolumeListFilesResponse(entries=self._entries(request))

    async def VolumeListFiles2(self, request: Any, caller: Container | None) -> AsyncIterator[Any]:
        yield api_pb2.VolumeListFiles2Response(entries=self._entries(request))

    def _entries(self, request: Any) -> list[api_pb2.FileEntry]:
        root = self.volume(request.volume_id)
        start = root / request.path.strip("/")
        if not start.exists():
            raise GRPCError(Status.NOT_FOUND, f"path {request.path!r} not found in the volume")
        paths = [start] if start.is_file() else sorted(start.rglob("*") if request.recursive else start.iterdir())
        return [_entry(path, root) for path in paths]

    async def VolumeGetFile2(self, request: api_pb2.VolumeGetFile2Request, caller: Container | None) -> Any:
        path = self.volume(request.volume_id) / request.path.strip("/")
        if not path.is_file():
            raise GRPCError(Status.NOT_FOUND, f"file {request.path!r} not found in the volume")
        size = path.stat().st_size
        length = min(request.len or size, size - request.start)
        base = f"{self.cloud.files_url}/volumes/{request.volume_id}/{quote(request.path.strip('/'))}"
        starts = range(request.start, request.start + length, BLOCK)
        urls = [f"{base}?start={start}&len={min(BLOCK, request.start + length - start)}" for start in starts]
        return api_pb2.VolumeGetFile2Response(get_urls=urls, size=size, start=request.start, len=length)

    async def VolumePutFiles(self, request: api_pb2.VolumePutFilesRequest, caller: Container | None) -> Any:
        targets = self._targets(request, [file.filename for file in request.files])
        for file, target in zip(request.files, targets, strict=True):
            _copy(self.files.sources / file.sha256_hex, target)
        return Empty()

    async def VolumePutFiles2(self, request: api_pb2.VolumePutFiles2Request, caller: Container | None) -> Any:
        """Take files in blocks: answer which are missing, with where to send them, until none is."""
        targets = self._targets(request, [file.path for file in request.files])
        missing = [
            api_pb2.VolumePutFiles2Response.MissingBlock(
                file_index=number,
                block_index=index,
                put_url=f"{self.cloud.files_url}/blobs/{block.contents_sha256.hex()}",
            )
            for number, file in enumerate(request.files)
            for index, block in enumerate(file.blocks)
            if not (self.files.blobs / block.contents_sha256.hex()).exists()
        ]
        for file, target in zip(request.files, targets, strict=True) if not missing else ():
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as out:
                for index, block in enumerate(file.blocks):
                    out.seek(index * BLOCK)
                    out.write((self.files.blobs / block.contents_sha256.hex()).read_bytes())
                out.truncate(file.size)
        return api_pb2.VolumePutFiles2Response(missing_blocks=missing)

    def _targets(self, request: Any, names: list[str]) -> list[Path]:
        targets = [self.volume(request.volume_id) / name.lstrip("/") for name in names]
        taken = [target.name for target in targets if target.exists()]
        if taken and request.disallow_overwrite_existing_files:
            raise GRPCError(Status.ALREADY_EXISTS, f"{taken[0]}: already exists (use force to overwrite)")
        return targets

    async def VolumeRemoveFile(self, request: api_pb2.VolumeRemoveFileRequest, caller: Container | None) -> Any:
        path = self.volume(request.volume_id) / request.path.strip("/")
        if not path.exists():
            raise GRPCError(Status.NOT_FOUND, f"path {request.path!r} not found in the volume")
        if path.is_dir() and not request.recursive:
            raise GRPCError(Status.INVALID_ARGUMENT, f"{request.path!r} is a directory; pass recursive")
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        return Empty()

    async def VolumeRemoveFile2(self, request: Any, caller: Container | None) -> Any:
        return await self.VolumeRemoveFile(request, caller)

    def _view_of(self, caller: Container | None, volume_id: str) -> Path:
        if caller is None or volume_id not in caller.views:
            raise GRPCError(Status.FAILED_PRECONDITION, "only a container that mounts the Volume can do that")
        return caller.views[volume_id]


def _stamp(path: Path) -> Stamp:
    return path.stat().st_mtime_ns, path.stat().st_size


def _stamps(folder: Path) -> dict[str, Stamp]:
    return {str(path.relative_to(folder)): _stamp(path) for path in folder.rglob("*") if path.is_file()}


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    shutil.copy2(source, partial)
    partial.replace(target)


def _entry(path: Path, root: Path) -> api_pb2.FileEntry:
    kind = api_pb2.FileEntry.DIRECTORY if path.is_dir() else api_pb2.FileEntry.FILE
    status = path.stat()
    size = 0 if path.is_dir() else status.st_size
    return api_pb2.FileEntry(path=str(path.relative_to(root)), type=kind, mtime=int(status.st_mtime), size=size)
