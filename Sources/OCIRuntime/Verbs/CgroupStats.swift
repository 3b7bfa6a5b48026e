import JSONTree
import Launch

/// What a container uses, in the form that runc's `events` has.
enum CgroupStats {
    static func json(_ cgroup: ContainerCgroup) -> JSONValue {
        let group = cgroup.group
        let times = (try? group.counters("cpu.stat")) ?? [:]
        let memory = (try? group.counters("memory.stat")) ?? [:]
        func number(_ value: UInt64?) -> JSONValue { .integer(Int64(clamping: value ?? 0)) }
        func nanoseconds(_ key: String) -> JSONValue {
            number((times[key] ?? 0).multipliedReportingOverflow(by: 1000).partialValue)
        }
        let usage: JSONObject = [
            "total": nanoseconds("usage_usec"), "kernel": nanoseconds("system_usec"), "user": nanoseconds("user_usec"),
        ]
        let throttling: JSONObject = [
            "periods": number(times["nr_periods"]), "throttledPeriods": number(times["nr_throttled"]),
            "throttledTime": nanoseconds("throttled_usec"),
        ]
        var result: JSONObject = ["cpu": .object(["usage": .object(usage), "throttling": .object(throttling)])]
        result["pids"] = ["current": number(group.number("pids.current")), "limit": number(group.number("pids.max"))]
        let raw = JSONObject(memory.map { ($0.key, number($0.value)) })
        result["memory"] = [
            "usage": ["usage": number(group.number("memory.current")), "limit": number(group.number("memory.max"))],
            "swap": [
                "usage": number(group.number("memory.swap.current")), "limit": number(group.number("memory.swap.max")),
            ],
            "raw": .object(raw),
        ]
        return .object(result)
    }
}
