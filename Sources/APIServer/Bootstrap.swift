import APIMachinery
import JSONTree
import KubernetesAPI
import Store

/// What every cluster has: made where it is missing, set right where it differs; at start-up, and again every few seconds.
struct Bootstrap: Sendable {
    let registry: ObjectRegistry
    let configuration: APIServerConfiguration

    private var identity: Identity {
        Identity(user: "system:apiserver", groups: ["system:masters", "system:authenticated"])
    }

    func run() async {
        for name in NamespaceLifecycle.permanent {
            await ensure(Namespace(name: name).storage, Namespace.kind, namespace: nil) { _ in nil }
        }
        await moveService()
        await ensure(service, Service.kind, namespace: "default") { _ in nil }
        await ensure(endpoints, KubernetesAPI.Endpoints.kind, like: ["subsets"])
        await ensure(slice, EndpointSlice.kind, like: ["endpoints", "ports"])
        if !configuration.nodeName.isEmpty {
            await ensure(node, Node.kind, namespace: nil) { old in
                guard Node(storage: old).metadata.labels[Self.role] == nil else { return nil }
                var new = Node(storage: old)
                new.metadata.labels[Self.role] = "true"
                return new.storage
            }
        }
    }

    private static let role = "node-role.kubernetes.io/control-plane"

    /// The machine that serves the API, which a node may not say of itself. It runs pods like any other: there is no taint, as with k3s.
    private var node: JSONObject {
        Node(name: configuration.nodeName) { $0.metadata.labels = [Self.role: "true"] }.storage
    }

    /// Gives the API server's own service its address in a service network that has changed, which the server's certificate names. Written to the store itself: by
    /// the API an address never changes.
    private func moveService() async {
        guard let services = registry.resources[Service.kind],
            let present = services.cache[services.key(namespace: "default", name: service.name)],
            let address = Self.clusterAddress(of: present.tree), address != registry.allocator.firstAddress
        else { return }
        let others = services.cache.snapshot(namespace: nil, applied: 0).0
        if let holder = others.first(where: { Self.clusterAddress(of: $0.tree) == registry.allocator.firstAddress }) {
            registry.logger.error(
                "the kubernetes Service needs the address of another, which must be deleted",
                metadata: ["service": "\(holder.key)", "address": "\(registry.allocator.firstAddress)"])
            return
        }
        // Of one that is being made; it is looked again soon.
        guard registry.allocator.takeFirstAddress() else { return }
        var new = present.tree
        var spec = new["spec"]?.object ?? JSONObject()
        spec["clusterIP"] = .string(registry.allocator.firstAddress)
        spec["clusterIPs"] = [.string(registry.allocator.firstAddress)]
        new["spec"] = .object(spec)
        do throws(StoreError) {
            _ = try await registry.store.write(
                .update(
                    key: services.prefix + present.key, bytes: services.format.stored(new),
                    expecting: present.revision))
            registry.allocator.giveBack(address: address)
            registry.logger.warning(
                "the kubernetes Service has another address, which pods that were started before do not know",
                metadata: ["before": "\(address)", "now": "\(registry.allocator.firstAddress)"])
        } catch {
            registry.allocator.giveBack(address: registry.allocator.firstAddress)
            registry.logger.error("the kubernetes Service keeps its former address", metadata: ["cause": "\(error)"])
        }
    }

    private static func clusterAddress(of service: JSONObject) -> String? {
        service["spec"]?["clusterIP"]?.string.flatMap { IPv4Address($0) == nil ? nil : $0 }
    }

    /// Holds these fields of an object in the namespace `default`.
    private func ensure(_ object: JSONObject, _ kind: ResourceKind, like fields: [String]) async {
        await ensure(object, kind, namespace: "default") { old in
            guard fields.contains(where: { old[$0] != object[$0] }) else { return nil }
            var new = old
            for field in fields { new[field] = object[field] }
            return new
        }
    }

    /// Creates the object where it is missing; else writes what `repair` makes of it (nil: it is right).
    private func ensure(
        _ object: JSONObject, _ kind: ResourceKind, namespace: String?,
        repair: @escaping @Sendable (JSONObject) -> JSONObject?
    ) async {
        guard let resource = registry.resources[kind] else { return }
        do throws(Status) {
            if let present = resource.cache[resource.key(namespace: namespace, name: object.name)] {
                guard repair(present.tree) != nil else { return }
                let update = UpdateRequest(
                    resource: resource, namespace: namespace, name: object.name, identity: identity
                ) { repair($0) ?? $0 }
                _ = try await registry.update(update)
            } else {
                var new = object
                resource.applyDefaults(&new)
                _ = try await registry.create(
                    new, resource, namespace: namespace, options: WriteOptions(), identity: identity)
            }
        } catch {
            registry.logger.error(
                "cannot set up an object that every cluster has",
                metadata: ["kind": "\(kind.kind)", "name": "\(object.name)", "cause": "\(error)"])
        }
    }

    /// The way to this server from inside pods.
    private var service: JSONObject {
        [
            "metadata": [
                "name": "kubernetes",
                "labels": ["component": "apiserver", "provider": "kubernetes"],
            ],
            "spec": [
                "type": "ClusterIP", "clusterIP": .string(registry.allocator.firstAddress), "sessionAffinity": "None",
                "ports": [
                    [
                        "name": "https", "port": 443, "protocol": "TCP",
                        "targetPort": .integer(Int64(configuration.advertisePort)),
                    ]
                ],
            ],
        ]
    }

    /// The same before EndpointSlice; none is made of it.
    private var endpoints: JSONObject {
        [
            "metadata": [
                "name": "kubernetes", "labels": ["endpointslice.kubernetes.io/skip-mirror": "true"],
            ],
            "subsets": [
                [
                    "addresses": [["ip": .string(configuration.advertiseAddress)]],
                    "ports": [
                        ["name": "https", "port": .integer(Int64(configuration.advertisePort)), "protocol": "TCP"]
                    ],
                ]
            ],
        ]
    }

    private var slice: JSONObject {
        [
            "metadata": ["name": "kubernetes", "labels": ["kubernetes.io/service-name": "kubernetes"]],
            "addressType": .string(configuration.advertiseAddress.contains(":") ? "IPv6" : "IPv4"),
            "endpoints": [
                ["addresses": [.string(configuration.advertiseAddress)], "conditions": ["ready": true]]
            ],
            "ports": [
                ["name": "https", "port": .integer(Int64(configuration.advertisePort)), "protocol": "TCP"]
            ],
        ]
    }
}
