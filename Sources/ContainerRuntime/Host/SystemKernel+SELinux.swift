import Linux

extension SystemKernel {
    package func selinux() throws(KernelError) -> SELinuxContexts? { try SELinuxContexts.ofThisKernel() }

    package func label(
        _ path: String, _ label: String, isGivenUp: @escaping @Sendable () -> Bool
    ) throws(KernelError) {
        try TreeLabel.set(label, at: path, isGivenUp: isGivenUp)
    }

    package func label(
        _ tree: SharedDescriptor, _ label: String, path: String, isGivenUp: @escaping @Sendable () -> Bool
    ) throws(KernelError) {
        try TreeLabel.set(label, on: try tree.duplicate(), path: path, isGivenUp: isGivenUp)
    }
}
