"""The engine docker: Autobahn's own image, in a container that `harness.engines.docker_worker` runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import docker
from docker.errors import DockerException, ImageNotFound
from requests.exceptions import RequestException
from rich.progress import Progress

from harness.engines.suite import Suite
from harness.engines.workers import work
from tooling.errors import CommandError, MissingError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence
    from pathlib import Path

    from rich.console import Console

    from harness.engines.suite import Step

WORKER = "harness.engines.docker_worker"
IMAGE = "crossbario/autobahn-testsuite:25.10.1"


class DockerSuite(Suite):
    """Autobahn's image; `version` pulls it where it is missing, and shows the progress."""

    options = " --engine docker"

    def __init__(self, console: Console, image: str = IMAGE) -> None:
        self._console = console
        self._image = image

    def version(self) -> str:
        """Return the image and the engine, or raise `MissingError`."""
        try:
            client = docker.from_env()
            engine = client.version()["Version"]
        except (DockerException, RequestException) as error:
            raise MissingError(
                f"no Docker engine answers (start it, or set DOCKER_HOST; `docker info` has to work): {error}"
            ) from error
        try:
            client.images.get(self._image)
        except ImageNotFound:
            self._pull(client.api)
        except (DockerException, RequestException) as error:
            raise CommandError(f"the image {self._image} cannot be used: {error}") from error
        finally:
            client.close()
        return f"{self._image} in Docker {engine}"

    def _pull(self, api: Any) -> None:
        self._console.print(f"pulling {self._image}", highlight=False)
        try:
            show_pull(self._console, api.pull(self._image, stream=True, decode=True))
        except (DockerException, RequestException, CommandError) as error:
            raise CommandError(
                f"the image {self._image} is not here and cannot be pulled: {error}"
            ) from error

    def fuzz_server(self, url: str, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:
        """Run cases against a server."""
        return work("wstest in Docker", [WORKER, self._image, "server", url, *cases], log, is_suite=False)

    def fuzz_client(self, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:
        """Serve cases to a client."""
        return work("wstest in Docker", [WORKER, self._image, "client", *cases], log, is_suite=False)


def show_pull(console: Console, messages: Iterable[dict[str, Any]]) -> None:
    """Show the progress of the layers: a bar on a terminal, else a line for each that is complete.

    Raises `CommandError` where the engine tells of an error.
    """
    sizes: dict[str, tuple[int, int]] = {}
    error = ""
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bars:
        task = bars.add_task("layers", total=None)
        for message in messages:
            error = error or str(message.get("error", ""))
            layer, status = message.get("id", ""), message.get("status", "")
            match message.get("progressDetail"):
                case {"current": int(current), "total": int(total)} if status == "Downloading":
                    sizes[layer] = current, total
                    bars.update(
                        task,
                        completed=sum(now for now, _ in sizes.values()),
                        total=sum(total for _, total in sizes.values()),
                    )
            if status == "Pull complete" and not console.is_terminal:
                console.print(f"{layer}: {status.lower()}", highlight=False)
    if error:
        raise CommandError(error)
