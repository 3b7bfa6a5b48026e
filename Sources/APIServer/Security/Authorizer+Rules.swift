import APIMachinery
import KubernetesAPI

extension Authorizer {
    /// What the identity may do in a namespace, for people to read. Every resource that is served is asked for, so that nothing is said which does not
    /// hold; only masters, who may do all, get to read "*".
    func rules(_ identity: Identity, namespace: String) -> SubjectRulesReviewStatus {
        SubjectRulesReviewStatus { status in
            status.incomplete = false
            status.resourceRules = resourceRules(identity, namespace)
            status.nonResourceRules = pathRules(identity)
            guard !identity.isMaster, identity.nodeName != nil else { return }
            // What it may read and write of a kind depends on the object.
            status.incomplete = true
            status.evaluationError = "node authorizer does not support user rule resolution"
        }
    }

    private func resourceRules(_ identity: Identity, _ namespace: String) -> [ResourceRule] {
        if identity.isMaster { return [Self.rule("*", ["*"], ["*"])] }
        var names: [Permission: [String]] = [:]
        for resource in served {
            let kind = resource.kind
            var path = ResourcePath(
                group: kind.group, version: kind.version, resource: kind.plural,
                namespace: kind.isNamespaced ? namespace : nil)
            note(path, resource.verbs, identity, &names)
            for subresource in resource.subresources {
                path.subresource = subresource.name
                note(path, subresource.verbs, identity, &names)
            }
        }
        return names.sorted { $0.key < $1.key }.map { Self.rule($0.key.group, $0.value.sorted(), $0.key.verbs) }
    }

    private struct Permission: Hashable, Comparable {
        let group: String
        let verbs: [String]

        static func < (left: Permission, right: Permission) -> Bool {
            (left.group, left.verbs.joined()) < (right.group, right.verbs.joined())
        }
    }

    private func note(
        _ path: ResourcePath, _ verbs: [String], _ identity: Identity, _ names: inout [Permission: [String]]
    ) {
        let allowed = verbs.filter { text in
            guard let verb = Verb(rawValue: text) else { return false }
            var path = path
            if ![.create, .list, .watch, .deletecollection].contains(verb) { path.name = "any" }
            return allows(identity, RequestAttributes(verb, resource: path))
        }
        guard !allowed.isEmpty else { return }
        let name = path.subresource.map { "\(path.resource)/\($0)" } ?? path.resource
        names[Permission(group: path.group, verbs: allowed), default: []].append(name)
    }

    private static func rule(_ group: String, _ resources: [String], _ verbs: [String]) -> ResourceRule {
        ResourceRule {
            $0.apiGroups = [group]
            $0.resources = resources
            $0.verbs = verbs
        }
    }

    private func pathRules(_ identity: Identity) -> [NonResourceRule] {
        if identity.isMaster { return [Self.rule(["*"], ["*"])] }
        let trees = Self.openPaths + (identity.isAuthenticated ? Self.describingPaths : [])
        var paths = trees.flatMap { [$0, "\($0)/*"] }
        if identity.groups.contains("system:serviceaccounts") { paths += Self.tokenPaths }
        return [Self.rule(paths.sorted(), ["get"])]
    }

    private static func rule(_ paths: [String], _ verbs: [String]) -> NonResourceRule {
        NonResourceRule {
            $0.nonResourceURLs = paths
            $0.verbs = verbs
        }
    }
}
