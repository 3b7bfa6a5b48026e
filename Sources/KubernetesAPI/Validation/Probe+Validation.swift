import APIMachinery
import JSONTree

extension Probe {
    /// Of a probe whose failure restarts the container: one success is enough.
    func faults(ofContainer path: String, gracePeriod: Int64) -> [FieldError] {
        let faults = faults(at: path, gracePeriod: gracePeriod)
        guard self.successThreshold != 1 else { return faults }
        return faults + [.invalid(path + ".successThreshold", .integer(Int64(self.successThreshold)), "must be 1")]
    }

    func faults(at path: String, gracePeriod: Int64) -> [FieldError] {
        var faults = HandlerFaults(exec: self.exec, http: self.httpGet, tcp: self.tcpSocket, sleep: nil)
            .faults(at: path, isGiven: self.grpc != nil, gracePeriod: gracePeriod)
        if let seconds = self.terminationGracePeriodSeconds, seconds <= 0 {
            faults.append(
                .invalid(path + ".terminationGracePeriodSeconds", .integer(seconds), "must be greater than 0"))
        }
        return faults
    }
}

extension Lifecycle {
    func faults(at path: String, gracePeriod: Int64) -> [FieldError] {
        [("postStart", self.postStart), ("preStop", self.preStop)].flatMap { name, handler -> [FieldError] in
            guard let handler else { return [] }
            return HandlerFaults(
                exec: handler.exec, http: handler.httpGet, tcp: handler.tcpSocket, sleep: handler.sleep
            ).faults(at: "\(path).\(name)", isGiven: false, gracePeriod: gracePeriod)
        }
    }
}

/// Checks that probes and lifecycle handlers share.
private struct HandlerFaults {
    let exec: ExecAction?
    let http: HTTPGetAction?
    let tcp: TCPSocketAction?
    let sleep: SleepAction?

    /// `isGiven`: there is a handler of another kind.
    func faults(at path: String, isGiven: Bool, gracePeriod: Int64) -> [FieldError] {
        var faults: [FieldError] = []
        if let exec, exec.command.isEmpty { faults.append(.required(path + ".exec.command")) }
        if let http {
            faults += CommonFaults.port(http.port, at: path + ".httpGet.port")
            for header in http.httpHeaders {
                faults += CommonFaults.form(header.name, .headerName, at: path + ".httpGet.httpHeaders")
            }
        }
        if let tcp { faults += CommonFaults.port(tcp.port, at: path + ".tcpSocket.port") }
        if let sleep, !(0...max(gracePeriod, 0)).contains(sleep.seconds) {
            faults.append(
                .invalid(
                    path + ".sleep", .integer(sleep.seconds),
                    "must be non-negative and less than terminationGracePeriodSeconds (\(gracePeriod))"))
        }
        if exec == nil, http == nil, tcp == nil, sleep == nil, !isGiven {
            faults.append(.required(path, "must specify a handler type"))
        }
        return faults
    }
}
