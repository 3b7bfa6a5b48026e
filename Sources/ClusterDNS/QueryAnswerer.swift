import Linux
import NIOCore
import Synchronization

/// The bytes of an answer for the bytes of a query: from the cluster's records at once, or from the servers outside.
final class QueryAnswerer: Sendable {
    private let records: Mutex<DNSRecords>
    private let forwarder: Forwarder

    init(records: DNSRecords, forwarder: Forwarder) {
        self.records = Mutex(records)
        self.forwarder = forwarder
    }

    func change(_ body: (inout DNSRecords) -> Void) {
        records.withLock { body(&$0) }
    }

    /// Nil where the bytes deserve no answer.
    func answer(_ bytes: [UInt8], byStream: Bool, on loop: any EventLoop) -> EventLoopFuture<[UInt8]?> {
        let query: DNSQuery
        switch DNSQuery.parse(bytes) {
        case .success(let parsed): query = parsed
        case .failure(.ignore): return loop.makeSucceededFuture(nil)
        case .failure(.malformed(let id)): return loop.makeSucceededFuture(DNSResponse.malformed(id: id))
        }
        let limit = byStream ? Int(UInt16.max) : DNSResponse.datagramLimit(query)
        switch Resolver(records: records.withLock { $0 }).resolve(query) {
        case .answer(let response):
            return loop.makeSucceededFuture(response.bytes(for: query, limit: limit))
        case .forward:
            let answer = forwarder.ask(bytes, byStream: byStream, on: loop)
            return orFailure(answer, query, limit)
        case .alias(let target, let aliases):
            let question = Self.question(target, query)
            let answer = forwarder.ask(question, byStream: byStream, on: loop).map {
                Self.join(aliases, $0).bytes(for: query, limit: limit)
            }
            return orFailure(answer, query, limit)
        }
    }

    private func orFailure(
        _ answer: EventLoopFuture<[UInt8]>, _ query: DNSQuery, _ limit: Int
    ) -> EventLoopFuture<[UInt8]?> {
        answer.map { .some($0) }.flatMapErrorThrowing { _ in
            var failure = DNSResponse(.serverFailure)
            failure.isAuthoritative = false
            return failure.bytes(for: query, limit: limit)
        }
    }

    /// A query for another name, of the same type.
    static func question(_ name: DNSName, _ query: DNSQuery) -> [UInt8] {
        var writer = DNSWriter()
        writer.uint16(0)
        writer.uint16(0x0100)
        for count: UInt16 in [1, 0, 0, 0] { writer.uint16(count) }
        writer.name(name)
        writer.uint16(query.type.number)
        writer.uint16(1)
        return writer.bytes
    }

    /// The answer from outside behind our aliases.
    static func join(_ aliases: [DNSRecord], _ answer: [UInt8]) -> DNSResponse {
        var reader = DNSReader(answer)
        reader.offset = 3
        guard let flags = reader.uint8(), reader.uint16() != nil, let count = reader.uint16(), reader.uint32() != nil,
            reader.name() != nil, reader.uint32() != nil
        else { return DNSResponse(.serverFailure) }
        var response = DNSResponse(DNSResponseCode(rawValue: flags & 0xf) ?? .serverFailure)
        response.isAuthoritative = false
        response.answers = aliases
        for _ in 0..<min(count, 128) {
            guard let record = reader.record() else { break }
            response.answers.append(record)
        }
        return response
    }
}
