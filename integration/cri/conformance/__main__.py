"""The assertions of critest (kubernetes-sigs/cri-tools, pkg/validate) under critest's own names, for a machine that cannot have critest itself.

usage: conformance SOCKET REGISTRY LOGS [--devices DIRECTORY] [--only TEXT] [--peer]
REGISTRY is one that this program pushes the tests' images to and the runtime pulls them from. The runtime looks for files that describe devices in `first`
and then in `later` beneath DIRECTORY. With --peer a test that the other runtime fails is told, not
counted. Prints a line for each test and one with the counts.
"""
import argparse
import sys
import traceback

import grpc

from world import Skip, Tests, World
import clients, containers, devices, hooks, host_hooks, images, keyrings  # noqa: F401 (each adds its tests)
import lists, manifests, metrics, mounts, seccomp, security, streaming, users  # noqa: F401
from fixtures import push_images


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("socket")
    parser.add_argument("registry")
    parser.add_argument("logs")
    parser.add_argument("--devices", default="")
    parser.add_argument("--only", default="")
    parser.add_argument("--peer", action="store_true")
    options = parser.parse_args()
    push_images(options.registry)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for name, body in Tests.all:
        if options.only not in name:
            continue
        world = World(options)
        try:
            body(world)
            outcome, why = "passed", ""
        except Skip as skip:
            outcome, why = "skipped", str(skip)
        except grpc.RpcError as error:
            outcome, why = "failed", f"{error.code()}: {error.details()}"
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            outcome, why = "failed", f"{place.name}:{place.lineno}: {type(error).__name__}: {error}"
        try:
            world.clean_up()
        except Exception as error:
            outcome, why = "failed", f"{why} and what it made does not go: {error}"
        counts[outcome] += 1
        print({"passed": "ok   ", "failed": "FAIL ", "skipped": "skip "}[outcome], name + (f": {why}" if why else ""), flush=True)
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return counts["failed"] > 0 and not options.peer


sys.exit(main())
