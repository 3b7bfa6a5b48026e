import KubernetesAPI

extension Pod {
    /// What the pod asks for and no node can give yet, with the way out; nil where there is nothing. To run it without would be to drop a wish for
    /// isolation or for a limit in silence.
    var unmetDemand: String? {
        let spec = self.spec
        if let name = spec.runtimeClassName {
            return "RuntimeClass \"\(name)\" not found; leave runtimeClassName out"
        }
        if !spec.resourceClaims.isEmpty {
            return "resourceClaims are not supported yet; leave them out"
        }
        return nil
    }
}
