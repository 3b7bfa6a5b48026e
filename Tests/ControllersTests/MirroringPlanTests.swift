import APIMachinery
import KubernetesAPI
import Testing

@testable import Controllers

@Suite struct MirroringPlanTests {
    private static let service = Service(name: "db", namespace: "default")

    private static func endpoints(_ addresses: [String], notReady: [String] = []) -> Endpoints {
        Endpoints(name: "db", namespace: "default") { endpoints in
            endpoints.metadata.uid = "endpoints"
            endpoints.metadata.labels = ["team": "storage"]
            endpoints.metadata.annotations = [
                "note": "outside", "kubectl.kubernetes.io/last-applied-configuration": "{}",
            ]
            endpoints.subsets = [
                EndpointSubset { subset in
                    subset.addresses = addresses.map { ip in EndpointAddress { $0.ip = ip } }
                    subset.notReadyAddresses = notReady.map { ip in EndpointAddress { $0.ip = ip } }
                    subset.ports = [
                        EndpointSubsetPort {
                            $0.name = "sql"
                            $0.port = 5432
                        }
                    ]
                }
            ]
        }
    }

    private static func created(_ plan: MirroringPlan) -> [EndpointSlice] {
        plan.actions.compactMap { if case .create(let slice) = $0 { slice } else { nil } }
    }

    @Test func eachFamilyHasASlice() throws {
        let endpoints = Self.endpoints(["192.0.2.1", "2001:db8::1"], notReady: ["192.0.2.2"])
        let plan = MirroringPlan(of: endpoints, for: Self.service, slices: [])
        let slices = Self.created(plan)
        #expect(plan.actions.count == 2)
        #expect(slices.map { $0.addressType } == ["IPv4", "IPv6"])
        let first = try #require(slices.first)
        #expect(first.endpoints.map { $0.addresses } == [["192.0.2.1"], ["192.0.2.2"]])
        #expect(first.endpoints.map { $0.conditions.ready } == [true, false])
        #expect(first.ports.map { $0.port } == [5432])
        #expect(
            first.metadata.labels == [
                "team": "storage", "kubernetes.io/service-name": "db",
                "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
            ])
        #expect(first.metadata.annotations == ["note": "outside"])
        #expect(first.metadata.ownerReferences.map { $0.uid } == ["endpoints"])
        #expect(MirroringPlan(of: endpoints, for: Self.service, slices: slices).actions == [])
    }

    @Test func aChangeRenewsTheSliceOfItsPorts() throws {
        let before = Self.created(MirroringPlan(of: Self.endpoints(["192.0.2.1"]), for: Self.service, slices: []))
        let plan = MirroringPlan(of: Self.endpoints(["192.0.2.9"]), for: Self.service, slices: before)
        guard case .update(let slice)? = plan.actions.first, plan.actions.count == 1 else {
            Issue.record("the slice is not renewed: \(plan.actions)")
            return
        }
        #expect(slice.endpoints.map { $0.addresses } == [["192.0.2.9"]])
        #expect(slice.metadata.name == before.first?.metadata.name)
        let empty = MirroringPlan(of: Self.endpoints(["2001:db8::1"]), for: Self.service, slices: before)
        #expect(empty.actions.last == before.first.map { .delete($0) })
        #expect(Self.created(empty).map { $0.addressType } == ["IPv6"])
    }

    @Test func whatIsNotToBeMirroredLeavesNothing() {
        let endpoints = Self.endpoints(["192.0.2.1"])
        let slices = Self.created(MirroringPlan(of: endpoints, for: Self.service, slices: []))
        let gone: [EndpointSlicePlan.Action] = slices.map { .delete($0) }
        var skipped = endpoints
        skipped.metadata.labels["endpointslice.kubernetes.io/skip-mirror"] = "true"
        var leader = endpoints
        leader.metadata.annotations["control-plane.alpha.kubernetes.io/leader"] = "{}"
        var selecting = Self.service
        selecting.spec.selector = ["app": "db"]
        #expect(gone.count == 1)
        #expect(MirroringPlan(of: nil, for: Self.service, slices: slices).actions == gone)
        #expect(MirroringPlan(of: endpoints, for: nil, slices: slices).actions == gone)
        #expect(MirroringPlan(of: endpoints, for: selecting, slices: slices).actions == gone)
        #expect(MirroringPlan(of: skipped, for: Self.service, slices: slices).actions == gone)
        #expect(MirroringPlan(of: leader, for: Self.service, slices: slices).actions == gone)
    }

    @Test func aThousandAddressesAreMirrored() {
        let addresses = (0..<1_005).map { "10.0.\($0 / 250).\($0 % 250)" }
        let plan = MirroringPlan(of: Self.endpoints(addresses), for: Self.service, slices: [])
        #expect(Self.created(plan).map { $0.endpoints.count } == [1_000])
        #expect(plan.skipped == 5)
    }
}
