"""Runs wstest in a container: `python -m harness.engines.docker_worker IMAGE server URL CASE ...`.

It works as `wstest_worker` does, in another place. The container ends, and Docker removes it, when nobody is
attached to its standard input any more: so none is left even where this process is killed.
"""

from __future__ import annotations

import io
import signal
import sys
import tarfile
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import docker
from docker.errors import APIError, DockerException, NotFound
from docker.utils.socket import STDERR, frames_iter
from requests.exceptions import RequestException

from harness.engines.wstest_files import REPORTS
from harness.engines.wstest_worker import HELD, Place, end, run
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LABEL = "wsproto-harness"
"""The label of the containers: `docker ps --filter label=wsproto-harness`."""

WORKING = "/wstest"
"""The working directory in the container."""

REMOVE_TIMEOUT = 4.0
"""Seconds that the engine has to remove a container: less than the harness gives this process."""


class Container(Place):
    """A container of Autobahn's image.

    As a client it uses the network of this machine, where the server under test listens on loopback; as a
    server a network of its own, of which one port is published on loopback.
    """

    def __init__(self, image: str) -> None:
        self._image = image
        self._docker: Any = docker.from_env()
        self._container: Any = None
        self._socket: Any = None
        self._files: dict[str, bytes] = {}

    def start(self, arguments: Sequence[str], files: Mapping[str, str], port: int | None) -> None:
        """Create the container, give it the files, attach, and start."""
        try:
            self._start(arguments, files, port)
        except APIError as error:  # a port in use, an image that has no `sh`
            raise CommandError(f"Docker: {error.explanation}") from error

    def _start(self, arguments: Sequence[str], files: Mapping[str, str], port: int | None) -> None:
        published = {"ports": {f"{port}/tcp": ("127.0.0.1", port)}}
        self._container = self._docker.containers.create(
            self._image,
            entrypoint=["sh", "-c", HELD, "sh"],
            command=["wstest", *arguments],
            working_dir=WORKING,
            environment={"PYTHONUNBUFFERED": "1"},
            labels=[LABEL],
            init=True,
            auto_remove=True,
            stdin_open=True,
            **({"network_mode": "host"} if port is None else published),
        )
        self._container.put_archive("/", _tar(files))
        streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        self._socket = self._container.attach_socket(params=streams)
        self._container.start()

    def lines(self) -> Iterator[str]:
        """Yield what it prints; its standard error becomes ours."""
        rest = b""
        for stream, data in frames_iter(self._socket, tty=False):
            if stream == STDERR:
                sys.stderr.write(data.decode(errors="replace"))
                continue
            *lines, rest = (rest + data).split(b"\n")
            yield from (line.decode(errors="replace") for line in lines)

    def read(self, name: str) -> bytes:
        """Read a report; the first time, all are fetched."""
        if not self._files:
            try:
                chunks, _ = self._container.get_archive(f"{WORKING}/{REPORTS}")
            except NotFound:
                raise FileNotFoundError(name) from None
            self._files = _untar(b"".join(chunks))
        return self._files[name]

    def close(self) -> None:
        """Remove the container, and wait until it is gone."""
        if self._socket is not None:
            self._socket.close()
        until = time.monotonic() + REMOVE_TIMEOUT
        with suppress(NotFound):
            while self._container is not None and time.monotonic() < until:
                with suppress(APIError):  # it is being removed already
                    self._container.remove(force=True, v=True)
                self._container.reload()
                time.sleep(0.05)
        self._docker.close()


def _tar(files: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"{WORKING}/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def _untar(packed: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        members = {member.name.rpartition("/")[2]: archive.extractfile(member) for member in archive}
        return {name: content.read() for name, content in members.items() if content is not None}


def main() -> None:
    """Run."""
    signal.signal(signal.SIGTERM, end)
    image, role, *rest = sys.argv[1:]
    try:
        run(Container(image), role, rest)
    except (DockerException, RequestException) as error:
        sys.exit(f"Docker: {error}")


if __name__ == "__main__":
    main()
