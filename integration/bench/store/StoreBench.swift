import Glibc
import Store

/// Measures the SQLite store on this machine's disk: durable creates by one client and by 16, updates, lists of the
/// newest and of an older state, the replay of a watch, a start over what was written.
///
/// `store-bench [DIRECTORY [WRITES]]`; the directory must not exist, and is removed again.
@main struct StoreBench {
    static func main() async {
        let arguments = CommandLine.arguments
        let directory = arguments.count > 1 ? arguments[1] : "/var/tmp/swiftlet-store-bench-\(getpid())"
        let writes = arguments.count > 2 ? Int(arguments[2]) ?? 16_000 : 16_000
        do {
            try await run(directory, writes: max(160, writes))
        } catch {
            print("store-bench: \(error)")
            exit(1)
        }
    }

    @concurrent private static func run(_ directory: String, writes: Int) async throws {
        guard mkdir(directory, 0o700) == 0 else {
            throw StoreError.io(operation: "make directory \(directory)", message: String(cString: strerror(errno)))
        }
        defer {
            for name in ["state.db", "state.db-wal", "state.db-shm", "lock"] { unlink(directory + "/" + name) }
            rmdir(directory)
        }
        let store = try await SQLiteStore.open(directory: directory)
        for clients in [1, 16] {
            let count = clients == 1 ? writes / 8 : writes
            let time = try await timed {
                try await create(store, "/c\(clients)/", count, size: 1_024, clients: clients)
            }
            line("durable creates of 1 KiB, \(clients) clients", rate(count, time), clients == 1 ? "1500/s" : "8000/s")
        }
        try await create(store, "/pods/", 5_000, size: 2_048, clients: 16)
        try await reads(store)
        let revision = try await store.revision()
        await store.close()
        let begun = ContinuousClock.now
        let again = try await SQLiteStore.open(directory: directory)
        line("start over \(revision) revisions", milliseconds(ContinuousClock.now - begun), "")
        line("resident memory", "\(residentKiB() / 1_024) MiB", "")
        try await compaction(again)
        await again.close()
    }

    private static func reads(_ store: SQLiteStore) async throws {
        let before = try await store.revision()
        let newest = try await median { try await list(store, at: nil) }
        line("list of 5,000 values of 2 KiB", milliseconds(newest), "15 ms")
        try await update(store, "/pods/", 1_000)
        let older = try await median { try await list(store, at: before) }
        line("the same, 1,000 updates ago", milliseconds(older), "")
        let replay = try await timed {
            let watch = try await store.watch(prefix: "/pods/", after: before)
            var seen = 0
            while seen < 1_000 { seen += try await watch.next()?.count ?? 1_000 }
        }
        line("watch, 1,000 events replayed", milliseconds(replay), "")
        let delay = try await watchDelay(store)
        line("write to event, median", milliseconds(delay), "")
    }

    private static func compaction(_ store: SQLiteStore) async throws {
        try await update(store, "/pods/", 5_000)
        let revision = try await store.revision()
        let time = try await timed { try await store.compact(to: revision) }
        line("compaction over \(revision) revisions", milliseconds(time), "")
    }

    private static func create(_ store: SQLiteStore, _ prefix: String, _ count: Int, size: Int, clients: Int)
        async throws
    {
        let bytes = [UInt8](repeating: 0x61, count: size)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 0..<clients {
                group.addTask {
                    for number in stride(from: client, to: count, by: clients) {
                        _ = try await store.write(.create(key: "\(prefix)\(number)", bytes: bytes))
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func update(_ store: SQLiteStore, _ prefix: String, _ count: Int) async throws {
        let values = try await store.list(prefix: prefix, at: nil, from: nil, limit: count).values
        let clients = 64
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 0..<clients {
                group.addTask {
                    for number in stride(from: client, to: values.count, by: clients) {
                        let value = values[number]
                        _ = try await store.write(
                            .update(key: value.key, bytes: value.bytes + [0], expecting: value.modRevision))
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func list(_ store: SQLiteStore, at revision: Revision?) async throws {
        let page = try await store.list(prefix: "/pods/", at: revision, from: nil, limit: 0)
        guard page.values.count == 5_000 else { throw StoreError.io(operation: "list", message: "values are missing") }
    }

    private static func watchDelay(_ store: SQLiteStore) async throws -> Duration {
        let watch = try await store.watch(prefix: "/delay/", after: try await store.revision())
        var number = 0
        return try await median {
            number += 1
            let key = "/delay/\(number)"
            async let written = store.write(.create(key: key, bytes: [1]))
            _ = try await watch.next()
            _ = try await written
        }
    }
}

extension StoreBench {
    private static func timed(_ body: () async throws -> Void) async throws -> Duration {
        let begun = ContinuousClock.now
        try await body()
        return ContinuousClock.now - begun
    }

    private static func median(_ body: () async throws -> Void) async throws -> Duration {
        var times: [Duration] = []
        for _ in 0..<21 { times.append(try await timed(body)) }
        return times.sorted()[10]
    }

    private static func rate(_ count: Int, _ time: Duration) -> String {
        "\(Int(Double(count) / (time / .seconds(1))))/s"
    }

    private static func milliseconds(_ time: Duration) -> String {
        let micros = Int(time / .microseconds(1))
        return "\(micros / 1_000).\(String(1_000 + micros % 1_000).dropFirst()) ms"
    }

    private static func line(_ what: String, _ value: String, _ budget: String) {
        let padding = String(repeating: " ", count: max(1, 44 - what.count))
        print(what + padding + value + (budget.isEmpty ? "" : "  (budget \(budget))"))
    }

    private static func residentKiB() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var bytes = [CChar](repeating: 0, count: 128)
        guard fgets(&bytes, 128, file) != nil else { return 0 }
        let text = String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * 4
    }
}
