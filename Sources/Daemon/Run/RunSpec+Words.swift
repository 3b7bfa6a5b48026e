import CRI
import Launch

/// What people write on the command line.
extension RunSpec {
    /// `NAME=VALUE`, or `NAME`, which takes the caller's value; nil where the caller has none.
    package static func variable(
        _ text: String, caller: [String: String]
    ) throws(DaemonError) -> EnvironmentVariable? {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first, !name.isEmpty else { throw DaemonError("--env \(text): write NAME=VALUE") }
        if parts.count == 2 { return EnvironmentVariable(String(name), String(parts[1])) }
        return caller[text].map { EnvironmentVariable(text, $0) }
    }

    /// A variable a line, as `variable` has them; without those that are empty or begin with `#`. At most
    /// 1 MiB; a pipe is read to its end. Lines may end as on Windows.
    package static func variables(
        inFile path: String, caller: [String: String]
    ) throws(DaemonError) -> [EnvironmentVariable] {
        let bytes: [UInt8]
        do throws(KernelError) { bytes = try WholeFile.readPseudo(path, limit: 1 << 20) } catch {
            throw DaemonError("--env-file: \(error)")
        }
        var variables: [EnvironmentVariable] = []
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let whole = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            let text = String(decoding: whole.drop { $0 == 32 || $0 == 9 }, as: UTF8.self)
            if text.isEmpty || text.hasPrefix("#") { continue }
            let name = text.prefix { $0 != "=" }
            guard !name.isEmpty, !name.contains(where: \.isWhitespace) else {
                throw DaemonError("--env-file \(path), line \(index + 1): write NAME=VALUE or NAME")
            }
            if let variable = try variable(text, caller: caller) { variables.append(variable) }
        }
        return variables
    }

    /// What is executed: the image's own entry point and command, or what is given in their place. An empty entry point leaves the command alone.
    package mutating func execute(_ words: [String], entryPoint text: String?) throws(DaemonError) {
        guard text == "" else {
            (entryPoint, command) = (text.map { [$0] } ?? [], words)
            return
        }
        guard !words.isEmpty else {
            throw DaemonError("--entrypoint is empty, so that a command must follow the image's name")
        }
        (entryPoint, command) = (words, [])
    }

    /// `8080:80`, `192.0.2.1:8080:80`, either with `/udp` or `/sctp`.
    package static func port(_ text: String) throws(DaemonError) -> PortMapping {
        let halves = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let transport = halves.count == 2 ? halves[1].uppercased() : "TCP"
        let parts = halves[0].split(separator: ":", omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count), ["TCP", "UDP", "SCTP"].contains(transport),
            let host = UInt16(parts[parts.count - 2]), let container = UInt16(parts[parts.count - 1]), host > 0,
            container > 0
        else {
            if parts.count == 1, UInt16(parts[0]) != nil {
                throw DaemonError(
                    "--publish \(text): no port of this machine is chosen for you; write which one, such as 8080:\(text)"
                )
            }
            throw DaemonError("--publish \(text): write PORT-HERE:PORT-THERE, with ADDRESS: before it or /udp after it")
        }
        return PortMapping(
            transport: transport, containerPort: container, hostPort: host,
            hostAddress: parts.count == 3 ? String(parts[0]) : "")
    }

    /// An error where one port of this machine would lead to two of the container's: the kernel takes one of them, whichever.
    package static func check(ports: [PortMapping]) throws(DaemonError) {
        for (index, port) in ports.enumerated() {
            let isTaken = ports[..<index].contains { other in
                other.hostPort == port.hostPort && other.transport == port.transport
                    && (other.hostAddress == port.hostAddress || other.isOnAllAddresses || port.isOnAllAddresses)
            }
            guard !isTaken else {
                throw DaemonError(
                    "--publish: port \(port.hostPort)/\(port.transport.lowercased()) of this machine is given twice; "
                        + "it can lead to one port of the container")
            }
        }
    }

    /// Bytes: a number alone, or with `k`, `m`, `g` (`Ki`, `Mi`, `Gi` are the same).
    /// - Parameter option: whose value it is.
    package static func bytes(_ text: String, of option: String = "--memory") throws(DaemonError) -> Int64 {
        let digits = text.prefix { $0.isNumber || $0 == "." }
        let units: [String: Double] = ["": 0, "b": 0, "k": 1, "m": 2, "g": 3]
        var unit = text.dropFirst(digits.count).lowercased()
        if unit.hasSuffix("ib") { unit.removeLast(2) }
        if unit.count > 1, let last = unit.last, "ib".contains(last) { unit.removeLast() }
        guard let number = Double(digits), let power = units[unit], number > 0, number < 1e15 else {
            throw DaemonError("\(option) \(text): write a number of bytes, or one with k, m or g")
        }
        var value = number
        for _ in 0..<Int(power) { value *= 1_024 }
        guard value >= 4_096, value < 1e18 else { throw DaemonError("\(option) \(text): 4k to 1e18 bytes can be set") }
        return Int64(value)
    }

    /// Thousandths of a CPU from `1.5`.
    package static func processors(_ text: String) throws(DaemonError) -> Int64 {
        guard let number = Double(text), number >= 0.001, number <= 100_000 else {
            throw DaemonError("--cpus \(text): write how many processors, such as 0.5 or 2")
        }
        return Int64(number * 1_000)
    }

    /// What a container may be called: what a host may.
    package static func check(name: String) throws(DaemonError) {
        let isGood = name.utf8.allSatisfy {
            (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "-")
        }
        guard isGood, !name.isEmpty, name.utf8.count <= 63, !name.hasPrefix("-"), !name.hasSuffix("-") else {
            throw DaemonError("--name \(name): write up to 63 lower-case letters, digits and dashes, none at the ends")
        }
    }
}

extension PortMapping {
    fileprivate var isOnAllAddresses: Bool { hostAddress.isEmpty || hostAddress == "0.0.0.0" }
}
