import Store

extension ModelRun {
    /// Goes on until one misfortune has struck, and recovers from it.
    mutating func suffer(_ misfortune: Misfortune) async throws {
        guard let lab else { return }
        lab.arm(misfortune)
        for _ in 0..<100 where lab.isArmed { try await round(misfortune) }
        guard !lab.isArmed else { throw Mismatch("\(misfortune) was never reached") }
        try await verify()
    }

    mutating func closeAndOpen() async throws {
        guard let reopen else { return }
        watch = nil
        await store.close()
        store = try await reopen(nil)
        try await verify()
    }

    private mutating func round(_ misfortune: Misfortune) async throws {
        lab?.beginRound()
        let results = await attemptMany()
        if try await revived(open: results.map(\.0)) { return }
        let failed = results.contains { if case .failure(.io) = $0.1 { true } else { false } }
        if failed { try await settle(open: results.map(\.0), acknowledged: 0) } else { try absorb(results) }
        guard misfortune.needsCompaction, model.revision > model.compacted else { return }
        lab?.beginRound()
        let target = Revision.random(in: (model.compacted + 1)...model.revision, using: &generator)
        do {
            try await store.compact(to: target)
            if try await revived(open: [], compacting: target) { return }
            model.compacted = target
        } catch StoreError.io {
            try await settle(open: [], acknowledged: 0, compacting: target)
        }
    }

    /// True where the process died in this round: the run goes on with what it left on the disk.
    private mutating func revived(open: [Write], compacting target: Revision? = nil) async throws -> Bool {
        guard let lab, let reopen else { return false }
        // Comes back only after the writer has passed the last place of the round.
        try? await store.compact(to: 0)
        guard let crashed = lab.takeCrash() else { return false }
        watch = nil
        await store.close()
        store = try await reopen(crashed.files)
        try await settle(open: open, acknowledged: crashed.acknowledged, compacting: target)
        return true
    }

    /// Takes over what the store holds beyond the model after a failure: only writes whose outcome was open, and at
    /// least those that were acknowledged.
    private mutating func settle(open: [Write], acknowledged: Int, compacting target: Revision? = nil) async throws {
        watch = nil
        try await probe()
        let before = model.revision
        let now = try await store.revision()
        guard now >= before + Revision(acknowledged) else {
            throw Mismatch("\(before) and \(acknowledged) more were acknowledged, the store is at \(now)")
        }
        try await settleCompaction(target)
        var left = open
        for event in try await events(after: before, upTo: now) {
            guard let match = left.firstIndex(where: { model.outcome($0) == .success(event) }) else {
                throw Mismatch("\(event.kind) of \(event.key) at \(event.revision) was found, nobody wrote it")
            }
            left.remove(at: match)
            model.append(event)
        }
    }

    /// A compaction that was cut short has begun or not.
    private mutating func settleCompaction(_ target: Revision?) async throws {
        guard let target else { return }
        do {
            _ = try await store.list(prefix: "", at: model.compacted, from: nil, limit: 1)
        } catch StoreError.compacted(revision: target) {
            model.compacted = target
        }
    }

    /// A store that failed opens again at a write; this one changes nothing.
    private func probe() async throws {
        for _ in 0..<3 {
            switch await Self.attempt(.delete(key: "probe", expecting: 1), on: store) {
            case .failure(.conflict(key: "probe", actual: nil)): return
            case .failure(.io): continue
            case let other: throw Mismatch("deleting a key that never was gave \(other)")
            }
        }
        throw Mismatch("the store does not open again")
    }
}
