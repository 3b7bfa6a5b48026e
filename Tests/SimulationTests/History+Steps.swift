import CRI
import KubernetesAPI

extension History {
    private static let workloads = ["web", "db"]
    private static let images = ["app:1", "app:2", "app:3"]
    private static let bare = ["p1", "p2"]

    /// What users do.
    func change() {
        let (kind, name, replicas, image, pod) = world.draw { chance in
            (
                chance.number(0...99), chance.pick(Self.workloads) ?? "", Int32(chance.number(0...3)),
                chance.pick(Self.images) ?? "", chance.pick(Self.bare) ?? ""
            )
        }
        let (policy, restart, grace, surge) = world.draw { chance in
            (
                chance.pick(["Background", "Background", "Foreground", "Orphan"]) ?? "",
                chance.pick(["Always", "OnFailure", "Never"]) ?? "", Int64(chance.pick([0, 1, 30]) ?? 0),
                Int32(chance.number(0...1))
            )
        }
        byUser { [user] in
            switch kind {
            case ..<20: await user.createDeployment(name, replicas, image, maxSurge: surge, grace: max(1, grace))
            case ..<36: await user.scale(name, to: replicas)
            case ..<52: await user.roll(name, to: image)
            case ..<60: await user.deleteDeployment(name, policy)
            case ..<71: await user.createPod(pod, image, restartPolicy: restart, grace: max(1, grace))
            case ..<77: await user.deletePod(pod, grace: grace == 30 ? nil : grace)
            case ..<92: await self.deleteAny(grace: grace == 30 ? nil : grace)
            case ..<96: await user.createService(name)
            default: await user.deleteService(name)
            }
        }
    }

    /// Deletes a pod that belongs to a workload.
    private func deleteAny(grace: Int64?) async {
        let pods = StoredObject.all(Pod.self, in: cluster.disk.latest).map(\.metadata.name)
        guard let name = world.draw({ $0.pick(pods) }) else { return }
        await user.deletePod(name, grace: grace)
    }

    /// What goes wrong.
    func fault() {
        let kind = world.draw { $0.number(0...99) }
        guard let node = world.draw({ $0.pick(cluster.nodes) }) else { return }
        inTime {
            switch kind {
            case ..<25: self.endContainer(on: node)
            case ..<30: self.crashSandbox(on: node)
            case ..<34: self.cutEvents(on: node)
            case ..<48: await self.crashKubelet(node)
            case ..<52: await self.powerOff(node)
            case ..<58: await self.cutLink(node)
            case ..<64:
                self.world.note("break-watches", node.name)
                node.breakStreams()
            case ..<78: await self.crashPlane()
            case ..<84: await self.slowStore()
            case ..<90: await self.slowLink(node)
            default: await self.badRuntime(node)
            }
        }
    }

    private func endContainer(on node: SimulatedNode) {
        let (pick, code) = world.draw { ($0.number(0...1_000), Int32($0.pick([0, 1, 137]) ?? 0)) }
        let running = node.machine.running
        guard !running.isEmpty else { return }
        let container = running[pick % running.count]
        world.note("container-ends", "\(node.name) \(container.id) \(code)")
        node.machine.exit(container, code: code)
    }

    private func crashSandbox(on node: SimulatedNode) {
        let ready = node.machine.ready
        guard let sandbox = world.draw({ $0.pick(ready) }) else { return }
        world.note("sandbox-crashes", "\(node.name) \(sandbox.id) of \(sandbox.metadata.name)")
        node.machine.crash(sandbox: sandbox.id)
    }

    private func cutEvents(on node: SimulatedNode) {
        world.note("events-overflow", node.name)
        node.machine.runtime.cutEvents()
    }

    private func crashKubelet(_ node: SimulatedNode) async {
        guard node.isUp else { return }
        world.note("kubelet-crashes", node.name)
        node.crash()
        await world.pause(world.draw { $0.duration(0...15_000) })
        try? node.start()
        world.note("kubelet-starts", node.name)
    }

    private func powerOff(_ node: SimulatedNode) async {
        guard node.isUp else { return }
        wishes.loosen("pods/")
        world.note("node-is-lost", node.name)
        node.powerOff()
        await world.pause(world.draw { $0.percent(70) ? $0.duration(500...20_000) : $0.duration(500...120_000) })
        // Those too that came to it before it was missed.
        wishes.loosen("pods/")
        try? node.start()
        world.note("node-returns", node.name)
    }

    private func cutLink(_ node: SimulatedNode) async {
        guard !node.isCut else { return }
        wishes.loosen("pods/")
        world.note("link-is-cut", node.name)
        node.cut(true)
        await world.pause(world.draw { $0.percent(70) ? $0.duration(100...10_000) : $0.duration(100...120_000) })
        wishes.loosen("pods/")
        node.cut(false)
        world.note("link-is-mended", node.name)
    }

    private func crashPlane() async {
        guard cluster.plane != nil else { return }
        // Often while writes are between the caller and the disk.
        if world.draw({ $0.percent(60) }) {
            cluster.slowStore(to: 800)
            change()
            await world.pause(world.draw { $0.duration(0...1_500) })
        }
        world.note("server-crashes")
        cluster.crashPlane()
        cluster.slowStore(to: Cluster.usualSync)
        await world.pause(world.draw { $0.duration(10...15_000) })
        try? cluster.startPlane()
        world.note("server-starts")
    }

    private func slowStore() async {
        let delay = world.draw { $0.pick([2, 50, 1_500]) ?? 0 }
        world.note("slow-store", "\(delay) ms")
        cluster.slowStore(to: delay)
        await world.pause(world.draw { $0.duration(500...10_000) })
        cluster.slowStore(to: Cluster.usualSync)
    }

    private func slowLink(_ node: SimulatedNode) async {
        let delay = world.draw { $0.pick([5, 200, 3_000]) ?? 0 }
        world.note("slow-link", "\(node.name) \(delay) ms")
        node.slowLink(to: delay)
        await world.pause(world.draw { $0.duration(500...10_000) })
        node.slowLink(to: 0)
    }

    private func badRuntime(_ node: SimulatedNode) async {
        let weather = world.draw {
            SimulatedRuntime.Weather(delay: $0.pick([0, 20, 2_000]) ?? 0, failures: $0.pick([0, 20, 60]) ?? 0)
        }
        world.note("bad-runtime", "\(node.name) \(weather.delay) ms, \(weather.failures) %")
        node.setWeather(weather)
        await world.pause(world.draw { $0.duration(500...10_000) })
        node.setWeather(.init())
    }
}
