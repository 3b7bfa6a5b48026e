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

    /// What a container can be confined with. Where it wants the runtime's own profile, that is loaded if it is not; another tool may have
    /// unloaded it. What went wrong is not tried again for a minute, so that it does not hold up each container.
    func appArmor(for security: ContainerSecurity) -> AppArmorMeans? {
        guard security.appArmor != .unconfined, let kernel = kernel.appArmor() else { return nil }
        var means = AppArmorMeans(kernel: kernel)
        guard AppArmorDecision.usesOwn(security) else { return means }
        let profile = paths.profile
        means.obstacle = ownProfile.withLock { state in
            if state.isLoaded, kernel.profiles?.contains(profile.name) == true { return nil }
            if let tried = state.tried, dependencies.time.uptime() - tried < Self.patience { return state.obstacle }
            let obstacle = self.obstacle(to: profile)
            if let obstacle, obstacle != state.obstacle {
                logger.warning("containers run without an AppArmor profile", metadata: ["cause": "\(obstacle)"])
            }
            state = OwnProfileState(
                isLoaded: obstacle == nil, obstacle: obstacle,
                tried: obstacle == nil ? nil : dependencies.time.uptime())
            return obstacle
        }
        if means.obstacle == nil { means.own = profile.name }
        return means
    }

    private func obstacle(to profile: OwnProfile) -> String? {
        do throws(KernelError) {
            return try kernel.load(profile)
        } catch {
            return error.description
        }
    }
}
