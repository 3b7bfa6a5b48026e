import Glibc
import JSONTree
import Linux

extension DaemonConfiguration {
    /// The settings in force: the defaults, then `<config-dir>/config.yaml` where there is one, then the flags.
    /// - Parameter flags: as `apply(flags:)` takes them; a `--config-dir` among them says where the file is.
    /// - Throws: of settings; only a file that cannot be read is a failure.
    package static func load(flags: [String]) throws(DaemonError) -> DaemonConfiguration {
        let byFlags = try DaemonError.ofSettings { () throws(DaemonError) in
            var configuration = DaemonConfiguration()
            try configuration.apply(flags: flags)
            return configuration
        }
        let path = "\(byFlags.configDirectory)/config.yaml"
        guard let text = try fileText(path) else { return byFlags }
        return try DaemonError.ofSettings { () throws(DaemonError) in
            var configuration = DaemonConfiguration()
            try configuration.apply(file: text, named: path)
            try configuration.apply(flags: flags)
            return configuration
        }
    }

    /// Takes a configuration file: one YAML mapping from settings' names to their values. What has several parts may be a list.
    /// - Parameter path: only for messages.
    /// - Throws: a message that names the file, and the key where one is at fault.
    package mutating func apply(file text: String, named path: String) throws(DaemonError) {
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
        guard let document = documents.first, !document.isNull else { return }
        guard let object = document.object else {
            throw DaemonError("\(path): it must be a list of settings such as `port: 6443`")
        }
        if case .key(let key)? = repeated.first(where: { $0.path.count == 1 })?.path.first {
            throw DaemonError("\(path): \(key) is set twice\(Self.lines(of: key, in: text))")
        }
        for member in object.members {
            do throws(DaemonError) {
                try set(member.key, to: try Self.text(of: member.value, by: try Self.setting(member.key).separator))
            } catch {
                throw DaemonError("\(path): \(member.key): \(error)")
            }
        }
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
