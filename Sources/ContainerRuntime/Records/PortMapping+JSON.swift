import CRI
import JSONTree
import OCI

extension PortMapping {
    package var json: JSONValue {
        [
            "transport": .string(transport), "container": .integer(Int64(containerPort)),
            "host": .integer(Int64(hostPort)), "address": .string(hostAddress),
        ]
    }

    package init(_ reader: SpecificationReader) throws(OCIError) {
        self.init(
            transport: try reader.required("transport"), containerPort: try reader.needed("container"),
            hostPort: try reader.needed("host"), hostAddress: try reader.required("address"))
    }
}
