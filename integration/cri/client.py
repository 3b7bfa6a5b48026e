"""Every call of the CRI, by a client that shares no code with the runtime: grpcio, from the definitions in runtime.proto.

usage: client.py SOCKET IMAGE LOGDIR [--calls N] [--peer]
With --peer another runtime is asked, for what upstream lets differ; what this one alone promises is left out.
Prints a line for each check and one with the counts.
"""
import argparse
import sys
import threading
import time

import grpc
import runtime_pb2 as cri
from calls import Calls, check, code, counts, eventually
from confinement import security, stats
from lives import containers, images, sandboxes
from streams import streams


def state(calls):
    version = calls.runtime.Version(cri.VersionRequest(version="0.1.0"))
    check("Version names the runtime and the API", version.runtime_name and version.runtime_api_version == "v1", version)
    conditions = {c.type: c.status for c in calls.runtime.Status(cri.StatusRequest(verbose=True)).status.conditions}
    check("Status says that runtime and network are ready",
          conditions.get("RuntimeReady") and (calls.options.peer or conditions.get("NetworkReady")), conditions)
    network = cri.RuntimeConfig(network_config=cri.NetworkConfig(pod_cidr="10.42.0.0/24"))
    calls.runtime.UpdateRuntimeConfig(cri.UpdateRuntimeConfigRequest(runtime_config=network))
    check("UpdateRuntimeConfig is taken", True)
    if calls.options.peer:
        return
    driver = calls.runtime.RuntimeConfig(cri.Empty()).linux.cgroup_driver
    check("RuntimeConfig names the cgroup driver", driver == cri.CGROUPFS, driver)
    checkpoint = lambda: calls.runtime.CheckpointContainer(cri.CheckpointContainerRequest(container_id="x"))
    check("CheckpointContainer is unimplemented, and says so", code(checkpoint) == grpc.StatusCode.UNIMPLEMENTED)
    unknown = calls.channel.unary_unary("/runtime.v1.RuntimeService/NoSuchCall")
    check("an unknown call is unimplemented", code(lambda: unknown(b"")) == grpc.StatusCode.UNIMPLEMENTED)
    garbled = calls.channel.unary_unary("/runtime.v1.RuntimeService/StartContainer")
    check("bytes that are no message are refused", code(lambda: garbled(b"\x0a\xff")) == grpc.StatusCode.INVALID_ARGUMENT)
    handler = cri.RunPodSandboxRequest(config=calls.sandbox_config("handler"), runtime_handler="none")
    check("an unknown runtime handler is refused",
          code(lambda: calls.runtime.RunPodSandbox(handler)) == grpc.StatusCode.INVALID_ARGUMENT)


def events(calls):
    seen = []
    stream = calls.runtime.GetContainerEvents(cri.Empty())

    def follow():
        try:
            for event in stream:
                seen.append((event.container_id, event.container_event_type))
        except grpc.RpcError:
            pass

    threading.Thread(target=follow, daemon=True).start()
    # Nothing says when the call has begun but an event.
    check("GetContainerEvents begins to tell", eventually(15, lambda: calls.remove(calls.sandbox("heard")[0]) or seen))
    box, config = calls.sandbox("events")
    id = calls.start(box, config, calls.container_config("brief", ["true"]))
    calls.ended(id)
    # Its state may show the end before the event does, and of one that is removed between the two no end is told.
    eventually(5, lambda: (id, cri.CONTAINER_STOPPED_EVENT) in seen)
    calls.runtime.RemoveContainer(cri.ContainerID(container_id=id))
    calls.remove(box)
    life = (cri.CONTAINER_CREATED_EVENT, cri.CONTAINER_STARTED_EVENT, cri.CONTAINER_STOPPED_EVENT, cri.CONTAINER_DELETED_EVENT)
    for of, what in ((id, "container"), (box, "sandbox")):
        good = eventually(5, lambda: [kind for one, kind in seen if one == of] == list(life))
        check(f"GetContainerEvents tells a {what}'s life in order", good, seen)
    stream.cancel()


def sizes(calls):
    """What kubelets and runtimes take from each other is 16 MiB; what is refused leaves the connection as it was."""
    most = cri.VersionRequest(version="x" * ((16 << 20) - 5))
    check("a message of 16 MiB is taken", most.ByteSize() == 16 << 20 and calls.runtime.Version(most).version == "0.1.0")
    refused = code(lambda: calls.runtime.Version(cri.VersionRequest(version="x" * (17 << 20))))
    check("a larger one is refused as such", refused == grpc.StatusCode.RESOURCE_EXHAUSTED, refused)
    check("and the next call is answered", calls.runtime.Version(cri.VersionRequest()).version == "0.1.0")


def many(calls):
    begin = time.monotonic()
    for _ in range(calls.options.calls):
        calls.runtime.Version(cri.VersionRequest())
    seconds = time.monotonic() - begin
    check(f"{calls.options.calls} calls on one connection ({calls.options.calls / seconds:.0f} a second)", True)
    waiting = [calls.runtime.Status.future(cri.StatusRequest()) for _ in range(200)]
    check("200 calls at one time are answered", all(f.result(timeout=120) for f in waiting))
    if calls.options.peer:
        return
    silent = [calls.runtime.GetContainerEvents(cri.Empty()) for _ in range(400)]
    beside = code(lambda: calls.runtime.Version(cri.VersionRequest(), timeout=60))
    check("a call is answered beside 400 that wait", beside == grpc.StatusCode.OK, beside)
    for call in silent:
        call.cancel()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("socket")
    parser.add_argument("image")
    parser.add_argument("logs")
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--peer", action="store_true")
    calls = Calls(parser.parse_args())
    for part in (state, images, sandboxes, containers, security, stats, events, streams, sizes, many):
        if calls.options.peer and part == events:
            continue
        try:
            part(calls)
        except Exception as error:
            check(part.__name__, False, f"{type(error).__name__}: {error}")
    for box in calls.runtime.ListPodSandbox(cri.ListPodSandboxRequest()).items:
        calls.remove(box.id)
    print(f"{counts['passed']} passed, {counts['failed']} failed")
    return counts["failed"] > 0


sys.exit(main())
