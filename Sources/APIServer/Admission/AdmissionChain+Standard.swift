import KubernetesAPI

extension AdmissionChain {
    /// The rules of this server, in their order.
    static func standard(_ resources: ResourceTable, _ identifiers: Identifiers) -> AdmissionChain {
        var rules: [any AdmissionRule] = []
        if let namespaces = resources[Namespace.kind] { rules.append(NamespaceLifecycle(namespaces: namespaces.cache)) }
        if let accounts = resources[ServiceAccount.kind] {
            rules.append(ServiceAccountAdmission(accounts: accounts, identifiers: identifiers))
        }
        rules += [
            DefaultTolerationSeconds(), MemoryPressureToleration(), PriorityDefault(), NoRuntimeClass(),
            AppArmorFields(), TaintNodesByCondition(),
            NodeRestriction(nodes: resources[Node.kind]),
        ]
        return AdmissionChain(rules: rules)
    }
}
