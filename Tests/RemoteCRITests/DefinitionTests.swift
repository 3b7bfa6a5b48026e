import Glibc
import Protobuf
import Testing

@testable import RemoteCRI

/// The declarations against the definitions that the Python client is made from: names, numbers and types.
@Suite struct DefinitionTests {
    private static let definitions: [String: [Int: String]] = {
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let text = read(root + "/integration/cri/runtime.proto")
        var found: [String: [Int: String]] = [:]
        var name: String?
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: { " ;{}".contains($0) }).map(String.init)
            if line.hasPrefix("message "), words.count > 1 {
                found[words[1]] = [:]
                name = words[1]
            } else if line.hasPrefix("}") || line.hasPrefix("enum ") || line.hasPrefix("service ") {
                name = nil
            } else if let name, words.count >= 4, words[words.count - 2] == "=", let number = Int(words.last ?? "") {
                let type = words.dropLast(3).joined(separator: " ")
                found[name]?[number] = type + " " + plain(words[words.count - 3])
            }
        }
        return found
    }()

    private static func read(_ path: String) -> String {
        guard let file = fopen(path, "re") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `host_ip` and `hostIP` are one name.
    private static func plain(_ name: String) -> String {
        name.filter { $0 != "_" }.lowercased()
    }

    private func expect<Fields: ProtobufFields>(_ type: Fields.Type, sourceLocation: SourceLocation = #_sourceLocation)
    {
        let name = Message<Fields>.protobufName
        let declared = ProtobufTable.of(type).fields.mapValues { "\($0.field.protobufType) \(Self.plain($0.name))" }
        #expect(declared == Self.definitions[name], "\(name)", sourceLocation: sourceLocation)
    }

    @Test func theDefinitionsAreFound() {
        #expect(Self.definitions.count > 100)
    }

    @Test func sandboxesAreAsDefined() {
        expect(Wire.PodSandboxConfig.self)
        expect(Wire.PodSandboxMetadata.self)
        expect(Wire.LinuxPodSandboxConfig.self)
        expect(Wire.LinuxSandboxSecurityContext.self)
        expect(Wire.NamespaceOption.self)
        expect(Wire.UserNamespace.self)
        expect(Wire.PortMapping.self)
        expect(Wire.DNSConfig.self)
        expect(Wire.PodSandbox.self)
        expect(Wire.PodSandboxStatus.self)
        expect(Wire.PodSandboxStatusResponse.self)
        expect(Wire.PodSandboxFilter.self)
        expect(Wire.RunPodSandboxRequest.self)
    }

    @Test func containersAreAsDefined() {
        expect(Wire.ContainerConfig.self)
        expect(Wire.LinuxContainerSecurityContext.self)
        expect(Wire.LinuxContainerResources.self)
        expect(Wire.Mount.self)
        expect(Wire.Device.self)
        expect(Wire.CreateContainerRequest.self)
        expect(Wire.Container.self)
        expect(Wire.ContainerStatus.self)
        expect(Wire.ContainerFilter.self)
        expect(Wire.ExecRequest.self)
        expect(Wire.AttachRequest.self)
        expect(Wire.ExecSyncResponse.self)
        expect(Wire.PortForwardRequest.self)
    }

    @Test func theRestIsAsDefined() {
        expect(Wire.Image.self)
        expect(Wire.ImageSpec.self)
        expect(Wire.AuthConfig.self)
        expect(Wire.PullImageRequest.self)
        expect(Wire.ImageFsInfoResponse.self)
        expect(Wire.FilesystemUsage.self)
        expect(Wire.ContainerStats.self)
        expect(Wire.PodSandboxStats.self)
        expect(Wire.LinuxPodSandboxStats.self)
        expect(Wire.MemoryUsage.self)
        expect(Wire.CpuUsage.self)
        expect(Wire.PsiStats.self)
        expect(Wire.Metric.self)
        expect(Wire.StatusResponse.self)
        expect(Wire.RuntimeHandler.self)
        expect(Wire.ContainerEventResponse.self)
    }

    @Test func signalsHaveTheirNumbers() {
        let known = [
            0: "", 1: "SIGABRT", 13: "SIGKILL", 23: "SIGTERM", 35: "SIGRTMIN", 50: "SIGRTMIN+15", 51: "SIGRTMAX-14",
            65: "SIGRTMAX",
        ]
        for (number, name) in known { #expect(Wire.Signal(varint: UInt64(number))?.name == name) }
        #expect(Wire.Signal.names.count == 66 && Wire.Signal(varint: 66) == nil)
    }
}
