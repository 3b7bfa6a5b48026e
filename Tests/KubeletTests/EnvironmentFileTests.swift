import APIMachinery
import CRI
import Glibc
import KubernetesAPI
import Linux
import TestSupport
import Testing

@testable import Kubelet

@Suite struct EnvironmentFileTests {
    private func value(_ name: String, _ text: String) throws(EnvironmentFile.Fault) -> String? {
        try EnvironmentFile(Array(text.utf8)).value(of: name)
    }

    @Test func valuesAreTakenLetterByLetter() throws {
        let text = """
            # a comment
              A='one # $B \\n "x"'  # more

            B='two
            three
              ='
            C= 'no'
            A='again'
            """
        #expect(try value("A", text) == #"one # $B \n "x""#)
        #expect(try value("B", text) == "two\nthree\n  =")
        #expect(try value("C", text) == "")
        #expect(try value("D", text) == nil)
        #expect(try value("A", "A='1'\r\nB='2'\r\n") == "1")
        #expect(try value("B", "A='1'\r\nB='2'\r\n") == "2")
        #expect(try value("A", "") == nil)
    }

    @Test(arguments: [
        ("A", 1, "no ="), ("\nA='1'\nB", 3, "no ="), ("='1'", 1, "no name"), ("A ='1'", 1, "blank before ="),
        ("A=1", 1, "single quotes"), ("A=\"1\"", 1, "single quotes"), ("A='1'2", 1, "after the closing quote"),
        ("A='1\n2", 1, "not closed"), ("A='1\n2'3", 2, "after the closing quote"),
    ])
    func whatCannotBeReadIsSaidWithItsLine(text: String, line: Int, cause: String) {
        let fault = #expect(throws: EnvironmentFile.Fault.self) { try value("Z", text) }
        #expect(fault?.line == line && fault?.cause.contains(cause) == true)
    }

    private func variables(
        _ selector: FileKeySelector, _ file: Result<[UInt8], ContainerConfigError>
    ) throws -> [String] {
        let pod = pod {
            var container = $0.spec.containers[0]
            container.env = [
                EnvVar {
                    $0.name = "X"
                    $0.valueFrom = EnvVarSource { $0.fileKeyRef = selector }
                }
            ]
            $0.spec.containers = [container]
        }
        var data = ReferencedData()
        data.files[EnvironmentFilePlace(selector)] = file
        return try ContainerEnvironment(
            pod: pod, container: pod.spec.containers[0], node: NodeIdentity(name: "n", addresses: []), data: data,
            podAddresses: [], services: [], allocatable: [:]
        ).variables().map { "\($0.name)=\($0.value)" }
    }

    private func selector(_ key: String, optional: Bool = false) -> FileKeySelector {
        FileKeySelector {
            $0.volumeName = "v"
            $0.path = "a/env"
            $0.key = key
            $0.optional = optional
        }
    }

    @Test func aVariableHasTheValueOfTheFile() throws {
        let file = Result<[UInt8], ContainerConfigError>.success(Array("A='1'\nB=''\n".utf8))
        #expect(try variables(selector("A"), file) == ["X=1"])
        for missing in ["B", "C"] {
            #expect(try variables(selector(missing, optional: true), file) == [])
            let error = #expect(throws: ContainerConfigError.self) { try variables(selector(missing), file) }
            #expect(error?.message == "environment variable key \"\(missing)\" not found in file \"a/env\"")
        }
        let unread = ContainerConfigError(message: "no such volume")
        #expect(throws: unread) { try variables(selector("A", optional: true), .failure(unread)) }
    }

    @Test func theFileIsThatOfTheVolumeAndNoLinkLeadsOut() async throws {
        let root = "\(temporaryDirectory)/environment-file-\(UInt32.random(in: .min ... .max))"
        defer { try? TreeRemoval.remove(root) }
        let directories = PodDirectories(data: root + "/d", run: root + "/r")
        let host = VolumeHost(directories: directories, threads: BlockingThreads(count: 1))
        let pod = pod {
            $0.metadata.uid = "u"
            $0.spec.volumes = [
                Volume {
                    $0.name = "v"
                    $0.emptyDir = EmptyDirVolumeSource()
                },
                Volume {
                    $0.name = "h"
                    $0.hostPath = HostPathVolumeSource { $0.path = root }
                },
            ]
        }
        try await host.makeEmptyDirectory(EmptyDirVolumeSource(), "v", pod)
        let volume = directories.emptyDirectory("u", "v")
        try FileOperations.write(Array("outside".utf8), to: root + "/env", mode: 0o644)
        try FileOperations.makeDirectories(volume + "/a")
        try FileOperations.write(Array("A='1'".utf8), to: volume + "/a/env", mode: 0o644)
        #expect(symlink(root + "/env", volume + "/link") == 0)

        func file(_ volume: String, _ path: String) async -> Result<[UInt8], ContainerConfigError> {
            let selector = FileKeySelector {
                $0.volumeName = volume
                $0.path = path
            }
            return await host.environmentFile(EnvironmentFilePlace(selector), pod)
        }
        #expect(await file("v", "a/env") == .success(Array("A='1'".utf8)))
        for (volume, path, cause) in [
            ("v", "link", "couldn't parse env file: "), ("v", "b", "couldn't parse env file: "),
            ("v", "a", "couldn't parse env file: "), ("h", "env", "it must be an emptyDir"),
            ("w", "env", "cannot find"),
        ] {
            guard case .failure(let error) = await file(volume, path) else {
                Issue.record("\(volume)/\(path) is read")
                continue
            }
            #expect(error.message.contains(cause))
        }
    }
}
