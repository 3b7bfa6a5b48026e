import CRI
import Testing

@testable import ContainerRuntime

@Suite struct IdentityTests {
    private let database = UserDatabase(
        passwd: Array("root:x:0:0:root:/root:/bin/sh\nbroken\nweb:x:33:34:web:/srv:/bin/sh\n".utf8),
        group: Array("root:x:0:\nlog:x:50:web,other\nadm:x:4:web\n".utf8))

    private func identity(
        _ image: String, _ change: (inout ContainerSecurity) -> Void = { _ in }
    ) throws -> ProcessIdentity {
        var security = ContainerSecurity()
        change(&security)
        return try ProcessIdentity(security, imageUser: image, database: database)
    }

    @Test func namesComeFromTheImage() throws {
        let web = try identity("web")
        #expect(web.userID == 33 && web.groupID == 34 && web.supplementaryGroups == [4, 34, 50] && web.home == "/srv")
        let mixed = try identity("web:log")
        #expect(mixed.userID == 33 && mixed.groupID == 50)
        let number = try identity("7:8")
        #expect(number.userID == 7 && number.groupID == 8 && number.home == "/")
        #expect(try identity("").home == "/root")
    }

    @Test func thePodsWordGoesFirst() throws {
        let pod = try identity("web:log") { $0.user = 33 }
        #expect(pod.userID == 33 && pod.groupID == 34)
        let grouped = try identity("") {
            $0.user = 1000
            $0.group = 2000
            $0.supplementalGroups = [3, 1, 3]
        }
        #expect(grouped.groupID == 2000 && grouped.supplementaryGroups == [1, 3, 2000])
    }

    @Test func usersByNameAndStrictGroups() throws {
        let named = try identity("") { $0.userName = "web" }
        #expect(named.userID == 33 && named.groupID == 34)
        #expect(throws: CRIError.self) { try identity("web") { $0.userName = "stranger" } }
        let grouped = try identity("web:adm") {
            $0.userName = "web"
            $0.groupName = "log"
        }
        #expect(grouped.userID == 33 && grouped.groupID == 50)
        #expect(throws: CRIError.self) { try identity("web") { $0.groupName = "strangers" } }
        // What the image gives its user is left out, the user's own group is not.
        let strict = try identity("web") {
            $0.hasStrictGroups = true
            $0.supplementalGroups = [7]
        }
        #expect(strict.supplementaryGroups == [7, 34])
    }

    /// CVE-2024-40635: what is over 2^31 - 1 became root somewhere on its way.
    @Test(arguments: ["4294967296", "2147483648", "-1", "0x0", "nobody", "1:2:3", "1:x", "99999999999999999999"])
    func refusesWhatWouldWrap(_ user: String) {
        #expect(throws: CRIError.self) { try identity(user) }
    }

    @Test func refusesNumbersOutOfRange() {
        #expect(throws: CRIError.self) { try identity("") { $0.user = 1 << 32 } }
        #expect(throws: CRIError.self) { try identity("") { $0.group = -1 } }
        #expect(throws: CRIError.self) { try identity("") { $0.supplementalGroups = [1 << 31] } }
    }

    @Test func nonRootIsHeldTo() throws {
        #expect(throws: CRIError.self) { try identity("") { $0.mustRunAsNonRoot = true } }
        #expect(throws: CRIError.self) { try identity("0") { $0.mustRunAsNonRoot = true } }
        #expect(try identity("web") { $0.mustRunAsNonRoot = true }.userID == 33)
    }
}
