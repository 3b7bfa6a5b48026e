import APIMachinery
import CRI
import JSONTree
import KubernetesAPI
import OCI
import TestSupport
import Testing

@testable import Kubelet

@Suite struct RegistryKeyringTests {
    private func secret(_ text: String, isOld: Bool = false) -> Secret {
        Secret(name: "s", namespace: "default") {
            $0.type = isOld ? "kubernetes.io/dockercfg" : "kubernetes.io/dockerconfigjson"
            $0.data = [isOld ? ".dockercfg" : ".dockerconfigjson": Bytes(Array(text.utf8))]
        }
    }

    private func keyring(_ places: [String]) throws -> RegistryKeyring {
        var keyring = RegistryKeyring()
        for place in places {
            let auths: JSONValue = ["auths": [place: ["username": .string(place), "password": "p"]]]
            try keyring.add(secret(String(decoding: auths.encoded(), as: UTF8.self)))
        }
        return keyring
    }

    private func users(_ places: [String], _ image: String) throws -> [String] {
        try keyring(places).credentials(for: ImageReference(image)).map(\.auth.username)
    }

    @Test(arguments: [
        ("registry.example", true), ("https://registry.example", true), ("https://registry.example/v2/", true),
        ("http://registry.example/v1/", true), ("registry.example/team", true), ("registry.example/other", false),
        ("*.example", true), ("regist*y.exampl?", true), ("r[d-f]gistry.example", true), ("r[^e]gistry.example", false),
        ("*", false), ("*.registry.example", false), ("registry.example:5000", false), ("registry", false),
        ("registry.example.evil", false), ("index.docker.io", false),
    ]) func aPlaceFitsOrDoesNot(place: String, fits: Bool) throws {
        #expect(try users([place], "registry.example/team/app:1") == (fits ? [place] : []))
    }

    @Test func theCloserPlaceComesFirst() throws {
        let places = ["registry.example", "registry.example/team/app", "registry.example/team"]
        #expect(
            try users(places, "registry.example/team/app:1")
                == ["registry.example/team/app", "registry.example/team", "registry.example"])
    }

    @Test(arguments: ["https://index.docker.io/v1/", "index.docker.io", "docker.io"])
    func theHubHasSeveralAddresses(place: String) throws {
        #expect(try users([place], "busybox") == [place])
        #expect(try users([place], "registry.example/busybox").isEmpty)
    }

    @Test func aPortBelongsToThePlace() throws {
        #expect(try users(["127.0.0.1:5000"], "127.0.0.1:5000/a:1") == ["127.0.0.1:5000"])
        #expect(try users(["127.0.0.1:5000", "127.0.0.1"], "127.0.0.1:5001/a:1").isEmpty)
        #expect(try users(["[::1]:5000"], "[::1]:5000/a:1") == ["[::1]:5000"])
    }

    @Test(arguments: ["dXNlcjpwOnE=", "dXNlcjpwOnE"]) func userAndPasswordMayBePacked(auth: String) throws {
        var keyring = RegistryKeyring()
        try keyring.add(secret("{\"a.example\": {\"auth\": \"\(auth)\", \"username\": \"other\"}}", isOld: true))
        let found = try keyring.credentials(for: ImageReference("a.example/x")).first?.auth
        #expect(found?.username == "user")
        #expect(found?.password == "p:q")
    }

    @Test(arguments: [
        "", "[]", "{\"auths\": 1}", "{\"auths\": {\"a.example\": 1}}", "{\"auths\": {\"\": {}}}",
        "{\"auths\": {\"a.example\": {\"auth\": \"!!\"}}}", "{\"auths\": {\"a.example\": {\"auth\": \"dXNlcg==\"}}}",
    ]) func whatCannotBeReadIsToldByTheSecretsName(text: String) throws {
        var keyring = RegistryKeyring()
        guard !text.isEmpty else {
            try keyring.add(secret(text))
            return
        }
        let error = #expect(throws: RegistryKeyringError.self) { try keyring.add(secret(text)) }
        #expect(error?.description.contains("secret \"s\"") == true)
    }

    @Test func otherSecretsAreNoCredentials() throws {
        var keyring = RegistryKeyring()
        var other = secret("{\"auths\": {\"a.example\": {\"username\": \"u\"}}}")
        other.type = "Opaque"
        try keyring.add(other)
        #expect(try keyring.credentials(for: ImageReference("a.example/x")).isEmpty)
    }

    /// Files with bytes changed, taken out and put in: each is read or refused, and none traps. The seed replays a failure.
    @Test(arguments: [UInt64(1), 2]) func anythingIsReadOrRefused(seed: UInt64) throws {
        let whole = Array(
            #"{"auths":{"https://a.example:5000/v1/x":{"auth":"dXNlcjpwOnE="},"*.b[a-c].io":{"username":"u","password":"p"}}}"#
                .utf8)
        var wild = WildBytes(seed: seed)
        var read = 0
        for _ in 0..<20_000 {
            var keyring = RegistryKeyring()
            let text = wild.mutated(whole)
            guard (try? keyring.add(secret(String(decoding: text, as: UTF8.self)))) != nil else { continue }
            read += 1
            _ = keyring.credentials(for: try ImageReference("a.example:5000/x/y"))
            _ = keyring.credentials(for: try ImageReference("x.bb.io/y"))
        }
        #expect((500..<19_500).contains(read), "\(read) of 20000 were read")
    }

    @Test(arguments: [
        (Duration.zero, "0s"), (.milliseconds(532), "532ms"), (.milliseconds(1_250), "1.25s"), (.seconds(2), "2s"),
        (.milliseconds(62_005), "1m2.005s"), (.seconds(3_600), "1h0m0s"), (.microseconds(900), "0s"),
    ]) func durationsAreWrittenAsGoDoes(duration: Duration, text: String) {
        #expect(duration.goText == text)
    }
}
