"""The command ``python -m deploy.local_elasticsearch``.

1. Standard output holds exactly one line, the URL, once Elasticsearch answers; everything else goes to standard error.
2. It ends on SIGTERM and SIGINT with 0, and when its parent has ended.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path  # noqa: TC003 -- typer reads the annotations
from typing import Annotated

import typer

from deploy.local_elasticsearch import DEFAULT_VERSION, LocalElasticsearch, Unavailable, fetch

_WATCH_S = 0.25

app = typer.Typer(help="A real Elasticsearch without Docker, on loopback only.", add_completion=False)

Version = Annotated[str, typer.Option(help="8.19.5 (JDK 17 or later) or 9.2.0 (JDK 21 or later).")]


@app.command("fetch")
def fetch_command(version: Version = DEFAULT_VERSION) -> None:
    """Fetch the jars into the cache, and start nothing."""
    distribution = fetch(version)
    print(f"Elasticsearch {version} is in {distribution.jars}, for JDK {distribution.jdk.major}", file=sys.stderr)


@app.command()
def run(
    *,
    nodes: Annotated[int, typer.Option(min=1, max=3)] = 1,
    version: Version = DEFAULT_VERSION,
    port: Annotated[int, typer.Option(help="HTTP port of the first node; 0 chooses a free one.")] = 9200,
    heap: Annotated[str, typer.Option(help="Memory of each node's heap, such as 512m.")] = "1g",
    data: Annotated[Path | None, typer.Option(help="Keep the data here; otherwise it is removed at the end.")] = None,
) -> None:
    """Start it in the foreground, print its URL, and stop it on SIGTERM, on Ctrl-C, or with the parent process.

    Put into the background with `&`, it ends with that shell: nothing is left running unseen. To have it stay, give it
    no shell to end with: `setsid --fork python -m deploy.local_elasticsearch run`; `kill` ends it then.
    """
    parent = os.getppid()
    for end in (signal.SIGTERM, signal.SIGINT):
        signal.signal(end, signal.default_int_handler)
    with (
        suppress(KeyboardInterrupt),
        LocalElasticsearch(nodes=nodes, version=version, port=port, heap=heap, data=data) as elasticsearch,
    ):
        print(elasticsearch.url, flush=True)
        print(f"Elasticsearch {version}, {nodes} node(s), answers; Ctrl-C stops it", file=sys.stderr)
        while os.getppid() == parent:
            if not all(elasticsearch.running):
                raise Unavailable("an Elasticsearch node ended by itself.")
            time.sleep(_WATCH_S)


def main() -> None:
    """Run the command; what is missing is said in a sentence, without a traceback."""
    try:
        app()
    except Unavailable as error:
        sys.exit(f"local Elasticsearch: {error}")


if __name__ == "__main__":
    main()
