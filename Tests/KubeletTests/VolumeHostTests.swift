import APIMachinery
import Client
import Glibc
import HTTP
import JSONTree
import KubernetesAPI
import Linux
import TestSupport
import Testing

@testable import Kubelet

@Suite struct VolumeHostTests {
    @Test func aHostPathWithoutATypeIsMadeWhereItIsMissing() async throws {
        let root = "\(temporaryDirectory)/host-path-\(UInt32.random(in: .min ... .max))"
        defer { try? TreeRemoval.remove(root) }
        let host = VolumeHost(directories: PodDirectories(data: "", run: ""), threads: BlockingThreads(count: 1))
        try await host.checkHostPath(HostPathVolumeSource { $0.path = root + "/a/b" }, "v")
        #expect(access(root + "/a/b", F_OK) == 0)
        await #expect(throws: OperationError.self) {
            try await host.checkHostPath(
                HostPathVolumeSource {
                    $0.path = root + "/c"
                    $0.type = "Directory"
                }, "v")
        }
    }

    /// A program that makes its directory private must find it so after the daemon was started anew, which makes all volumes again.
    @Test func anEmptyDirectoryIsThePodsOnceItIsMade() async throws {
        let root = "\(temporaryDirectory)/empty-directory-\(UInt32.random(in: .min ... .max))"
        defer { try? TreeRemoval.remove(root) }
        let directories = PodDirectories(data: root + "/d", run: root + "/r")
        let host = VolumeHost(directories: directories, threads: BlockingThreads(count: 1))
        let path = directories.emptyDirectory("u", "v")
        let pod = Pod(name: "p", namespace: "default") { $0.metadata.uid = "u" }
        var status = stat()
        // What a daemon left that went down in between.
        try WholeFile.makeDirectories(path + ".new/half")
        try await host.makeEmptyDirectory(EmptyDirVolumeSource(), "v", pod)
        #expect(stat(path, &status) == 0 && status.st_mode & 0o7777 == 0o777)
        #expect(chmod(path, 0o700) == 0)
        try await host.makeEmptyDirectory(EmptyDirVolumeSource(), "v", pod)
        #expect(stat(path, &status) == 0 && status.st_mode & 0o7777 == 0o700)
        #expect(try OpenDirectory(path).names() == [])
    }

    @Test func anImageIsMountedReadOnlyAndRecursionIsPassedOn() throws {
        let host = VolumeHost(directories: PodDirectories(data: "/d", run: "/r"), threads: BlockingThreads(count: 1))
        let pod = Pod(name: "p", namespace: "default") { pod in
            pod.spec.volumes = [
                Volume {
                    $0.name = "image"
                    $0.image = ImageVolumeSource { $0.reference = "model:1" }
                },
                Volume {
                    $0.name = "host"
                    $0.hostPath = HostPathVolumeSource { $0.path = "/srv" }
                },
            ]
        }
        let container = Container { container in
            container.volumeMounts = ["image", "host", "host"].enumerated().map { index, name in
                VolumeMount {
                    $0.name = name
                    $0.mountPath = "/\(index)"
                    $0.subPath = index == 0 ? "part" : nil
                    $0.mountPropagation = index == 0 ? "HostToContainer" : nil
                    $0.readOnly = index == 1
                    $0.recursiveReadOnly = index == 1 ? "Enabled" : nil
                }
            }
        }
        let mounts = try host.mounts(of: container, pod, environment: [:])
        #expect(mounts.map(\.image) == ["model:1", nil, nil])
        #expect(mounts.map(\.hostPath) == ["", "/srv", "/srv"])
        #expect(mounts[0].isReadOnly && mounts[0].subPath == "part" && mounts[0].propagation == .private)
        #expect(mounts.map(\.isRecursivelyReadOnly) == [false, true, false])
    }

    @Test func aPathOfVariablesIsWholeOrThereIsNone() throws {
        let host = VolumeHost(directories: PodDirectories(data: "/d", run: "/r"), threads: BlockingThreads(count: 1))
        let pod = pod { $0.spec.volumes = [Volume { $0.name = "v" }] }
        func path(_ text: String) throws(ContainerConfigError) -> String {
            let container = Container { container in
                container.volumeMounts = [
                    VolumeMount {
                        $0.name = "v"
                        $0.mountPath = "/v"
                        $0.subPathExpr = text
                    }
                ]
            }
            let environment = [
                "NAME": "p", "ROOT": "/tmp", "UP": "..", "EMPTY": "", "LONG": String(repeating: "x", count: 1 << 10),
            ]
            return try host.mounts(of: container, pod, environment: environment)[0].subPath
        }
        #expect(try path("logs/$(NAME)") == "logs/p")
        #expect(try path("$$(NAME)") == "$(NAME)")
        for (text, message) in [
            ("$(ROOT)", "error SubPath `/tmp` must not be an absolute path"),
            ("$(NOPE)/$(EMPTY)", "missing value for EMPTY, NOPE"), ("$(UP)/b", "subPath \"../b\" leaves the volume"),
            (
                "$(LONG)$(LONG)$(LONG)$(LONG)",
                "the subPathExpr of volume mount \"v\" makes a path of more than 4095 bytes"
            ),
        ] {
            #expect(throws: ContainerConfigError(message: message)) { try path(text) }
        }
    }

    @Test func aPodGivesBackAllItsFiles() async throws {
        let root = "\(temporaryDirectory)/volumes-\(UInt32.random(in: .min ... .max))"
        defer { try? TreeRemoval.remove(root) }
        let directories = PodDirectories(data: root + "/d", run: root + "/r")
        let host = VolumeHost(directories: directories, threads: BlockingThreads(count: 1))
        try WholeFile.makeDirectories(directories.emptyDirectory("u", "v") + "/deep/er")
        try WholeFile.makeDirectories(directories.files("u", "w"))
        try WholeFile.makeDirectories(root + "/l/ns_p_u")
        #expect(await host.pods() == ["u"])
        try await host.clean("u", logs: root + "/l/ns_p_u")
        #expect(await host.pods().isEmpty && access(root + "/l/ns_p_u", F_OK) != 0)
    }
}

@Suite struct PodStatusSinkTests {
    /// Lists that are merged by address would keep the address of a sandbox that was lost.
    @Test func addressesReplaceThoseBefore() async throws {
        let handler = FakeHTTPHandler { _ throws(HTTPError) in
            HTTPResponse(200, contentType: "application/json", pod().json.encoded())
        }
        let status = PodStatus { $0.podIPs = [PodIP { $0.ip = "10.42.0.3" }] }
        try await APIStatusSink(client: APIClient(handler: handler, userAgent: "kubelet")).publish(status, of: pod())
        let body = try JSONValue(parsing: try #require(handler.requests.first).body)
        #expect(body["status"]?["podIPs"] == [["$patch": "replace"], ["ip": "10.42.0.3"]])
    }
}
