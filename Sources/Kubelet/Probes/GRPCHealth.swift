/// What a gRPC server answered.
package struct GRPCAnswer: Sendable, Hashable {
    /// 0 is success.
    package var status: Int
    package var message: String
    package var body: [UInt8]

    package init(status: Int, message: String, body: [UInt8]) {
        self.status = status
        self.message = message
        self.body = body
    }
}

/// The health service of gRPC (grpc.health.v1): its two messages have one field each, so they are written and read by hand.
package enum GRPCHealth {
    package static let path = "/grpc.health.v1.Health/Check"
    private static let names = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"]
    private static let unimplemented = 12

    /// HealthCheckRequest: `string service = 1`.
    package static func request(_ service: String) -> [UInt8] {
        let name = Array(service.utf8)
        return name.isEmpty ? [] : [0x0a] + varint(UInt64(name.count)) + name
    }

    /// What a probe says of the answer; nil: healthy.
    package static func failure(_ answer: GRPCAnswer) -> String? {
        if answer.status == unimplemented {
            return "this server does not implement the grpc health protocol (grpc.health.v1.Health): \(answer.message)"
        }
        guard answer.status == 0 else {
            return "health rpc failed with status \(answer.status): \(answer.message)"
        }
        guard let serving = servingStatus(answer.body) else { return "the answer is no HealthCheckResponse" }
        guard serving != 1 else { return nil }
        let name = serving < names.count ? names[Int(serving)] : String(serving)
        return "service unhealthy (responded with \"\(name)\")"
    }

    /// HealthCheckResponse: `ServingStatus status = 1`; 0 where it is absent, nil where the bytes are no message.
    private static func servingStatus(_ bytes: [UInt8]) -> UInt64? {
        var rest = bytes[...]
        var status: UInt64 = 0
        while !rest.isEmpty {
            guard let tag = takeVarint(&rest) else { return nil }
            switch tag & 7 {
            case 0:
                guard let value = takeVarint(&rest) else { return nil }
                if tag >> 3 == 1 { status = value }
            case 1, 5:
                let size = tag & 7 == 1 ? 8 : 4
                guard rest.count >= size else { return nil }
                rest.removeFirst(size)
            case 2:
                guard let size = takeVarint(&rest), size <= UInt64(rest.count) else { return nil }
                rest.removeFirst(Int(size))
            default: return nil
            }
        }
        return status
    }

    private static func varint(_ value: UInt64) -> [UInt8] {
        var (bytes, rest) = ([UInt8](), value)
        while rest > 0x7f {
            bytes.append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    /// At most ten bytes, as the format has it.
    private static func takeVarint(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            value |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }
}
