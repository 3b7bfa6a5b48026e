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
        try EnvironmentFile(Array(text.utf8)).values(of: [name])[name]
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

    @Test func severalAreFoundInOneGo() throws {
        let file = EnvironmentFile(Array("A='1'\nB='2'\nA='3'\nC\n".utf8))
        #expect(try file.values(of: ["A", "B"]) == ["A": "1", "B": "2"])
        #expect(try file.values(of: []) == [:])
        #expect(throws: EnvironmentFile.Fault.self) { try file.values(of: ["A", "C"]) }
    }

    /// A mark is one whatever comes behind it, and what is no text does not become another one.
    @Test func bytesAreWhatCounts() throws {
        #expect(try value("A", "A='\u{301}1'") == "\u{301}1")
        #expect(try value("K", "\u{212a}='1'") == nil)
        let file = EnvironmentFile(Array("A='".utf8) + [0xff] + Array("'\nB='1'".utf8))
        #expect(try file.values(of: ["B"]) == ["B": "1"])
        let fault = #expect(throws: EnvironmentFile.Fault.self) { try file.values(of: ["A"]) }
        #expect(fault?.description == "line 1: the value is no UTF-8")
    }

    @Test func aValueIsNoLongerThanAProgramIsGiven() throws {
        let longest = String(repeating: "x", count: EnvironmentFile.valueLimit)
        #expect(try value("A", "A='\(longest)'") == longest)
        let fault = #expect(throws: EnvironmentFile.Fault.self) { try value("A", "A='\(longest)x'") }
        #expect(fault?.cause == "the value is longer than 128 KiB")
        #expect(try value("B", "A='\(longest)x'\nB='1'") == "1")
    }

    @Test(arguments: [
        ("A", 1, "no ="), ("\nA='1'\nB", 3, "no ="), ("='1'", 1, "no name"), ("A ='1'", 1, "blank before ="),
        ("A=1", 1, "single quotes"), ("A=\"1\"", 1, "single quotes"), ("A='1'2", 1, "after the closing quote"),
        ("A='1\n2", 1, "not closed"), ("A='1\n2'3", 2, "after the closing quote"),
        ("\nZ='1\u{0}2'", 2, "holds a NUL byte"),
    ])
    func whatCannotBeReadIsSaidWithItsLine(text: String, line: Int, cause: String) {
        let fault = #expect(throws: EnvironmentFile.Fault.self) { try value("Z", text) }
        #expect(fault?.line == line && fault?.cause.contains(cause) == true)
    }

    private func container(_ variables: [EnvVar]) -> Container {
        Container {
            $0.name = "a"
            $0.env = variables
        }
    }

    private func variable(_ name: String, _ selector: FileKeySelector) -> EnvVar {
        EnvVar {
            $0.name = name
            $0.valueFrom = EnvVarSource { $0.fileKeyRef = selector }
        }
    }

    private func variables(
        _ container: Container, _ files: [EnvironmentFilePlace: [String: String]]
    ) throws(ContainerConfigError) -> [String] {
        try ContainerEnvironment(
            pod: pod(), container: container, node: NodeIdentity(name: "n", addresses: []),
            data: ReferencedData(files: files), podAddresses: [], services: [], allocatable: [:]
        ).program().environment.map { "\($0.name)=\($0.value)" }
    }

    private func selector(
        _ key: String, at path: String = "a/env", in volume: String = "v", optional: Bool = false
    ) -> FileKeySelector {
        FileKeySelector {
            $0.volumeName = volume
            $0.path = path
            $0.key = key
            $0.optional = optional
        }
    }

    @Test func aVariableHasTheValueOfTheFile() throws {
        let files = [EnvironmentFilePlace(selector("A")): ["A": "1", "B": ""]]
        #expect(try variables(container([variable("X", selector("A"))]), files) == ["X=1"])
        for missing in ["B", "C"] {
            let lenient = container([variable("X", selector(missing, optional: true))])
            #expect(try variables(lenient, files) == [])
            let error = #expect(throws: ContainerConfigError.self) {
                try variables(container([variable("X", selector(missing))]), files)
            }
            #expect(error?.message == "environment variable key \"\(missing)\" not found in file \"a/env\"")
        }
    }

    @Test func whatIsOneFileIsReadOnce() throws {
        let paths = ["a/env", "./a/env", "a//env", "a/./env", "././a/env"]
        let pod = container(paths.enumerated().map { variable("X\($0)", selector("A\($0)", at: $1)) })
        #expect(pod.environmentFileKeys == [EnvironmentFilePlace(selector("")): ["A0", "A1", "A2", "A3", "A4"]])
        #expect(
            try variables(
                pod, [EnvironmentFilePlace(selector("")): ["A0": "0", "A1": "1", "A2": "2", "A3": "3", "A4": "4"]]
            ).last == "X4=4")
    }

    @Test func theFilesOfAnEnvironmentAreLimitedTogether() async throws {
        try await withVolumes { host, pod, volume, _ in
            let file = Array("A='1'\n".utf8) + [UInt8](repeating: UInt8(ascii: "#"), count: 900 << 10)
            let places = (0..<5).map { EnvironmentFilePlace(selector("", at: "\($0)")) }
            for place in places { try FileOperations.write(file, to: "\(volume)/\(place.path)", mode: 0o644) }
            func values(_ count: Int) async throws(ContainerConfigError) -> [EnvironmentFilePlace: [String: String]] {
                let keys = places.prefix(count).map { ($0, Set(["A", "Z"])) }
                return try await host.environmentFiles(Dictionary(uniqueKeysWithValues: keys), pod)
            }
            #expect(Array(try await values(4).values) == [["A": "1"], ["A": "1"], ["A": "1"], ["A": "1"]])
            let error = await #expect(throws: ContainerConfigError.self) { try await values(5) }
            #expect(error?.message == "the files referenced by FileKeyRef have more than 4 MiB in all")
        }
    }

    /// - Parameter body: gets the host, a pod with the volumes `v`, an emptyDir, and `h`, a hostPath, and where these are.
    private func withVolumes(
        _ body: (VolumeHost, Pod, _ volume: String, _ root: String) async throws -> Void
    ) async throws {
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
        try await body(host, pod, directories.emptyDirectory("u", "v"), root)
    }

    @Test func theFileIsThatOfTheVolumeAndNoLinkLeadsOut() async throws {
        try await withVolumes { host, pod, volume, root in
            try FileOperations.write(Array("A='0'".utf8), to: root + "/env", mode: 0o644)
            try FileOperations.makeDirectories(volume + "/a")
            try FileOperations.write(Array("A='1'".utf8), to: volume + "/a/env", mode: 0o644)
            try FileOperations.write(Array("A".utf8), to: volume + "/bad", mode: 0o644)
            #expect(symlink(root + "/env", volume + "/link") == 0)
            let good = EnvironmentFilePlace(selector("A"))
            #expect(try await host.environmentFiles([good: ["A", "B"]], pod) == [good: ["A": "1"]])
            for (name, path, message) in [
                ("v", "link", "couldn't parse env file: volume \"v\", path \"link\": No such file or directory"),
                ("v", "b", "couldn't parse env file: volume \"v\", path \"b\": No such file or directory"),
                ("v", "a", "couldn't parse env file: volume \"v\", path \"a\": "),
                ("v", "bad", "couldn't parse env file: volume \"v\", path \"bad\": line 1: it has no ="),
                ("h", "env", "cannot find the volume \"h\" referenced by FileKeyRef: it must be an emptyDir"),
                ("w", "env", "cannot find the volume \"w\" referenced by FileKeyRef: it must be an emptyDir"),
            ] {
                let error = await #expect(throws: ContainerConfigError.self) {
                    try await host.environmentFiles(
                        [good: ["A"], EnvironmentFilePlace(selector("A", at: path, in: name)): ["A"]], pod)
                }
                #expect(error?.message.hasPrefix(message) == true && error?.message.contains(root) == false)
            }
        }
    }
}
