import Glibc
import JSONTree
import Launch
import OCISpecification

extension Invocation {
    func printState(_ arguments: Arguments) throws(OCIRuntimeError) -> Int32 {
        let directory = try directory(try arguments.container())
        let state = try directory.load()
        show(state.described(try directory.status(state)))
        return 0
    }

    /// One that cannot be looked at is told and left out, and makes the exit code 1.
    func list(_ arguments: Arguments) throws(OCIRuntimeError) -> Int32 {
        if let word = arguments.words.first { throw .usage("unexpected argument \"\(word)\"") }
        var rows: [(ContainerState, ContainerStatus)] = []
        var code: Int32 = 0
        for id in try ContainerDirectory.ids(in: root) {
            guard let directory = try? directory(id) else { continue }
            do throws(OCIRuntimeError) {
                let state = try directory.load()
                rows.append((state, try directory.status(state)))
            } catch {
                // One that is being made or taken away at this moment is not there yet, or no more.
                if case .state = error { continue }
                log.failure("container \(id) is left out: \(error)")
                code = 1
            }
        }
        if arguments.has("quiet") {
            for (state, _) in rows { print(state.id) }
            return code
        }
        switch arguments["format"] ?? "table" {
        case "json": show(.array(rows.map { $0.0.described($0.1) }))
        case "table":
            let cells = rows.map { state, status in
                [
                    state.id, status == .stopped ? "0" : "\(state.processID)", status.rawValue, state.bundle,
                    state.created, state.owner,
                ]
            }
            printTable([["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]] + cells)
        default: throw .usage("--format: there are table and json")
        }
        return code
    }

    func processes(_ arguments: Arguments) throws(OCIRuntimeError) -> Int32 {
        guard let id = arguments.words.first else { throw .noContainer }
        let state = try directory(id).load()
        let group = try state.cgroup.flatMap(ContainerCgroup.existing)
        let isThere = try ProcessFacts.start(of: state.processID) != nil
        let numbers = group?.processes() ?? (isThere ? [state.processID] : [])
        switch arguments["format"] ?? "table" {
        case "json": show(.array(numbers.map { .integer(Int64($0)) }))
        case "table": try printProcesses(numbers, Array(arguments.words.dropFirst()))
        default: throw .usage("--format: there are table and json")
        }
        return 0
    }

    /// By ps(1) with the caller's options, the rows of other processes left out.
    private func printProcesses(_ numbers: [Int32], _ options: [String]) throws(OCIRuntimeError) {
        guard let output = popen(["ps"] + (options.isEmpty ? ["-ef"] : options)) else {
            throw .kernel(KernelError("run", "ps"))
        }
        let lines = output.split(separator: "\n")
        guard let header = lines.first,
            let column = header.split(separator: " ").firstIndex(of: "PID")
        else { throw .usage("ps prints no column PID with these options") }
        print(header)
        for line in lines.dropFirst() {
            let fields = line.split(separator: " ")
            if column < fields.count, let number = Int32(fields[column]), numbers.contains(number) { print(line) }
        }
    }

    private func popen(_ words: [String]) -> String? {
        let quoted = words.map {
            "'" + $0.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
        }
        guard let stream = Glibc.popen(quoted.joined(separator: " "), "r") else { return nil }
        defer { pclose(stream) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while case let count = fread(&chunk, 1, chunk.count, stream), count > 0 { bytes += chunk[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }

    func setFrozen(_ arguments: Arguments, _ frozen: Bool) throws(OCIRuntimeError) -> Int32 {
        let directory = try directory(try arguments.container())
        let state = try directory.load()
        let status = try directory.status(state)
        let wanted: [ContainerStatus] = frozen ? [.running, .created] : [.paused]
        guard wanted.contains(status) else {
            throw .state(
                container: state.id, cause: "it is \(status.rawValue), so it cannot be \(frozen ? "paused" : "resumed")"
            )
        }
        guard let group = try state.cgroup.flatMap(ContainerCgroup.existing) else {
            throw .state(container: state.id, cause: "it has no cgroup to be frozen in")
        }
        try group.setFrozen(frozen)
        return 0
    }

    func events(_ arguments: Arguments) throws(OCIRuntimeError) -> Int32 {
        let directory = try directory(try arguments.container())
        let seconds = try EventInterval.seconds(arguments["interval"] ?? "5s")
        var isFirst = true
        while true {
            let state = try directory.load()
            guard try directory.status(state) != .stopped else {
                if isFirst { throw .state(container: state.id, cause: "it is stopped, so there is nothing to tell") }
                return 0
            }
            isFirst = false
            let stats =
                try state.cgroup.flatMap(ContainerCgroup.existing).map(CgroupStats.json) ?? .object(JSONObject())
            show(["type": "stats", "id": .string(state.id), "data": stats])
            try Invocation.flush()
            if arguments.has("stats") { return 0 }
            sleep(seconds)
        }
    }

    func printFeatures() -> Int32 {
        show(Features.json, isPretty: true)
        return 0
    }

    /// What was asked for and did not arrive must not pass for an answer.
    static func flush() throws(OCIRuntimeError) {
        guard fflush(nil) == 0 else { throw .kernel(KernelError("write", "standard output")) }
    }

    func show(_ value: JSONValue, isPretty: Bool = false) {
        print(String(decoding: value.encoded(isPretty: isPretty), as: UTF8.self))
    }

    private func printTable(_ rows: [[String]]) {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            print(cells.joined(separator: "   "))
        }
    }
}

/// Durations as runc takes them: `5s`, `2m`.
enum EventInterval {
    static func seconds(_ text: String) throws(OCIRuntimeError) -> UInt32 {
        let units: [Character: UInt32] = ["s": 1, "m": 60, "h": 3600]
        let unit = text.last.flatMap { units[$0] }
        guard let number = UInt32(unit == nil ? text : String(text.dropLast())), number > 0, number < 100_000 else {
            throw .usage("--interval \(text): it must be a duration such as 5s")
        }
        return number * (unit ?? 1)
    }
}
