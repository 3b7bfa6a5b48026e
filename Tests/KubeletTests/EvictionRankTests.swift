import APIMachinery
import KubernetesAPI
import Linux
import Testing

@testable import Kubelet

/// Who goes first, and who breaks the limits of what it stores.
@Suite struct EvictionRankTests {
    @Test func thoseThatExceedTheirRequestsGoFirst() {
        let pods = [
            podUsage("within", memory: 900, request: mebibytes(1000)),
            podUsage("over", memory: 60, request: mebibytes(50)),
            podUsage("none", memory: 5),
        ]
        #expect(order(pods, .memory) == ["over", "none", "within"])
    }

    @Test func amongThemPriorityCountsBeforeTheAmount() {
        let pods = [
            podUsage("important", memory: 900, priority: 10), podUsage("small", memory: 1),
            podUsage("large", memory: 100), podUsage("asked", memory: 150, request: mebibytes(100)),
        ]
        #expect(order(pods, .memory) == ["large", "asked", "small", "important"])
    }

    @Test func criticalAndStaticPodsAreSpared() {
        var fixed = podUsage("fixed", memory: 900)
        fixed.pod.metadata.annotations[StaticPodAnnotation.source] = "file"
        let pods = [podUsage("critical", memory: 900, priority: 2_000_000_000), fixed, podUsage("other", memory: 1)]
        #expect(order(pods, .memory) == ["other"])
        #expect(order(pods, .disk) == ["other"])
    }

    @Test func whatCannotBeMeasuredGoesBeforeAll() {
        var huge = podUsage("huge", stored: 1)
        huge.files?.volumes["v"] = TreeUsage(bytes: 1, inodes: 1)
        huge.files?.volumes["v"]?.isComplete = false
        #expect(order([podUsage("large", stored: 900), huge], .disk) == ["huge", "large"])
        #expect(order([podUsage("a", memory: 900), podUsage("unknown")], .memory) == ["unknown", "a"])
    }

    @Test func processesAreRankedByPriorityAndNumber() {
        var few = podUsage("few")
        var many = podUsage("many")
        var kept = podUsage("kept", priority: 5)
        (few.processes, many.processes, kept.processes) = (2, 900, 5_000)
        #expect(order([few, kept, many], .processes) == ["many", "few", "kept"])
    }

    /// With a filesystem for images each signal counts what lies on its own.
    @Test func onlyWhatLiesOnTheFilesystemCounts() {
        let layers = podUsage("layers", stored: 100)
        var volumes = podUsage("volumes", stored: 1)
        volumes.files?.volumes["v"] = TreeUsage(bytes: 50 << 20, inodes: 3)
        #expect(order([volumes, layers], .disk) == ["layers", "volumes"])
        let split = EvictionRank.order([layers, volumes], for: .disk, hasImageFilesystem: true)
        #expect(split.map(\.pod.metadata.uid) == ["volumes", "layers"])
        let images = EvictionRank.order([volumes, layers], for: .imageDisk, hasImageFilesystem: true)
        #expect(images.map(\.pod.metadata.uid) == ["layers", "volumes"])
    }

    @Test func aVolumeAContainerAndThePodHaveLimits() {
        var usage = podUsage("p", stored: 10)
        usage.pod.spec.volumes = [
            Volume {
                $0.name = "v"
                $0.emptyDir = EmptyDirVolumeSource { $0.sizeLimit = mebibytes(20) }
            }
        ]
        #expect(usage.pod.hasStorageLimit)
        usage.files?.volumes["v"] = TreeUsage(bytes: 20 << 20, inodes: 1)
        #expect(StorageLimits.violation(usage) == nil)
        usage.files?.volumes["v"] = TreeUsage(bytes: (20 << 20) + 1, inodes: 1)
        #expect(StorageLimits.violation(usage) == "Usage of EmptyDir volume \"v\" exceeds the limit \"20Mi\". ")
        usage.pod.spec.volumes = []
        #expect(!usage.pod.hasStorageLimit)
        usage.pod.spec.containers[0].resources = ResourceRequirements {
            $0.limits = ["ephemeral-storage": mebibytes(25)]
        }
        #expect(usage.pod.hasStorageLimit)
        #expect(
            StorageLimits.violation(usage)
                == "Pod ephemeral local storage usage exceeds the total limit of containers 25Mi. ")
        usage.pod.spec.resources = ResourceRequirements { $0.limits = ["ephemeral-storage": mebibytes(1024)] }
        usage.files?.containers["main"]?.layer = TreeUsage(bytes: 30 << 20, inodes: 1)
        #expect(
            StorageLimits.violation(usage)
                == "Container main exceeded its local ephemeral storage limit \"25Mi\". ")
    }

    /// The kernel holds a volume in memory to its size.
    @Test func aVolumeInMemoryIsNotMeasured() {
        var usage = podUsage("p")
        usage.pod.spec.volumes = [
            Volume {
                $0.name = "v"
                $0.emptyDir = EmptyDirVolumeSource {
                    $0.medium = "Memory"
                    $0.sizeLimit = mebibytes(20)
                }
            }
        ]
        #expect(!usage.pod.hasStorageLimit)
    }

    private func order(_ pods: [PodUsage], _ signal: EvictionSignal) -> [String] {
        EvictionRank.order(pods, for: signal).map(\.pod.metadata.uid)
    }
}

/// A pod of one container that uses so many MiB.
func podUsage(
    _ uid: String, memory: Int64? = nil, stored: Int64 = 0, request: Quantity? = nil, priority: Int32 = 0
) -> PodUsage {
    let pod = Pod(name: uid, namespace: "default") {
        $0.metadata.uid = uid
        $0.spec.priority = priority
        $0.spec.containers = [
            Container {
                $0.name = "main"
                if let request { $0.resources = ResourceRequirements { $0.requests = ["memory": request] } }
            }
        ]
    }
    var usage = PodUsage(pod)
    usage.memory = memory.map { $0 << 20 }
    if let memory { usage.containerMemory = ["main": memory << 20] }
    usage.files = PodFiles()
    usage.files?.containers["main"] = PodFiles.Container(
        layer: TreeUsage(bytes: UInt64(stored) << 20, inodes: 1), logs: TreeUsage(bytes: 0, inodes: 1))
    return usage
}

func mebibytes(_ count: Int64) -> Quantity { Quantity(count << 20, format: .binary) }
