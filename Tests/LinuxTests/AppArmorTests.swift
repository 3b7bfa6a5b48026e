import Launch
import Testing

@Suite struct AppArmorTests {
    @Test func readsTheKernelsList() {
        let list =
            "docker-default (enforce)\n/usr/bin/man (complain)\nwith blanks (and more) (unconfined)\n:ns://inner (kill)\n\nodd\n"
        let names = AppArmor.names(in: list)
        #expect(names == ["docker-default", "/usr/bin/man", "with blanks (and more)", ":ns://inner"])
    }

    @Test func whatCannotBeToldMayBeLoaded() {
        #expect(AppArmor(profiles: nil).mayHave("any"))
        #expect(!AppArmor(profiles: ["other"]).mayHave("any"))
    }
}
