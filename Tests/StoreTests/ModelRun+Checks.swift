import Store

extension ModelRun {
    /// Everything that can be read is what the model holds.
    mutating func verify() async throws {
        guard try await store.revision() == model.revision else {
            throw Mismatch("revision is \(try await store.revision()), expected \(model.revision)")
        }
        let middle = (model.compacted + model.revision) / 2
        for revision in [nil, model.revision, middle, model.compacted] as [Revision?] {
            let page = try await store.list(prefix: "", at: revision, from: nil, limit: 0)
            let expected = model.list(prefix: "", at: revision ?? model.revision)
            guard page.values == expected, page.next == nil, page.remaining == 0 else {
                throw Mismatch("the list at \(revision ?? -1) has \(page.values.count) of \(expected.count) values")
            }
        }
        let found = try await events(after: model.compacted, upTo: model.revision)
        guard found == model.events(prefix: "", after: model.compacted) else {
            throw Mismatch("the events after \(model.compacted) are not those written")
        }
        try await checkErrors()
    }

    /// Pages through a listing while writes go on; every page must show the revision of the first. It starts anywhere, also outside of what it lists.
    mutating func checkList() async throws {
        let prefix = randomPrefix()
        var asked = randomRevision()
        var start = Bool.random(using: &generator) ? randomKey() : nil
        let first = Array((start ?? "").utf8)
        let expected = model.list(prefix: prefix, at: asked ?? model.revision)
            .filter { !$0.key.utf8.lexicographicallyPrecedes(first) }
        let limit = Int.random(in: 0..<20, using: &generator)
        var values: [StoredValue] = []
        repeat {
            let page = try await store.list(prefix: prefix, at: asked, from: start, limit: limit)
            asked = asked ?? page.revision
            values += page.values
            guard page.revision == asked, page.remaining == expected.count - values.count,
                (page.next != nil) == (page.remaining > 0), limit == 0 || page.values.count <= limit
            else { throw Mismatch("a page of \(prefix) at \(asked ?? -1): \(page.remaining) remain, \(page.revision)") }
            start = page.next
            if start != nil { try await write(randomWrite()) }
        } while start != nil
        guard values == expected else {
            throw Mismatch("listing \(prefix) at \(asked ?? -1) gave \(values.count) of \(expected.count) values")
        }
    }

    mutating func checkGet() async throws {
        let key = randomKey()
        let asked = randomRevision()
        let found = try await store.get(key, at: asked)
        let expected = model.state(at: asked ?? model.revision)[Array(key.utf8)]
        guard found == expected else {
            throw Mismatch("\(key) at \(asked ?? -1) is \(found?.modRevision ?? 0), not \(expected?.modRevision ?? 0)")
        }
    }

    /// Starts or resumes a watch and reads it up to an event of our own, so that a lost event cannot make us wait.
    mutating func checkWatch() async throws {
        if watch == nil || Int.random(in: 0..<6, using: &generator) == 0 {
            watch?.cancel()
            let resumes = watchSeen >= model.compacted && Bool.random(using: &generator)
            if !resumes {
                watchPrefix = randomPrefix()
                watchSeen = Revision.random(in: model.compacted...model.revision, using: &generator)
            }
            watch = try await store.watch(prefix: watchPrefix, after: watchSeen)
        }
        counter += 1
        let sentinel = watchPrefix + "sentinel-\(counter)"
        try await write(.create(key: sentinel, bytes: []))
        let expected = model.events(prefix: watchPrefix, after: watchSeen)
        var found: [StoreEvent] = []
        while found.last?.key != sentinel {
            guard let events = try await watch?.next() else { throw Mismatch("a watch ended by itself") }
            found += events
        }
        guard found == expected else {
            throw Mismatch("watching \(watchPrefix) after \(watchSeen): \(found.count) events of \(expected.count)")
        }
        watchSeen = model.revision
    }

    mutating func checkErrors() async throws {
        let future = model.revision + 1
        try await expect(.futureRevision(future, current: model.revision), at: future)
        if model.compacted > 0 {
            let gone = Revision.random(in: 0..<model.compacted, using: &generator)
            try await expect(.compacted(revision: model.compacted), at: gone)
        }
    }

    mutating func compact() async throws {
        let target = Revision.random(in: model.compacted...model.revision, using: &generator)
        try await store.compact(to: target)
        model.compacted = max(model.compacted, target)
    }

    /// The events of a range, read through a watch of its own. The last revision of the range must be there.
    func events(after: Revision, upTo: Revision) async throws -> [StoreEvent] {
        guard upTo > after else { return [] }
        let watch = try await store.watch(prefix: "", after: after)
        var found: [StoreEvent] = []
        while (found.last?.revision ?? 0) < upTo {
            guard let events = try await watch.next() else { throw Mismatch("a watch ended by itself") }
            found += events
        }
        return found
    }

    private func expect(_ error: StoreError, at revision: Revision) async throws {
        let reads: [(String, () async throws -> Void)] = [
            ("get", { _ = try await store.get("/registry/pods/a/1", at: revision) }),
            ("list", { _ = try await store.list(prefix: "", at: revision, from: nil, limit: 1) }),
            ("watch", { _ = try await store.watch(prefix: "", after: revision) }),
        ]
        for (name, read) in reads {
            do {
                try await read()
            } catch error as StoreError {
                continue
            } catch let other {
                throw Mismatch("\(name) at \(revision) failed with \(other), expected \(error)")
            }
            throw Mismatch("\(name) at \(revision) succeeded, expected \(error)")
        }
    }
}
