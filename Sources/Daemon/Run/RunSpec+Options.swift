import CRI
import ContainerRuntime
import Glibc
import Linux
import OCI

/// Further options, as docker and podman have them.
extension RunSpec {
    /// Takes a device: `/dev/HERE`, `/dev/HERE:/dev/THERE`, either with `:rwm` or a part of it; or a name such as `vendor.com/class=device`.
    package mutating func take(device text: String) throws(DaemonError) {
        if DeviceName.isQualified(text) { return namedDevices.append(text) }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        var places = parts[...]
        var permissions = "rwm"
        if let last = parts.last, !last.isEmpty, parts.count > 1, last.allSatisfy({ "rwm".contains($0) }) {
            permissions = last
            places = places.dropLast()
        }
        guard (1...2).contains(places.count), let here = places.first, let there = places.last,
            places.allSatisfy({ $0.hasPrefix("/dev/") })
        else {
            throw DaemonError(
                "--device \(text): write /dev/HERE, with :/dev/THERE and :rwm after it, or VENDOR/CLASS=DEVICE")
        }
        devices.append(Device(hostPath: here, containerPath: there, permissions: permissions))
    }

    /// `NAME=VALUE`.
    package static func assignment(
        _ text: String, of option: String
    ) throws(DaemonError) -> (name: String, value: String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[0].isEmpty else { throw DaemonError("\(option) \(text): write NAME=VALUE") }
        return (parts[0], parts[1])
    }

    /// Limits of processor time: `--cpu-shares`, `--cpu-quota` and `--cpu-period`, the last two in microseconds.
    package mutating func limitTime(shares: Int64?, quota: Int64?, period: Int64?) throws(DaemonError) {
        if let shares, shares != 0 {
            guard (2...262_144).contains(shares) else { throw DaemonError("--cpu-shares takes 2 to 262144") }
            resources.cpuRequest = (shares * 1_000 + 1_023) / 1_024
        }
        guard let quota, quota > 0 else {
            guard (period ?? 0) == 0 else { throw DaemonError("--cpu-period needs --cpu-quota") }
            return
        }
        guard resources.cpuLimit == nil else { throw DaemonError("--cpus and --cpu-quota say the same: give one") }
        let period = period.flatMap { $0 == 0 ? nil : $0 } ?? 100_000
        guard (1_000...1_000_000).contains(period), (1_000...1_000_000_000_000).contains(quota) else {
            throw DaemonError("--cpu-period takes 1000 to 1000000 microseconds, --cpu-quota 1000 and more")
        }
        guard quota * 1_000 % period == 0 else {
            throw DaemonError("--cpu-quota \(quota): of a period of \(period) it is no whole number of thousandths")
        }
        (resources.cpuLimit, resources.cpuPeriod) = (quota * 1_000 / period, period)
    }

    /// Memory and swap together; -1 for as much swap as there is.
    package mutating func limitSwap(_ text: String) throws(DaemonError) {
        guard let memory = resources.memoryLimit else { throw DaemonError("--memory-swap needs --memory") }
        let limit = text == "-1" ? Int64.max : try Self.bytes(text, of: "--memory-swap")
        guard limit >= memory else {
            throw DaemonError("--memory-swap \(text): it is memory and swap together, so no less than --memory")
        }
        resources.memorySwapLimit = limit
    }

    /// Whose processes it sees (`host`, or its own), and whether there is one that collects those whose parents have ended.
    package mutating func see(_ pid: String?, hasReaper: Bool) throws(DaemonError) {
        switch pid {
        case nil, "", "private": processes = hasReaper ? .pod : .container
        case "host":
            guard !hasReaper else { throw DaemonError("--init: with --pid host the machine's own init does that") }
            processes = .node
        case let other?: throw DaemonError("--pid \(other): there are host and private; a pod's containers can share")
        }
    }

    package mutating func share(ipc text: String?) throws(DaemonError) {
        switch text {
        case nil, "", "private", "shareable": ipc = .pod
        case "host": ipc = .node
        case let other?: throw DaemonError("--ipc \(other): there are host and private; a pod's containers share")
        }
    }

    /// An error where this is not the platform whose images are preferred here.
    package static func check(platform text: String) throws(DaemonError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { $0.lowercased() }
        let names = ["x86_64": "amd64", "aarch64": "arm64"]
        let architecture = parts.count > 1 ? parts[1] : parts[0]
        let wanted = ImagePlatform(
            system: parts.count > 1 ? parts[0] : "linux", architecture: names[architecture] ?? architecture,
            variant: parts.count > 2 ? parts[2] : "")
        guard parts.count <= 3, wanted.architecture == ImagePlatform.host.architecture, wanted.runs(on: .host) else {
            throw DaemonError("--platform \(text): images of \(ImagePlatform.host) alone can be asked for here")
        }
    }

    /// By the kernel's numbers.
    private static let limitNames = [
        "cpu", "fsize", "data", "stack", "core", "rss", "nproc", "nofile", "memlock", "as", "locks", "sigpending",
        "msgqueue", "nice", "rtprio", "rttime",
    ]

    /// `NAME=SOFT:HARD`, or `NAME=BOTH`; -1 is none.
    package static func limit(_ text: String) throws(DaemonError) -> ProcessLimit {
        let (name, value) = try assignment(text, of: "--ulimit")
        let amounts = value.split(separator: ":", omittingEmptySubsequences: false).map { amount in
            ["-1", "unlimited"].contains(amount) ? UInt64.max : UInt64(amount)
        }
        guard let resource = limitNames.firstIndex(of: name) else {
            throw DaemonError("--ulimit \(text): there are \(limitNames.joined(separator: ", "))")
        }
        guard (1...2).contains(amounts.count), let soft = amounts[0], let hard = amounts[amounts.count - 1],
            soft <= hard
        else { throw DaemonError("--ulimit \(text): write NAME=SOFT:HARD, or NAME=BOTH, with -1 for none") }
        return ProcessLimit(resource: UInt32(resource), soft: soft, hard: hard)
    }

    /// `NAME:ADDRESS` or `NAME=ADDRESS`; `host-gateway` is this machine.
    package static func host(_ text: String) throws(DaemonError) -> HostEntry {
        guard let mark = text.firstIndex(where: { ":=".contains($0) }), mark != text.startIndex,
            !text[..<mark].contains(where: \.isWhitespace)
        else { throw DaemonError("--add-host \(text): write NAME:ADDRESS, or NAME:host-gateway for this machine") }
        var address = text[text.index(after: mark)...]
        if address.hasPrefix("["), address.hasSuffix("]") { address = address.dropFirst().dropLast() }
        let entry = HostEntry(name: String(text[..<mark]), address: String(address))
        if entry.address != "host-gateway" { try check(address: entry.address, of: "--add-host \(entry.name):") }
        return entry
    }

    /// IPv4 or IPv6.
    package static func check(address text: String, of option: String) throws(DaemonError) {
        var (short, long) = (in_addr(), in6_addr())
        guard inet_pton(AF_INET, text, &short) == 1 || inet_pton(AF_INET6, text, &long) == 1 else {
            throw DaemonError("\(option) \(text): it is no address")
        }
    }

    package static func check(signal text: String) throws(DaemonError) {
        guard SignalNames.number(text) != nil else {
            throw DaemonError("--stop-signal \(text) is no signal; write a name such as INT, or a number from 1 to 64")
        }
    }
}
