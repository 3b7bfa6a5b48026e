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
        guard let series = self.series, series.count < 2 else { return [] }
        return [.invalid("series.count", "", "should be at least 2")]
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
        let fields: [(name: String, served: String, isSame: Bool)] = [
            ("involvedObject", "regarding", self.regarding == old.regarding),
            ("reason", "reason", self.reason ?? "" == old.reason ?? ""),
            ("message", "note", self.note ?? "" == old.note ?? ""),
            (
                "source", "deprecatedSource",
                self.deprecatedSource ?? EventSource() == old.deprecatedSource ?? EventSource()
            ),
            (
                "firstTimestamp", "deprecatedFirstTimestamp",
                self.deprecatedFirstTimestamp == old.deprecatedFirstTimestamp
            ),
            ("lastTimestamp", "deprecatedLastTimestamp", self.deprecatedLastTimestamp == old.deprecatedLastTimestamp),
            ("count", "deprecatedCount", self.deprecatedCount ?? 0 == old.deprecatedCount ?? 0),
            ("type", "type", self.type ?? "" == old.type ?? ""),
            ("eventTime", "eventTime", self.eventTime == old.eventTime),
            ("action", "action", self.action ?? "" == old.action ?? ""),
            ("related", "related", self.related == old.related),
            (
                "reportingController", "reportingController",
                self.reportingController ?? "" == old.reportingController ?? ""
            ),
            (
                "reportingInstance", "reportingInstance",
                self.reportingInstance ?? "" == old.reportingInstance ?? ""
            ),
        ]
        return fields.filter { !$0.isSame }.map { field in
            .invalid(field.name, storage[field.served] ?? .null, "field is immutable")
        }
    }
}
