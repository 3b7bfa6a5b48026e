import APIMachinery
import JSONTree

extension Event {
    static func faults(new: Event, old: Event?) -> [FieldError] {
        guard new.eventTime != nil else { return new.namespaceFaults() }
        return new.namespaceFaults() + new.reportFaults()
    }

    /// An event is in the namespace of what it is about; about what is in none it is in default.
    private func namespaceFaults() -> [FieldError] {
        let (own, about) = (self.metadata.namespace, self.involvedObject.namespace ?? "")
        let homes = self.eventTime == nil ? ["", "default"] : ["default", "kube-system"]
        let isAtHome = about.isEmpty ? homes.contains(own) : self.eventTime != nil || own == about
        return isAtHome
            ? [] : [.invalid("involvedObject.namespace", .string(about), "does not match event.namespace")]
    }

    /// The newer form says who reports, what was done and why.
    private func reportFaults() -> [FieldError] {
        let reporter = self.reportingComponent
        let form: [FieldError] =
            reporter.isEmpty
            ? [.required("reportingController")]
            : CommonFaults.form(reporter, .qualifiedName, at: "reportingController")
        let texts = [
            ("reportingInstance", self.reportingInstance), ("action", self.action ?? ""), ("reason", self.reason ?? ""),
        ]
        var faults = form
        for (field, text) in texts {
            if text.isEmpty { faults.append(.required(field)) }
            if text.utf8.count > 128 { faults.append(.invalid(field, "", "can have at most 128 characters")) }
        }
        if (self.message ?? "").utf8.count > 1024 {
            faults.append(.invalid("message", "", "can have at most 1024 characters"))
        }
        return faults
    }
}

extension ReportedEvent {
    /// What the newer form demands beyond the older one, and what it lets change: the series alone. Named by the older form's fields, as upstream
    /// does.
    static func faults(new: ReportedEvent, old: ReportedEvent?) -> [FieldError] {
        let series = new.series == old?.series ? [] : new.seriesFaults()
        return series + (old.map(new.changes(from:)) ?? new.creationFaults())
    }

    private func seriesFaults() -> [FieldError] {
        guard let series = self.series else { return [] }
        var faults: [FieldError] = []
        if series.count < 2 { faults.append(.invalid("series.count", "", "should be at least 2")) }
        if series.storage["lastObservedTime"] == nil { faults.append(.required("series.lastObservedTime")) }
        return faults
    }

    private func creationFaults() -> [FieldError] {
        let name = metadata.name
        var faults = name.isEmpty ? [] : CommonFaults.form(name, .dnsSubdomain, at: "metadata.name")
        let type = self.type ?? ""
        if !["Normal", "Warning"].contains(type) {
            faults.append(.invalid("type", "", "has invalid value: \(type)"))
        }
        let source = self.deprecatedSource ?? EventSource()
        for (field, isSet) in [
            ("firstTimestamp", self.deprecatedFirstTimestamp != nil),
            ("lastTimestamp", self.deprecatedLastTimestamp != nil), ("count", self.deprecatedCount ?? 0 != 0),
            ("source", source.component ?? "" != "" || source.host ?? "" != ""),
        ] where isSet {
            faults.append(.invalid(field, "", "needs to be unset"))
        }
        return faults
    }

    private func changes(from old: ReportedEvent) -> [FieldError] {
        var faults: [FieldError] = []
        func check(_ name: String, _ field: some AnyField, _ isSame: Bool) {
            guard !isSame else { return }
            faults.append(.invalid(name, storage[field.name] ?? .null, "field is immutable"))
        }
        let fields = Self.fields
        check("involvedObject", fields.regarding, self.regarding == old.regarding)
        check("related", fields.related, self.related == old.related)
        check("eventTime", fields.eventTime, self.eventTime == old.eventTime)
        let sources = [self, old].map { $0.deprecatedSource ?? EventSource() }
        check("source", fields.deprecatedSource, sources[0] == sources[1])
        let (first, last) = (fields.deprecatedFirstTimestamp, fields.deprecatedLastTimestamp)
        check("firstTimestamp", first, self.deprecatedFirstTimestamp == old.deprecatedFirstTimestamp)
        check("lastTimestamp", last, self.deprecatedLastTimestamp == old.deprecatedLastTimestamp)
        let counts = [self, old].map { $0.deprecatedCount ?? 0 }
        check("count", fields.deprecatedCount, counts[0] == counts[1])
        let texts: [(name: String, path: KeyPath<Fields, Key<String>>)] = [
            ("reason", \.reason), ("message", \.note), ("type", \.type), ("action", \.action),
            ("reportingController", \.reportingController), ("reportingInstance", \.reportingInstance),
        ]
        for (name, path) in texts {
            let values = [self, old].map { $0[dynamicMember: path] ?? "" }
            check(name, fields[keyPath: path], values[0] == values[1])
        }
        return faults
    }
}
