import KubernetesAPI
import Testing

@testable import Client

@Suite struct ObjectCacheTests {
    private func map(_ name: String, _ version: String) -> ConfigMap {
        ConfigMap {
            $0.metadata.name = name
            $0.metadata.resourceVersion = version
        }
    }

    /// Who takes the place of another comes after that one's end, whatever they are called.
    @Test func aListTellsWhatIsGoneFirstAndWhatIsNewLast() {
        var cache = ObjectCache<ConfigMap>(indices: [:])
        for name in ["c", "d", "e"] { _ = cache.set(map(name, "1")) }
        let changes = cache.replace([map("a", "2"), map("b", "2"), map("d", "2"), map("e", "1")])
        #expect(changes.map { $0.key.name } == ["c", "d", "a", "b"])
        #expect(changes.map { $0.after == nil } == [true, false, false, false])
    }
}
