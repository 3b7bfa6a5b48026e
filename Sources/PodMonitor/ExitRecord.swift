/// One process's end as the monitor keeps it.
package struct ExitRecord: Equatable, Sendable {
    package var number: UInt64 = 0
    package var container: [UInt8] = []
    /// Empty for the container's own first process.
    package var session: [UInt8] = []
    package var exitCode: Int32 = 0
    package var signal: Int32 = 0
    package var outOfMemory = false
    package var startedAt: UInt64 = 0
    package var finishedAt: UInt64 = 0

    package init() {}

    package func write(to writer: inout WireWriter) {
        writer.append(number)
        writer.append(bytes: container)
        writer.append(bytes: session)
        writer.append(exitCode)
        writer.append(signal)
        writer.append(UInt32(outOfMemory ? 1 : 0))
        writer.append(startedAt)
        writer.append(finishedAt)
    }

    package init(from reader: inout WireReader) {
        number = reader.number(UInt64.self)
        container = reader.string(limit: MonitorLimit.identifier)
        session = reader.string(limit: MonitorLimit.identifier)
        exitCode = reader.number(Int32.self)
        signal = reader.number(Int32.self)
        outOfMemory = reader.number(UInt32.self) != 0
        startedAt = reader.number(UInt64.self)
        finishedAt = reader.number(UInt64.self)
    }
}

/// Exits numbered from 1 and kept until acknowledged, so that none is lost while no daemon listens.
package struct ExitLedger {
    package private(set) var pending: [ExitRecord] = []
    private var last: UInt64 = 0

    package init() {}

    /// Whether so many wait that nothing new should be started. Exits themselves are always taken.
    package var isFull: Bool { pending.count >= MonitorLimit.exits }

    /// Gives the record its number and keeps it.
    package mutating func add(_ record: ExitRecord) -> ExitRecord {
        last += 1
        var numbered = record
        numbered.number = last
        pending.append(numbered)
        return numbered
    }

    /// Forgets all records up to and including `number`.
    package mutating func acknowledge(upTo number: UInt64) {
        var kept = 0
        while kept < pending.count && pending[kept].number <= number { kept += 1 }
        if kept > 0 { pending.removeFirst(kept) }
    }
}
