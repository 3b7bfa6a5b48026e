import CLaunch
import Glibc
import JSONTree
import Launch
import OCISpecification

/// Hands descriptors to those who asked for them by a socket's path.
enum DescriptorHandover {
    /// A terminal's master, as runc and crun hand it over.
    static func send(_ terminal: borrowing Descriptor, to path: String) throws(OCIRuntimeError) {
        try pass(terminal, to: path, Array("/dev/ptmx".utf8))
    }

    static func pass(
        _ descriptor: borrowing Descriptor, to path: String, _ bytes: [UInt8]
    ) throws(OCIRuntimeError) {
        let code = crt_pass(path, descriptor.raw, bytes, UInt64(bytes.count))
        guard code == 0 else { throw .kernel(KernelError("send a descriptor to", path, -code)) }
    }

    /// A seccomp listener with the state of its process, as the specification has it.
    static func sendListener(
        _ listener: borrowing Descriptor, of process: Int32, _ state: ContainerState, _ status: ContainerStatus,
        _ section: SeccompSpecification
    ) throws(OCIRuntimeError) {
        var message: JSONObject = [
            "ociVersion": .string(state.version), "fds": ["seccompFd"], "pid": .integer(Int64(process)),
            "state": state.described(status),
        ]
        if let metadata = section.listenerMetadata { message["metadata"] = .string(metadata) }
        let path = section.listenerPath ?? ""
        try pass(listener, to: path, JSONValue.object(message).encoded())
    }
}
