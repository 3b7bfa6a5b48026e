import APIMachinery
import JSONTree

/// A check of a container that is repeated.
package struct Probe: APIValue {
    package final class Fields: FieldSet {
        package let exec = Key<ExecAction>("exec", "Command that must exit with 0.", .union("handler type"))
        package let failureThreshold = Total<Int32>(
            "failureThreshold", "Failures in a row after which the check has failed.", default: 3, .minimum(0))
        package let grpc = Key<GRPCAction>(
            "grpc", "Call of the gRPC health service that must answer SERVING.", .union("handler type"))
        package let httpGet = Key<HTTPGetAction>(
            "httpGet", "Request that must be answered with a status from 200 to 399.", .union("handler type"))
        package let initialDelaySeconds = Total<Int32>(
            "initialDelaySeconds", "Seconds from the container's start to the first check.", .minimum(0))
        package let periodSeconds = Total<Int32>(
            "periodSeconds", "Seconds between two checks.", default: 10, .minimum(0))
        package let successThreshold = Total<Int32>(
            "successThreshold", "Successes in a row after which a failed check is good again.", default: 1, .minimum(0))
        package let tcpSocket = Key<TCPSocketAction>(
            "tcpSocket", "Connection that must be accepted.", .union("handler type"))
        package let terminationGracePeriodSeconds = Key<Int64>(
            "terminationGracePeriodSeconds",
            "Seconds of grace when this check ends the container, in place of the pod's.")
        package let timeoutSeconds = Total<Int32>(
            "timeoutSeconds", "Seconds after which a check has failed.", default: 1, .minimum(0))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A command run in the container, with no shell around it.
package struct ExecAction: APIValue {
    package final class Fields: FieldSet {
        package let command = Total<[String]>("command", "The program and its arguments.", .atomic)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A call of the gRPC health service.
package struct GRPCAction: APIValue {
    package final class Fields: FieldSet {
        package let port = Total<Int32>("port", "The port.", .required, .minimum(1), .maximum(65535))
        package let service = Total<String>("service", "Name of the service to ask for.", default: "")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A GET request.
package struct HTTPGetAction: APIValue {
    package final class Fields: FieldSet {
        package let host = Key<String>("host", "Host to connect to; absent: the pod's address.")
        package let httpHeaders = Total<[HTTPHeader]>("httpHeaders", "Headers of the request.", .atomic)
        package let path = Total<String>("path", "Path of the request.", default: "/")
        package let port = Total<IntOrString>("port", "Number or name of the port.", .required)
        package let scheme = Total<String>(
            "scheme", "HTTP, or HTTPS without a check of the certificate.", default: "HTTP", .oneOf(["HTTP", "HTTPS"]))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A header of a request.
package struct HTTPHeader: APIValue {
    package final class Fields: FieldSet {
        package let name = Total<String>("name", "Name of the header.", .required)
        package let value = Total<String>("value", "Its value.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A connection that is opened and closed again.
package struct TCPSocketAction: APIValue {
    package final class Fields: FieldSet {
        package let host = Key<String>("host", "Host to connect to; absent: the pod's address.")
        package let port = Total<IntOrString>("port", "Number or name of the port.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A pause.
package struct SleepAction: APIValue {
    package final class Fields: FieldSet {
        package let seconds = Total<Int64>("seconds", "Length of the pause in seconds.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// What a container does after its start and before its stop.
package struct Lifecycle: APIValue {
    package final class Fields: FieldSet {
        package let postStart = Key<LifecycleHandler>(
            "postStart", "Run right after the start; a failure ends the container.")
        package let preStop = Key<LifecycleHandler>("preStop", "Run before the stop signal, within the grace period.")
        package let stopSignal = Key<String>(
            "stopSignal",
            "Signal that asks the container to end; the image's or SIGTERM where absent. Needs the pod's os.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// One action at a turn of a container's life.
package struct LifecycleHandler: APIValue {
    package final class Fields: FieldSet {
        package let exec = Key<ExecAction>("exec", "Command to run in the container.", .union("handler type"))
        package let httpGet = Key<HTTPGetAction>("httpGet", "Request to make.", .union("handler type"))
        package let sleep = Key<SleepAction>("sleep", "Pause.", .union("handler type"))
        package let tcpSocket = Key<TCPSocketAction>(
            "tcpSocket", "Not supported; fails at run time.", .union("handler type"))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
