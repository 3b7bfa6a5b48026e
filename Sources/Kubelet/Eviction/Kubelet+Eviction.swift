import APIMachinery
import Client
import KubernetesAPI

extension Kubelet {
    func evictor(_ settings: EvictionSettings) -> Evictor {
        Evictor(
            settings: settings, node: configuration.identity.name, meter: meter, directory: directory,
            recorder: recorder, turn: { await self.turn($0) }, time: time, logger: logger)
    }

    /// The node's conditions have turned: its status says so at once, and an event each.
    private func turn(_ pressures: Set<NodePressure>) async {
        let name = configuration.identity.name
        let changed = self.pressures.set(pressures)
        for pressure in NodePressure.allCases where changed.contains(pressure) {
            recorder.record(NodeEvents.turned(pressure, pressures.contains(pressure), on: name))
        }
        let reporter = reporter
        // What does not arrive is written at the reporter's next look.
        await within(.seconds(2)) { _ = try? await reporter.report() }
    }

    /// Removes unused images where their filesystem is filled beyond the set share. Every five minutes.
    func collectImages(_ settings: EvictionSettings) async {
        while (try? await time.sleep(for: .seconds(300))) != nil {
            let pods = directory.pods
            _ = try? await space.look(pods)
            guard let reading = await meter.signals().readings[.imageDisk],
                let excess = ImageCollection.excess(
                    reading, high: settings.imageHighShare, low: settings.imageLowShare)
            else { continue }
            await space.removeImages(pods, until: excess)
        }
    }
}
