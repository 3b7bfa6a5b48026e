import Glibc
import JSONTree
import Linux

extension DaemonConfiguration {
    /// The settings in force: the defaults, then `<config-dir>/config.yaml` where there is one, then the flags.
    /// - Parameter flags: as `apply(flags:)` takes them; a `--config-dir` among them says where the file is.
    package static func load(flags: [String]) throws(DaemonError) -> DaemonConfiguration {
        var byFlags = DaemonConfiguration()
        try byFlags.apply(flags: flags)
        let path = "\(byFlags.configDirectory)/config.yaml"
        guard let text = try fileText(path) else { return byFlags }
        var configuration = DaemonConfiguration()
        try configuration.apply(file: text, named: path)
        try configuration.apply(flags: flags)
        return configuration
    }

    /// Takes a configuration file: one YAML mapping from settings' names to their values.
    /// - Parameter path: only for messages.
    /// - Throws: a message that names the file, and the key where one is at fault.
    package mutating func apply(file text: String, named path: String) throws(DaemonError) {
        let documents: [JSONValue]
        do throws(YAMLError) {
            documents = try YAML.documents(
                in: text, limits: .init(maximumBytes: 1 << 20, maximumDepth: 8, maximumAliasedValues: 100))
        } catch {
            throw DaemonError("\(path): \(error)")
        }
        guard documents.count <= 1 else { throw DaemonError("\(path): one document is read, not \(documents.count)") }
        guard let document = documents.first, !document.isNull else { return }
        guard let object = document.object else {
            throw DaemonError("\(path): it must be a list of settings such as `port: 6443`")
        }
        for member in object.members {
            do throws(DaemonError) {
                guard let value = Self.text(of: member.value) else {
                    throw DaemonError("the value must be one text, number, true or false")
                }
                try set(member.key, to: value)
            } catch {
                throw DaemonError("\(path): \(member.key): \(error)")
            }
        }
    }

    private static func text(of value: JSONValue) -> String? {
        switch value {
        case .string(let text), .number(let text): text
        case .integer(let number): String(number)
        case .bool(let flag): flag ? "true" : "false"
        case .null: ""
        case .array, .object: nil
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
