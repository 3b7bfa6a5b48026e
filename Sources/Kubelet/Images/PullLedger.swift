import JSONTree

/// A Secret's credentials as they were used for a pull.
struct PullSecret: Sendable, Hashable {
    var namespace: String
    var name: String
    var uid: String
    /// Digest of the credentials.
    var hash: String

    /// The same credentials, or the same Secret whatever its credentials are by now.
    func opens(what other: PullSecret) -> Bool {
        hash == other.hash || (uid, namespace, name) == (other.uid, other.namespace, other.name)
    }
}

/// Who may use an image that is on the node.
enum ImageAccess: Sendable, Hashable {
    case everyone
    /// Pods that have one of these; where there is none, or it is not known with what it came, a pull decides.
    case holders([PullSecret])

    func isOpen(to secrets: [PullSecret]) -> Bool {
        switch self {
        case .everyone: true
        case .holders(let known): secrets.contains { mine in known.contains(where: mine.opens) }
        }
    }
}

/// What this kubelet pulled, and with whose credentials: another pod may use the image without a pull only if it has them too. What was brought by hand is
/// everyone's (upstream, `KubeletEnsureSecretPulledImages` with the policy `NeverVerifyPreloadedImages`).
///
/// Pure. A pull is in it before it begins, so that one whose end was never seen is not taken for an image that was brought by hand; with what its name meant
/// then, so that an image which had been brought by hand stays everyone's while the pull runs.
struct PullLedger: Sendable, Hashable {
    private struct Begun: Sendable, Hashable {
        /// Pulls that run.
        var running = 0
        /// Whether there was one whose end was not seen.
        var isOpenEnded = false
        /// The ids that the name had before, where those images were everyone's.
        var preloaded: Set<String> = []
    }

    private var begun: [String: Begun] = [:]
    /// By image id, then by registry and repository; empty where it is not known how it came.
    private var pulled: [String: [String: ImageAccess]] = [:]
    /// The images that came since this kubelet began; nil once it has settled.
    private var fresh: Set<String>? = []
    /// Whether an earlier kubelet left pulls whose end was not seen and that are not settled: any image may be of one, by whatever name.
    private var hasUnseen = false
    /// Whether a pull must wait: the name of one whose end was not seen might go over to what this one brings.
    var isUnsettled: Bool { hasUnseen }

    /// Secrets kept for one image; the oldest goes.
    private static let limit = 100

    init() {}

    /// - Parameter present: the id that the name has; nil: it is on no image of the node. An image of a pull under way is not taken for one that was brought by hand.
    mutating func begin(_ image: String, of repository: String, present: String?) {
        let known = present.flatMap { access(to: image, of: repository, as: $0) == .everyone ? $0 : nil }
        begun[image, default: Begun()].running += 1
        if let known { begun[image]?.preloaded.insert(known) }
    }

    mutating func fail(_ image: String) {
        end(image)
    }

    /// - Parameter secret: nil: it came without credentials of a pod.
    mutating func succeed(_ image: String, of repository: String, as id: String, with secret: PullSecret?) {
        begun[image]?.isOpenEnded = false
        end(image)
        fresh?.insert(id)
        var secrets: [PullSecret] = []
        switch (pulled[id]?[repository], secret) {
        case (.everyone, _), (_, nil):
            pulled[id, default: [:]][repository] = .everyone
            return
        case (.holders(let known), _): secrets = known
        case (nil, _): break
        }
        secrets.removeAll { ($0.uid, $0.namespace, $0.name) == (secret?.uid, secret?.namespace, secret?.name) }
        if let secret { secrets.append(secret) }
        pulled[id, default: [:]][repository] = .holders(secrets.suffix(Self.limit))
    }

    func access(to image: String, of repository: String, as id: String) -> ImageAccess {
        if let names = pulled[id] { return names[repository] ?? .holders([]) }
        if begun[image]?.preloaded.contains(id) == true { return .everyone }
        return begun[image] == nil && !hasUnseen ? .everyone : .holders([])
    }

    /// Forgets images that are gone, and finds out what became of an earlier kubelet's pulls whose end was not seen. What such a one has brought is
    /// nobody's until a pull decides; where it brought nothing, what is brought by hand is everyone's.
    /// - Parameter present: the names of each image, by its id, as they were at some moment since this kubelet began. What came since is left alone.
    mutating func settle(_ present: [String: Set<String>]) {
        let fresh = fresh ?? []
        self.fresh = nil
        hasUnseen = false
        pulled = pulled.filter { present[$0.key] != nil || fresh.contains($0.key) }
        for (image, pulls) in begun where pulls.isOpenEnded {
            let come = present.filter { $1.contains(image) && pulled[$0] == nil && !pulls.preloaded.contains($0) }
            for id in come.keys { pulled[id] = [:] }
            begun[image]?.isOpenEnded = false
            if pulls.running == 0 { begun[image] = nil }
        }
    }

    private mutating func end(_ image: String) {
        guard var pulls = begun[image] else { return }
        pulls.running -= 1
        begun[image] = pulls.running > 0 || pulls.isOpenEnded ? pulls : nil
    }
}

// MARK: As a file

extension PullLedger {
    var json: JSONValue {
        let images = pulled.map { id, names in
            (id, JSONValue.object(JSONObject(names.map { ($0, Self.json(of: $1)) })))
        }
        let preloaded = begun.filter { !$0.value.preloaded.isEmpty }.map { name, pulls in
            (name, JSONValue.array(pulls.preloaded.sorted().map { .string($0) }))
        }
        return [
            "begun": .array(begun.keys.sorted().map { .string($0) }), "pulled": .object(JSONObject(images)),
            "preloaded": .object(JSONObject(preloaded)),
        ]
    }

    /// What an earlier kubelet left; nil where it is no such file.
    init?(_ file: JSONValue) {
        guard let begun = file["begun"]?.array, let pulled = file["pulled"]?.object else { return nil }
        for name in begun {
            guard let name = name.string else { return nil }
            // An earlier version did not write down what had been there.
            let ids = file["preloaded"]?[name]?.array ?? []
            self.begun[name] = Begun(isOpenEnded: true, preloaded: Set(ids.compactMap(\.string)))
        }
        hasUnseen = !begun.isEmpty
        for image in pulled.members {
            guard let names = image.value.object else { return nil }
            self.pulled[image.key] = [:]
            for name in names.members {
                guard let access = Self.access(name.value) else { return nil }
                self.pulled[image.key, default: [:]][name.key] = access
            }
        }
    }

    private static func json(of access: ImageAccess) -> JSONValue {
        guard case .holders(let secrets) = access else { return .bool(true) }
        return .array(
            secrets.map {
                [
                    "namespace": .string($0.namespace), "name": .string($0.name), "uid": .string($0.uid),
                    "hash": .string($0.hash),
                ]
            })
    }

    private static func access(_ value: JSONValue) -> ImageAccess? {
        guard value.bool != true else { return .everyone }
        guard let values = value.array else { return nil }
        let secrets = values.compactMap { value -> PullSecret? in
            guard let namespace = value["namespace"]?.string, let name = value["name"]?.string,
                let uid = value["uid"]?.string, let hash = value["hash"]?.string
            else { return nil }
            return PullSecret(namespace: namespace, name: name, uid: uid, hash: hash)
        }
        return secrets.count == values.count ? .holders(secrets) : nil
    }
}
