import APIMachinery
import CRI
import Linux

/// How far the runtime's own AppArmor profile is.
struct OwnProfileState {
    /// Whether it has been loaded since this program began: what an older one has left may say something else.
    var isLoaded = false
    /// Why it could not be, and when that was tried last.
    var obstacle: String?
    var tried: Duration?
}

extension NodeRuntime {
    private static let patience = Duration.seconds(60)

    /// What a container can be confined with. Blocks while the runtime's own profile is loaded, where it wants that.
    func appArmor(for security: ContainerSecurity) -> AppArmorMeans? {
        guard security.appArmor != .unconfined, let kernel = kernel.appArmor() else { return nil }
        var means = AppArmorMeans(kernel: kernel)
        guard AppArmorDecision.usesOwn(security) else { return means }
        means.obstacle = keepOwnProfile()
        if means.obstacle == nil { means.own = paths.profile.name }
        return means
    }

    /// Loads the runtime's own profile where it is not; another tool may have unloaded it. What went wrong is not tried again for a minute, so that it
    /// does not hold up each container.
    /// - Returns: why it is not there; nil where it is.
    @discardableResult
    func keepOwnProfile() -> String? {
        ownProfile.withLock { state in
            if state.isLoaded, isListed(paths.profile) { return nil }
            if let tried = state.tried, dependencies.time.uptime() - tried < Self.patience { return state.obstacle }
            let obstacle = self.obstacle(to: paths.profile)
            if let obstacle, obstacle != state.obstacle {
                logger.warning("containers run without an AppArmor profile", metadata: ["cause": "\(obstacle)"])
            }
            let tried = obstacle == nil ? nil : dependencies.time.uptime()
            state = OwnProfileState(isLoaded: obstacle == nil, obstacle: obstacle, tried: tried)
            return obstacle
        }
    }

    private func obstacle(to profile: OwnProfile) -> String? {
        do throws(KernelError) {
            if let obstacle = try kernel.load(profile) { return obstacle }
            return isListed(profile) ? nil : "\(AppArmor.parser) has loaded it, but the kernel does not list it"
        } catch {
            return error.description
        }
    }

    private func isListed(_ profile: OwnProfile) -> Bool {
        kernel.appArmor()?.has(profile.name) ?? false
    }
}
