import Glibc
import JSONTree
import Linux

extension DaemonConfiguration {
    /// The settings in force: the defaults, then `<config-dir>/config.yaml` where there is one, then the flags.
    /// - Parameter flags: as `apply(flags:)` takes them; a `--config-dir` among them says where the file is.
    /// - Parameters:
    ///   - needed: mistakes of the file in others, or in those that are among the flags, are none of the caller's; nil: all are.
    ///   - refusesUnknown: a name that is no setting is the caller's in any case: it may stand for a needed one.
    ///   - warn: is told of these mistakes; settings with a wrong value stay as they are by default.
    /// - Throws: of settings; only a file that cannot be read is a failure.
    package static func load(
        flags: [String], needed: Set<String>? = nil, refusesUnknown: Bool = false,
        warn: (String) -> Void = { _ in }
    ) throws(DaemonError) -> DaemonConfiguration {
        let byFlags = try DaemonError.ofSettings { () throws(DaemonError) in
            var configuration = DaemonConfiguration()
            try configuration.apply(flags: flags)
            return configuration
        }
        let path = "\(byFlags.configDirectory)/config.yaml"
        guard let text = try fileText(path) else { return byFlags }
        return try DaemonError.ofSettings { () throws(DaemonError) in
            var configuration = DaemonConfiguration()
            let given = flags.filter { $0.hasPrefix("--") }.map { String($0.dropFirst(2).prefix { $0 != "=" }) }
            let passedOver = try configuration.apply(
                file: text, named: path, needed: needed?.subtracting(given), refusesUnknown: refusesUnknown)
            passedOver.forEach(warn)
            try configuration.apply(flags: flags)
            return configuration
        }
    }

    /// Those that say where an instance lies.
    package static let places: Set<String> = [
        "data-dir", "run-dir", "config-dir", "log-dir", "manifest-dir", "cgroup-parent",
    ]

    /// Takes a configuration file: one YAML mapping from settings' names to their values. What has several parts may be a list.
    /// - Parameters:
    ///   - path: only for messages.
    ///   - needed: mistakes in others, and names of none of these, are passed over; nil: none is.
    ///   - refusesUnknown: no name that is no setting is passed over.
    /// - Returns: what was passed over.
    /// - Throws: a message that names the file, and the key where one is at fault.
    @discardableResult
    package mutating func apply(
        file text: String, named path: String, needed: Set<String>? = nil, refusesUnknown: Bool = false
    ) throws(DaemonError) -> [String] {
        let documents: [JSONValue]
        var repeated: [DuplicateKey] = []
        do throws(YAMLError) {
            documents = try YAML.documents(
                in: Array(text.utf8), limits: .init(maximumBytes: 1 << 20, maximumDepth: 8, maximumAliasedValues: 100),
                duplicates: &repeated)
        } catch {
            throw DaemonError("\(path): \(error)")
        }
        guard documents.count <= 1 else { throw DaemonError("\(path): one document is read, not \(documents.count)") }
        guard let document = documents.first, !document.isNull else { return [] }
        guard let object = document.object else {
            let found = document.array == nil ? "a single value" : "a list"
            throw DaemonError("\(path): settings are lines such as `port: 6443`; what it holds is \(found)")
        }
        var mistakes: [(key: String, message: String)] = []
        for case .key(let key)? in repeated.filter({ $0.path.count == 1 }).map(\.path.first) {
            mistakes.append((key, "\(path): \(key) is set twice\(Self.lines(of: key, in: text))"))
        }
        for member in object.members {
            do throws(DaemonError) {
                var changed = self
                try changed.set(
                    member.key, to: try Self.text(of: member.value, by: try Self.setting(member.key).separator))
                self = changed
            } catch {
                mistakes.append((member.key, "\(path): \(Self.naming(member.key, error))"))
            }
        }
        if let first = mistakes.first(where: { Self.isOneOf(needed, $0.key, refusesUnknown) }) {
            throw DaemonError(first.message)
        }
        return mistakes.map(\.message)
    }

    /// The message with the key in it once.
    private static func naming(_ key: String, _ error: DaemonError) -> String {
        let text = error.description
        return text.hasPrefix(key) || text.contains("\"\(key)\"") ? text : "\(key): \(text)"
    }

    /// A name that there is not may be meant for a needed one.
    private static func isOneOf(_ needed: Set<String>?, _ key: String, _ refusesUnknown: Bool) -> Bool {
        guard let needed else { return true }
        return needed.contains(key)
            || !settings.contains { $0.name == key }
                && (refusesUnknown || NearWords.of(key, among: settings.map(\.name)).contains { needed.contains($0) })
    }

    /// ` (lines 2, 5)`; nothing where a key is written in another way.
    private static func lines(of key: String, in text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            .filter { $0.element.hasPrefix("\(key):") }.map { String($0.offset + 1) }
        return lines.isEmpty ? "" : " (lines \(lines.joined(separator: ", ")))"
    }

    private static func text(of value: JSONValue, by separator: String?) throws(DaemonError) -> String {
        switch value {
        case .string(let text), .number(let text): return text
        case .integer(let number): return String(number)
        case .bool(let flag): return flag ? "true" : "false"
        case .null: return ""
        case .array(let parts):
            guard let separator else { fallthrough }
            var texts: [String] = []
            for part in parts { texts.append(try text(of: part, by: nil)) }
            return texts.joined(separator: separator)
        case .object: throw DaemonError("the value must be one text, number, true or false")
        }
    }

    /// nil where there is no such file.
    private static func fileText(_ path: String) throws(DaemonError) -> String? {
        do throws(KernelError) {
            return String(decoding: try WholeFile.read(path), as: UTF8.self)
        } catch {
            if error.code == ENOENT || error.code == ENOTDIR { return nil }
            throw DaemonError("configuration file: \(error)")
        }
    }
}
