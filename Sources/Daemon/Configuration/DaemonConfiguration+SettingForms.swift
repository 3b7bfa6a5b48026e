import APIMachinery
import ContainerRuntime
import Kubelet
import Linux
import Logging

/// The forms that a setting's text may have.
extension DaemonConfiguration.Setting {
    typealias Path<Value> = WritableKeyPath<DaemonConfiguration, Value> & Sendable

    private init(
        _ name: String, _ summary: String, _ path: Path<some CustomStringConvertible & Sendable>,
        set: @escaping @Sendable (inout DaemonConfiguration, String) throws(DaemonError) -> Void
    ) {
        self.init(name: name, summary: summary, read: { $0[keyPath: path].description }, set: set)
    }

    /// Of several parts.
    private static func list(
        _ name: String, _ summary: String, _ path: Path<String>, by separator: String = ",",
        set: @escaping @Sendable (inout DaemonConfiguration, String) throws(DaemonError) -> Void
    ) -> Self {
        var list = Self(name, summary, path, set: set)
        list.separator = separator
        return list
    }

    static func text(
        _ name: String, _ summary: String, _ path: Path<String>, mustBeAbsolute: Bool = false
    ) -> Self {
        Self(name, summary, path) { configuration, text throws(DaemonError) in
            guard !mustBeAbsolute || text.hasPrefix("/") else {
                throw DaemonError("\(name) must be an absolute path, not \"\(text)\"")
            }
            configuration[keyPath: path] = text
        }
    }

    /// One that is empty as long as it is not given may be given as empty too.
    static func text(
        _ name: String, _ summary: String, _ path: Path<String>, mustBe form: String,
        _ hasForm: @escaping @Sendable (String) -> Bool
    ) -> Self {
        Self(name, summary, path) { configuration, text throws(DaemonError) in
            guard hasForm(text) || text.isEmpty && DaemonConfiguration()[keyPath: path].isEmpty else {
                throw DaemonError("\(name) must be \(form), not \"\(text)\"")
            }
            configuration[keyPath: path] = text
        }
    }

    /// Kept in lower case and without the dot at its end.
    static func domain(_ name: String, _ summary: String, _ path: Path<String>) -> Self {
        Self(name, summary, path) { configuration, text throws(DaemonError) in
            let domain = (text.hasSuffix(".") ? text.dropLast() : text[...]).lowercased()
            guard isDomain(domain) else { throw DaemonError("\(name) must be a DNS name, not \"\(text)\"") }
            configuration[keyPath: path] = domain
        }
    }

    static func network(_ name: String, _ summary: String, _ path: Path<String>) -> Self {
        Self(name, summary, path) { configuration, text throws(DaemonError) in
            _ = try IPv4Network(text, of: name)
            configuration[keyPath: path] = text
        }
    }

    static func token(_ name: String, _ summary: String, _ path: Path<String>) -> Self {
        Self(name, summary, path) { configuration, text throws(DaemonError) in
            _ = try DaemonConfiguration.token(text)
            configuration[keyPath: path] = text
        }
    }

    @Sendable static func isDomain(_ text: String) -> Bool {
        Rule.Format.dnsSubdomain.mismatch(text) == nil
    }

    static func serverNames(_ name: String, _ summary: String, _ path: Path<String>) -> Self {
        list(name, summary, path) { configuration, text throws(DaemonError) in
            var given = DaemonConfiguration()
            given[keyPath: path] = text
            let areNames = given.furtherServerNames.names.allSatisfy { name in
                // Underscores are not for hosts, which have them all the same.
                isDomain((name.hasPrefix("*.") ? name.dropFirst(2) : name[...]).lowercased().replacing("_", with: "a"))
            }
            guard areNames else {
                throw DaemonError("\(name) must be DNS names and IPv4 addresses between commas, not \"\(text)\"")
            }
            configuration[keyPath: path] = text
        }
    }

    static func level(_ name: String, _ summary: String, _ path: Path<String>) -> Self {
        Self(name, summary, path) { configuration, text throws(DaemonError) in
            guard Logger.Level(rawValue: text) != nil else {
                let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
                throw DaemonError("\(name) must be one of \(levels), not \"\(text)\"")
            }
            configuration[keyPath: path] = text
        }
    }

    static func paths(_ name: String, _ summary: String, _ path: Path<String>) -> Self {
        list(name, summary, path) { configuration, text throws(DaemonError) in
            guard text.split(separator: ",").allSatisfy({ $0.hasPrefix("/") }) else {
                throw DaemonError("\(name) must be absolute paths between commas, not \"\(text)\"")
            }
            configuration[keyPath: path] = text
        }
    }

    static func number(
        _ name: String, _ summary: String, _ path: Path<Int>, _ range: ClosedRange<Int>
    ) -> Self {
        Self(name, summary, path) { configuration, text throws(DaemonError) in
            guard let value = Int(text), range.contains(value) else {
                throw DaemonError(
                    "\(name) must be a number from \(range.lowerBound) to \(range.upperBound), not \"\(text)\"")
            }
            configuration[keyPath: path] = value
        }
    }

    static func reserved(_ name: String, _ summary: String, _ path: Path<String>) -> Self {
        list(name, summary, path) { configuration, text throws(DaemonError) in
            var reserved = ReservedResources()
            if let problem = reserved.add(text) { throw DaemonError("\(name): \(problem)") }
            configuration[keyPath: path] = text
        }
    }

    static func eviction(
        _ name: String, _ summary: String, _ path: Path<String>,
        _ check: @escaping @Sendable (String) throws(EvictionSettingError) -> EvictionSettings
    ) -> Self {
        list(name, summary, path) { configuration, text throws(DaemonError) in
            do throws(EvictionSettingError) {
                _ = try check(text)
            } catch {
                throw DaemonError("\(name): \(error)")
            }
            configuration[keyPath: path] = text
        }
    }

    static func sysctls(_ name: String, _ summary: String, _ path: Path<String>) -> Self {
        list(name, summary, path) { configuration, text throws(DaemonError) in
            configuration[keyPath: path] = text
            _ = try configuration.sysctls()
        }
    }

    static func registries(_ name: String, _ summary: String, _ path: Path<String>) -> Self {
        list(name, summary, path, by: " ") { configuration, text throws(DaemonError) in
            do throws(RegistryHostsError) {
                _ = try RegistryHosts(text)
            } catch {
                throw DaemonError("\(name): \(error)")
            }
            configuration[keyPath: path] = text
        }
    }

    static func authorities(_ name: String, _ summary: String, _ path: Path<String>) -> Self {
        list(name, summary, path, by: " ") { configuration, text throws(DaemonError) in
            _ = try RegistryAuthorities.entries(text)
            configuration[keyPath: path] = text
        }
    }

    static func flag(_ name: String, _ summary: String, _ path: Path<Bool>) -> Self {
        var flag = Self(name, summary, path) { configuration, text throws(DaemonError) in
            guard ["true", "false"].contains(text) else {
                throw DaemonError("\(name) must be true or false, not \"\(text)\"")
            }
            configuration[keyPath: path] = text == "true"
        }
        flag.isFlag = true
        return flag
    }
}
