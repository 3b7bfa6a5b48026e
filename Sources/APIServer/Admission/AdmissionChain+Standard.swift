import KubernetesAPI

extension AdmissionChain {
    /// The rules of this server, in their order.
    static func standard(_ resources: ResourceTable) -> AdmissionChain {
        var rules: [any AdmissionRule] = []
        if let namespaces = resources[Namespace.kind] { rules.append(NamespaceLifecycle(namespaces: namespaces.cache)) }
        return AdmissionChain(rules: rules)
    }
}
