/// What is wrong with a reference, a digest or a specification file.
package enum OCIError: Error, Sendable, Hashable, CustomStringConvertible {
    case reference(String, cause: String)
    case digest(String, cause: String)
    /// `field` is the path in the file, such as `process.args[0]`; empty for the file as a whole.
    case field(file: String, field: String, cause: String)

    package var description: String {
        switch self {
        case .reference(let text, let cause): "image name \"\(text)\": \(cause)"
        case .digest(let text, let cause): "digest \"\(text)\": \(cause)"
        case .field(let file, "", let cause): "\(file): \(cause)"
        case .field(let file, let field, let cause): "\(file): \(field): \(cause)"
        }
    }
}
