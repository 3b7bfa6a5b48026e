"""PodSandbox metrics (pkg/validate/pod.go): every descriptor that kubelets and dashboards know of cAdvisor, and a value of each."""
import runtime_pb2 as cri
from world import TOP, equal, expect, it

METRICS = "PodSandbox runtime should support metrics operations"
EXPECTED = [f"container_{name}" for name in """
blkio_device_usage_total cpu_cfs_periods_total cpu_cfs_throttled_periods_total cpu_cfs_throttled_seconds_total cpu_system_seconds_total
cpu_usage_seconds_total cpu_user_seconds_total file_descriptors fs_inodes_free fs_inodes_total fs_limit_bytes fs_reads_bytes_total
fs_reads_total fs_usage_bytes fs_writes_bytes_total fs_writes_total hugetlb_max_usage_bytes hugetlb_usage_bytes last_seen memory_cache
memory_failcnt memory_failures_total memory_kernel_usage memory_mapped_file memory_max_usage_bytes memory_rss memory_swap
memory_usage_bytes memory_working_set_bytes network_receive_bytes_total network_receive_errors_total
network_receive_packets_dropped_total network_receive_packets_total network_transmit_bytes_total network_transmit_errors_total
network_transmit_packets_dropped_total network_transmit_packets_total oom_events_total pressure_cpu_stalled_seconds_total
pressure_cpu_waiting_seconds_total pressure_io_stalled_seconds_total pressure_io_waiting_seconds_total
pressure_memory_stalled_seconds_total pressure_memory_waiting_seconds_total processes sockets spec_cpu_period spec_cpu_quota
spec_cpu_shares spec_memory_limit_bytes spec_memory_reservation_limit_bytes spec_memory_swap_limit_bytes start_time_seconds threads
threads_max ulimits_soft""".split()]
# What upstream lets be absent, since runtimes do not count it yet.
UNIMPLEMENTED = {f"container_{name}" for name in """
hugetlb_max_usage_bytes hugetlb_usage_bytes pressure_cpu_stalled_seconds_total pressure_cpu_waiting_seconds_total pressure_io_stalled_seconds_total
pressure_io_waiting_seconds_total pressure_memory_stalled_seconds_total pressure_memory_waiting_seconds_total spec_cpu_quota
spec_memory_reservation_limit_bytes ulimits_soft""".split()}
# Of these a value may lack: what is written does not reach a disk at once.
OPTIONAL = UNIMPLEMENTED | {f"container_{name}" for name in """
blkio_device_usage_total fs_reads_bytes_total fs_reads_total fs_writes_bytes_total fs_writes_total""".split()}


@it(METRICS, "runtime should support returning metrics descriptors")
def descriptors(w):
    found = w.runtime.ListMetricDescriptors(cri.Empty()).descriptors
    expect(all(d.help and d.label_keys for d in found), found)
    equal([name for name in EXPECTED if name not in {d.name for d in found} | UNIMPLEMENTED], [], "missing")


@it(METRICS, "runtime should support listing pod sandbox metrics")
def values(w):
    pod = w.pod()
    resources = cri.LinuxContainerResources(
        cpu_period=100_000, cpu_quota=20_000, cpu_shares=1024, memory_limit_in_bytes=64 << 20, memory_swap_limit_in_bytes=64 << 20)
    container = pod.container(TOP, resources=resources)
    container.says("sh", "-c", "mkdir -p /var/lib/mydisktest; for i in $(seq 10); do echo hi >/var/lib/mydisktest/$i; done; sync")
    described = {d.name: len(d.label_keys) for d in w.runtime.ListMetricDescriptors(cri.Empty()).descriptors}
    [of_pod] = [m for m in w.runtime.ListPodSandboxMetrics(cri.Empty()).pod_metrics if m.pod_sandbox_id == pod.id]
    found = {}
    for metric in [*of_pod.metrics, *(m for c in of_pod.container_metrics for m in c.metrics)]:
        found.setdefault(metric.name, len(metric.label_values))
    equal([n for n in EXPECTED if n not in found and n not in OPTIONAL], [], "without a value")
    equal([n for n, keys in described.items() if found.get(n, 0 if n not in OPTIONAL else keys) != keys], [], "with other labels than described")
    equal([n for n in found if n not in described], [], "not described")
