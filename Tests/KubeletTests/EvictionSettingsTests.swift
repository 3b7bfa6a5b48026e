import APIMachinery
import CRI
import KubernetesAPI
import Testing

@testable import Kubelet

@Suite struct EvictionSettingsTests {
    @Test func theDefaultsAreKubernetes() throws {
        let settings = try EvictionSettings()
        #expect(settings.reserve(.memory, of: 8 << 30) == 100 << 20)
        #expect(settings.reserve(.allocatableMemory, of: 8 << 30) == 100 << 20)
        #expect(settings.reserve(.disk, of: 1_000) == 100)
        #expect(settings.reserve(.inodes, of: 1_000) == 50)
        #expect(settings.reserve(.imageDisk, of: 1_000) == 150)
        #expect(settings.reserve(.imageInodes, of: 1_000) == 50)
        #expect(settings.reserve(.processes, of: 1_000) == 0)
        #expect(settings.transition == .seconds(300))
    }

    @Test func levelsOfNothingSetNoThreshold() throws {
        #expect(try EvictionSettings(hard: "").thresholds.isEmpty)
        #expect(try EvictionSettings(hard: "memory.available<0,nodefs.available<0%").thresholds.isEmpty)
        #expect(try EvictionSettings(hard: "pid.available<2.5%").reserve(.processes, of: 1_000) == 25)
    }

    @Test(arguments: [
        ("memory.available", "is no signal and its level"), ("memory.free<1Mi", "there is no signal \"memory.free\""),
        ("allocatableMemory.available<1Mi", "there is no signal"), ("memory.available<-1", "must be an amount"),
        ("memory.available<100%", "must be an amount"), ("memory.available<1Mi,memory.available<2Mi", "two levels"),
    ])
    func whatIsWrongIsNamed(_ text: String, _ part: String) {
        do throws(EvictionSettingError) {
            _ = try EvictionSettings(hard: text)
            Issue.record("\(text) was taken")
        } catch {
            #expect(error.description.contains(part), "\(error)")
        }
    }

    @Test func aSoftThresholdNeedsAGrace() throws {
        #expect(throws: EvictionSettingError.self) { try EvictionSettings(soft: "memory.available<1Gi") }
        #expect(throws: EvictionSettingError.self) {
            try EvictionSettings(soft: "memory.available<1Gi", graces: "memory.available=0s")
        }
        let settings = try EvictionSettings(hard: "", soft: "memory.available<1Gi", graces: "memory.available=1m30s")
        #expect(settings.thresholds.map(\.grace) == [.seconds(90)])
    }

    @Test func periodsAreReadInUpstreamsForm() {
        #expect(EvictionSettings.seconds("90s") == 90)
        #expect(EvictionSettings.seconds("1h2m3s") == 3_723)
        for wrong in ["", "90", "s", "-1s", "1d", "99999999999999999999s"] {
            #expect(EvictionSettings.seconds(wrong) == nil)
        }
    }

    @Test func theNodeSaysWhatItIsShortOfAndKeepsSomeFree() throws {
        let facts = NodeFacts(
            cpuMilli: 2_000, memoryBytes: 1 << 30, diskBytes: 1 << 30, maximumPods: 1, architecture: "amd64",
            kernelVersion: "6", operatingSystem: "o", bootID: "b", machineID: "m", runtimeVersion: "r",
            kubeletVersion: "k", hostname: "n")
        let object = NodeObject(
            identity: NodeIdentity(name: "n", addresses: []), facts: facts,
            eviction: try EvictionSettings(hard: "memory.available<24Mi,nodefs.available<50%"))
        let status = object.status(
            NodeStatus(), runtime: RuntimeStatus(conditions: []), images: [], pressures: [.memory], at: .epoch)
        #expect(status.allocatable["memory"] == Quantity("1000Mi"))
        #expect(status.allocatable["ephemeral-storage"] == Quantity("512Mi"))
        #expect(status.capacity["memory"] == Quantity("1Gi"))
        let told = status.conditions.map { "\($0.type) \($0.status) \($0.reason ?? "")" }
        #expect(
            told == [
                "MemoryPressure True KubeletHasInsufficientMemory", "DiskPressure False KubeletHasNoDiskPressure",
                "PIDPressure False KubeletHasSufficientPID", "Ready True KubeletReady",
            ])
        #expect(NodePressure.disk.eventReason(true) == "NodeHasDiskPressure")
    }

    @Test func signalsComeFromTheKernelsTexts() {
        let node = NodeUsage(
            processorTimes: "", memory: "MemTotal: 1000 kB\nMemFree: 300 kB\nInactive(file): 100 kB\n",
            ticksPerSecond: 100)
        var texts = NodeSignals(node: node, images: nil)
        texts.loadAverage = "0.00 0.01 0.05 2/345 6789\n"
        texts.processLimits = ["32768\n", "2000\n"]
        texts.podMemory = ["5000\n", "anon 1\ninactive_file 1000\n", "10000\n"]
        let readings = texts.signals.readings
        #expect(readings[.memory] == SignalReading(available: 400 << 10, capacity: 1000 << 10))
        #expect(readings[.processes] == SignalReading(available: 1_655, capacity: 2_000))
        #expect(readings[.allocatableMemory] == SignalReading(available: 6_000, capacity: 10_000))
        #expect(readings[.disk] == nil)
        // Without a limit there is nothing to run out of.
        texts.podMemory[2] = "max\n"
        texts.loadAverage = ""
        #expect(texts.signals.readings[.allocatableMemory] == nil)
        #expect(texts.signals.readings[.processes] == nil)
    }
}
