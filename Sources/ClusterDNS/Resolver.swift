import Linux

/// What is done with a query.
package enum Resolution: Hashable, Sendable {
    case answer(DNSResponse)
    /// Ask the servers outside.
    case forward
    /// Another name outside stands for it: ask the servers outside for that, and put these records in front.
    case alias(DNSName, [DNSRecord])
}

/// Answers for the cluster's domain from a snapshot of its records, by the Kubernetes DNS specification 1.1. Pure.
package struct Resolver: Sendable {
    package let records: DNSRecords
    private static let aliasDepth = 8

    package init(records: DNSRecords) {
        self.records = records
    }

    package func resolve(_ query: DNSQuery) -> Resolution {
        guard query.opcode == 0 else { return .answer(refusal(.notImplemented)) }
        guard query.recordClass == 1 || query.recordClass == 255 else { return .answer(refusal(.refused)) }
        if let address = query.name.reversedAddress, let pointer = records.name(of: address) {
            return .answer(found([.pointer(pointer)], at: query.name, query))
        }
        guard query.name.labels(in: records.domain) != nil else { return .forward }
        return resolve(query.name, query, aliases: [])
    }

    private func resolve(_ name: DNSName, _ query: DNSQuery, aliases: [DNSRecord]) -> Resolution {
        guard let labels = name.labels(in: records.domain).map(Array.init) else { return .alias(name, aliases) }
        if case .external(let target)? = service(labels)?.kind, labels.count == 3, query.type != .cname {
            guard aliases.count < Self.aliasDepth else { return .answer(refusal(.serverFailure)) }
            let alias = DNSRecord(name, ttl: records.ttl, .alias(target))
            return resolve(target, query, aliases: aliases + [alias])
        }
        var response = content(labels, query).map { found($0, at: name, query) } ?? missing()
        response.answers = aliases + response.answers
        return .answer(response)
    }

    /// The contents of a name of all types; nil where there is no such name.
    private func content(_ labels: [String], _ query: DNSQuery) -> [DNSData]? {
        switch labels.last {
        case nil: return apex
        case "svc": return serviceContent(labels, query)
        case "pod": return podContent(labels)
        case "dns-version" where labels.count == 1: return [.text("1.1.0")]
        case "dns", "ns": return labels == ["ns", "dns"] || labels == ["dns"] ? [] : nil
        default: return nil
        }
    }

    private func serviceContent(_ labels: [String], _ query: DNSQuery) -> [DNSData]? {
        guard labels.count > 1 else { return [] }
        guard labels.count > 2 else { return records.hasServices(in: labels[0]) ? [] : nil }
        guard let service = service(labels) else { return nil }
        let front = labels.dropLast(3)
        switch service.kind {
        case .external(let target): return front.isEmpty ? [.alias(target)] : nil
        case .cluster(let address, let ports):
            if front.isEmpty { return [.address(address)] + targets(ports, records.name(of: service)) }
            return named(targets(ports.filter { $0.isCalled(front) }, records.name(of: service)))
        case .headless(let endpoints):
            let content = headlessContent(endpoints, front, service)
            return named(Self.rotated(content, by: Int(query.id)))
        }
    }

    private func headlessContent(
        _ endpoints: [ServiceNames.Endpoint], _ front: ArraySlice<String>, _ service: ServiceNames
    ) -> [DNSData] {
        let name = records.name(of: service)
        if front.isEmpty {
            let addresses = endpoints.map { DNSData.address($0.address) }
            return addresses + endpoints.flatMap { targets($0.ports, name.prefixed($0.label)) }
        }
        if front.count == 1 {
            return endpoints.filter { $0.label.lowercased() == front.first }.map { .address($0.address) }
        }
        return endpoints.flatMap { endpoint in
            targets(endpoint.ports.filter { $0.isCalled(front) }, name.prefixed(endpoint.label))
        }
    }

    /// Clients mostly take the first: a different one from query to query, by the query's random number.
    private static func rotated(_ content: [DNSData], by number: Int) -> [DNSData] {
        guard content.count > 1 else { return content }
        let first = number % content.count
        return Array(content[first...] + content[..<first])
    }

    /// By the specification a name with nothing behind it does not exist.
    private func named(_ content: [DNSData]) -> [DNSData]? { content.isEmpty ? nil : content }

    /// `a-b-c-d.namespace.pod` is that address, whether or not there is such a pod.
    private func podContent(_ labels: [String]) -> [DNSData]? {
        guard labels.count == 3 else { return labels.count < 3 ? [] : nil }
        return IPv4Address(labels[0].split(separator: "-", omittingEmptySubsequences: false).joined(separator: "."))
            .map { [.address($0)] }
    }

    private func targets(_ ports: [NamedPort], _ target: DNSName) -> [DNSData] {
        ports.map { .service(priority: 0, weight: 100, port: $0.port, target: target) }
    }

    private func service(_ labels: [String]) -> ServiceNames? {
        guard labels.count >= 3, labels.last == "svc" else { return nil }
        return records.service(labels[labels.count - 3], in: labels[labels.count - 2])
    }

    private var apex: [DNSData] {
        [authority, .nameServer(records.domain.prefixed("ns", "dns"))]
    }

    private var authority: DNSData {
        .authority(
            server: records.domain.prefixed("ns", "dns"), mailbox: records.domain.prefixed("hostmaster"), serial: 1,
            minimum: records.ttl)
    }

    private func found(_ content: [DNSData], at name: DNSName, _ query: DNSQuery) -> DNSResponse {
        var response = DNSResponse()
        response.answers = content.filter { query.type == .any || $0.type == query.type }
            .map { DNSRecord(name, ttl: records.ttl, $0) }
        if response.answers.isEmpty {
            response.authorities = [DNSRecord(records.domain, ttl: records.ttl, authority)]
        }
        response.additionals = addresses(of: response.answers)
        return response
    }

    /// The addresses of the targets of SRV records.
    private func addresses(of answers: [DNSRecord]) -> [DNSRecord] {
        var seen: Set<DNSName> = []
        return answers.flatMap { answer -> [DNSRecord] in
            guard case .service(_, _, _, let target) = answer.data, seen.insert(target).inserted,
                let labels = target.labels(in: records.domain).map(Array.init), let service = service(labels)
            else { return [] }
            let addresses: [IPv4Address] =
                switch service.kind {
                case .cluster(let address, _): [address]
                case .headless(let endpoints): endpoints.filter { $0.label.lowercased() == labels[0] }.map(\.address)
                case .external: []
                }
            return addresses.map { DNSRecord(target, ttl: records.ttl, .address($0)) }
        }
    }

    private func missing() -> DNSResponse {
        var response = DNSResponse(.noSuchName)
        response.authorities = [DNSRecord(records.domain, ttl: records.ttl, authority)]
        return response
    }

    private func refusal(_ code: DNSResponseCode) -> DNSResponse {
        var response = DNSResponse(code)
        response.isAuthoritative = false
        return response
    }
}

extension NamedPort {
    /// Whether `_name._transport` is this port.
    fileprivate func isCalled(_ labels: ArraySlice<String>) -> Bool {
        labels.elementsEqual(["_" + name.lowercased(), "_" + transport])
    }
}

extension DNSName {
    /// The address that a name under `in-addr.arpa` stands for.
    fileprivate var reversedAddress: IPv4Address? {
        guard labels.count == 6, labels.suffix(2) == ["in-addr", "arpa"] else { return nil }
        return IPv4Address(labels.prefix(4).reversed().joined(separator: "."))
    }
}
