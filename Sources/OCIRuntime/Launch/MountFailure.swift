import Glibc
import Launch

/// Why a mount of a bundle was not made, in the configuration's words.
struct MountFailure {
    let mount: BundleMount
    let code: Int32
    /// As the launch path sends it: the option at fault, a newline, what the kernel says of it; either may be empty.
    var said = ""
    /// Whether the place for it was not to be had.
    var isOfTarget = false

    var error: OCIRuntimeError { .unsupported(field: "\(mount.field) (\(mount.target))", cause: cause) }

    private var cause: String {
        let reason = KernelError.text(of: code)
        if isOfTarget { return "nothing can be mounted there: \(reason)" }
        switch mount.source {
        case .bind(let path, _): return "bind \(path): \(reason)"
        case .change: return "remount: \(reason)"
        case .filesystem(let type, _) where code == ENODEV && said.isEmpty:
            return "the file system type \"\(type)\" is not known to this kernel"
        case .filesystem(let type, let source): return refused(type, source) + reason + words
        }
    }

    private var parts: [Substring] { said.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false) }

    private func refused(_ type: String, _ source: String) -> String {
        if let option = parts.first, !option.isEmpty {
            return "option \"\(option)\" of the file system type \"\(type)\": "
        }
        let options = mount.options.isEmpty ? "" : ", options \"\(mount.options.joined(separator: ","))\""
        return "file system type \"\(type)\", source \"\(source)\"\(options): "
    }

    private var words: String {
        guard parts.count == 2, !parts[1].isEmpty else { return "" }
        return " (the kernel says: \(parts[1].trimmedOfBlanks))"
    }
}

extension Substring {
    /// Without the line's end, which the kernel sends along.
    fileprivate var trimmedOfBlanks: Substring {
        var text = self
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }
}
