import APIMachinery
import JSONTree

extension Probe {
    func faults(at path: String) -> [FieldError] {
        let handlers = ["exec", "httpGet", "tcpSocket", "grpc"]
        guard let handler = CommonFaults.present(handlers, in: storage).first else {
            return [.required(path, "must specify a handler type")]
        }
        var faults = HandlerFaults.faults(exec: self.exec, http: self.httpGet, tcp: self.tcpSocket, at: path)
        if handler == "grpc", let service = self.grpc?.service, service.utf8.count > 253 {
            faults.append(.tooLong(path + ".grpc.service", 253))
        }
        return faults
    }
}

extension Lifecycle {
    func faults(at path: String) -> [FieldError] {
        [("postStart", self.postStart), ("preStop", self.preStop)].flatMap { name, handler -> [FieldError] in
            handler?.faults(at: "\(path).\(name)") ?? []
        }
    }
}

extension LifecycleHandler {
    fileprivate func faults(at path: String) -> [FieldError] {
        guard !CommonFaults.present(["exec", "httpGet", "tcpSocket", "sleep"], in: storage).isEmpty else {
            return [.required(path, "must specify a handler type")]
        }
        var faults = HandlerFaults.faults(exec: self.exec, http: self.httpGet, tcp: self.tcpSocket, at: path)
        if let pause = self.sleep, pause.seconds < 0 {
            faults.append(.invalid(path + ".sleep.seconds", .integer(pause.seconds), "must not be negative"))
        }
        return faults
    }
}

/// Checks that probes and lifecycle handlers share.
private enum HandlerFaults {
    static func faults(exec: ExecAction?, http: HTTPGetAction?, tcp: TCPSocketAction?, at path: String) -> [FieldError]
    {
        var faults: [FieldError] = []
        if let exec, exec.command.isEmpty { faults.append(.required(path + ".exec.command")) }
        if let http {
            if http.path.isEmpty { faults.append(.required(path + ".httpGet.path")) }
            faults += port(http.port, at: path + ".httpGet.port")
        }
        if let tcp { faults += port(tcp.port, at: path + ".tcpSocket.port") }
        return faults
    }

    private static func port(_ port: IntOrString, at path: String) -> [FieldError] {
        switch port {
        case .integer(let number):
            (1...65_535).contains(number)
                ? [] : [.invalid(path, port.json, "must be between 1 and 65535, inclusive")]
        case .string(let name):
            PortName.isValid(name)
                ? []
                : [
                    .invalid(
                        path, port.json, "must be an IANA service name: letters, digits and single '-', at most 15")
                ]
        }
    }
}

/// The name of a port, as RFC 6335 has it.
enum PortName {
    static func isValid(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        let isLetter = { (byte: UInt8) in (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
        let isDigit = { (byte: UInt8) in (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        let dash = UInt8(ascii: "-")
        return (1...15).contains(bytes.count) && bytes.first != dash && bytes.last != dash
            && bytes.contains(where: isLetter) && bytes.allSatisfy { isLetter($0) || isDigit($0) || $0 == dash }
            && !zip(bytes, bytes.dropFirst()).contains { $0 == dash && $1 == dash }
    }
}
