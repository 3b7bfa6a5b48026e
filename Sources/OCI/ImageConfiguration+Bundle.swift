extension RuntimeSpecification {
    /// What the bundle says of its process, as an image says it. Its arguments become the command, not the entry point, so that a
    /// pod's `args` replace them. The rest of a bundle (namespaces, mounts, limits) is the pod's to decide.
    package var imageConfiguration: ImageConfiguration {
        var configuration = ImageConfiguration()
        guard let process else { return configuration }
        configuration.command = process.arguments
        configuration.environment = process.environment
        configuration.workingDirectory = process.workingDirectory
        if process.userID != 0 || process.groupID != 0 {
            configuration.user = "\(process.userID):\(process.groupID)"
        }
        configuration.labels = annotations
        return configuration
    }
}
