"""Files of the local control plane: uploaded sources, and blobs, which travel over HTTP."""

import hashlib
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web
from cloud import Cloud, Container, new_id
from modal_proto import api_pb2


class Files:
    """Blob* and Mount* calls, and the HTTP server to which the client sends anything big."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.blobs = folder(cloud.folder / "blobs")
        self.sources = folder(cloud.folder / "sources")
        self.serve_volume: Callable[[web.Request], Awaitable[web.StreamResponse]]
        self._runner: web.AppRunner | None = None

    async def open(self) -> None:
        """Serve HTTP on a free port."""
        app = web.Application(client_max_size=1 << 30)
        app.router.add_put("/blobs/{blob}", self._put)
        app.router.add_get("/blobs/{blob}", self._get)
        app.router.add_get("/volumes/{volume}/{path:.+}", self.serve_volume)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.cloud.files_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def _put(self, request: web.Request) -> web.Response:
        data = await request.read()
        (self.blobs / request.match_info["blob"]).write_bytes(data)
        return web.Response(headers={"ETag": f'"{hashlib.md5(data).hexdigest()}"'})

    async def _get(self, request: web.Request) -> web.Response:
        return web.Response(body=(self.blobs / request.match_info["blob"]).read_bytes())

    async def BlobCreate(self, request: api_pb2.BlobCreateRequest, caller: Container | None) -> Any:
        blob = new_id("bl")
        urls = api_pb2.UploadUrlList(items=[f"{self.cloud.files_url}/blobs/{blob}"])
        return api_pb2.BlobCreateResponse(blob_id=blob, blob_ids=[blob], upload_urls=urls)

    async def BlobGet(self, request: api_pb2.BlobGetRequest, caller: Container | None) -> Any:
        return api_pb2.BlobGetResponse(download_url=f"{self.cloud.files_url}/blobs/{request.blob_id}")

    async def MountBatchedCheckExistence(self, request: Any, caller: Container | None) -> Any:
        missing = [digest for digest in request.sha256_hex_hashes if not (self.sources / digest).exists()]
        return api_pb2.MountBatchedCheckExistenceResponse(missing_sha256_hex_hashes=missing)

    async def MountPutFile(self, request: api_pb2.MountPutFileRequest, caller: Container | None) -> Any:
        target = self.sources / request.sha256_hex
        if request.WhichOneof("data_oneof") == "data":
            target.write_bytes(request.data)
        elif request.data_blob_id:
            shutil.copyfile(self.blobs / request.data_blob_id, target)
        return api_pb2.MountPutFileResponse(exists=target.exists())

    async def MountGetOrCreate(self, request: api_pb2.MountGetOrCreateRequest, caller: Container | None) -> Any:
        listing = sorted(f"{file.filename}\0{file.sha256_hex}" for file in request.files)
        checksum = hashlib.sha256("\n".join(listing).encode()).hexdigest()
        mount_id = f"mo-{checksum[:22]}"
        self.cloud.mounts[mount_id] = list(request.files)
        metadata = api_pb2.MountHandleMetadata(content_checksum_sha256_hex=checksum)
        return api_pb2.MountGetOrCreateResponse(mount_id=mount_id, handle_metadata=metadata)

    def unpack(self, files: list[api_pb2.MountFile], root: Path) -> None:
        """Put the files of a mount below a folder that stands for the container's root."""
        for file in files:
            target = root / file.filename.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.sources / file.sha256_hex, target)


def folder(path: Path) -> Path:
    """The folder, made if need be."""
    path.mkdir(parents=True, exist_ok=True)
    return path
