import Glibc
import Launch
import Testing

@testable import OCIRuntime

@Suite struct ContainerCgroupTests {
    @Test func theProcessesOfOtherNamespacesAreNobodys() throws {
        var template = Array("/tmp/group-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let file = path + "/cgroup.procs"
        defer {
            unlink(file)
            rmdir(path)
        }
        try WholeFile.write(
            Array("0\n12\n0\n".utf8), to: Descriptor.open(file, O_WRONLY | O_CREAT, mode: 0o600), path: file)
        let group = Cgroup("", in: CgroupHierarchy(mountPoint: path, controllers: []))
        #expect(group.allProcesses() == [0, 12, 0])
        #expect(ContainerCgroup(group: group).processes() == [12])
    }
}
