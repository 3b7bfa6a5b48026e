import APIMachinery
import KubernetesAPI
import Testing

@testable import Controllers

@Suite struct OwnerNamespaceTests {
    private func map(
        _ name: String, in namespace: String, owner: String? = nil, blocks: Bool = false, finalizers: [String] = []
    ) -> OwnerGraph.Item {
        var map = ConfigMap(name: name, namespace: namespace)
        map.metadata.uid = name
        map.metadata.finalizers = finalizers
        if !finalizers.isEmpty { map.metadata.deletionTimestamp = Timestamp(seconds: 1) }
        if let owner {
            map.metadata.ownerReferences = [
                OwnerReference {
                    $0.apiVersion = "v1"
                    $0.kind = "ConfigMap"
                    $0.name = owner
                    $0.uid = owner
                    $0.blockOwnerDeletion = blocks
                }
            ]
        }
        return OwnerGraph.Item(map)
    }

    @Test func anOwnerInAnotherNamespaceIsNone() {
        var graph = OwnerGraph()
        _ = graph.put(map("owner", in: "a"))
        _ = graph.put(map("near", in: "a", owner: "owner"))
        let far = map("far", in: "b", owner: "owner")
        _ = graph.put(far)
        #expect(graph.verdict(on: "near") == .nothing)
        #expect(graph.verdict(on: "far") == .ask(far.owners))
        #expect(graph.verdict(on: "far", absent: ["owner"]) == .delete(propagation: "Background"))
    }

    @Test func whatIsInAnotherNamespaceHoldsNoOwnerUp() {
        var graph = OwnerGraph()
        _ = graph.put(map("owner", in: "a", finalizers: [OwnerGraph.foreground]))
        _ = graph.put(map("far", in: "b", owner: "owner", blocks: true))
        #expect(graph.verdict(on: "owner") == .removeFinalizer(OwnerGraph.foreground))
        _ = graph.put(map("near", in: "a", owner: "owner", blocks: true))
        #expect(graph.verdict(on: "owner") == .nothing)
    }

    @Test func theEndOfAnOwnerThatWasNeverPutIsNoticed() {
        var graph = OwnerGraph()
        _ = graph.put(map("owned", in: "a", owner: "owner"))
        #expect(graph.remove("owner") == ["owned"])
        #expect(graph.remove("nobody").isEmpty)
    }
}
