import Glibc
import Linux
import Testing

@Suite struct SELinuxTests {
    @Test func readsTheLabelsOfAPolicy() {
        let contexts = SELinuxContexts(
            """
            # process = "no:no:no"
            process = "system_u:system_r:container_t:s0:c1,c2"
            content = "system_u:object_r:virt_var_lib_t:s0"
            file = "system_u:object_r:container_file_t"
            """)
        #expect(contexts.process?.description == "system_u:system_r:container_t:s0:c1,c2")
        #expect(contexts.process?.level == "s0:c1,c2" && contexts.process?.type == "container_t")
        #expect(contexts.file?.description == "system_u:object_r:container_file_t" && contexts.file?.level == "")
        #expect(SELinuxContexts("process = \"a:b\"\nfile = \"a::c\"") == SELinuxContexts())
    }

    @Test func theHostsOwnDirectoriesKeepTheirLabels() {
        for path in ["/", "/etc", "/usr/", "/var/../etc", "/proc/self/root/etc"] {
            let error = #expect(throws: KernelError.self) { try TreeLabel.set("u:object_r:t:s0", at: path) }
            #expect(error?.code == EPERM && error?.description.contains(path) == true)
        }
        #expect(throws: Never.self) { try TreeLabel.set("u:object_r:t:s0", at: "/nowhere/to/be/found") }
    }
}
