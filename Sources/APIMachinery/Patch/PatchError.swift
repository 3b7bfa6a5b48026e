import JSONTree

/// Why a patch cannot be applied.
package struct PatchError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Kind: Sendable, Hashable {
        /// The patch itself is at fault, whatever it is applied to.
        case malformed
        /// It does not fit this object: a path that is not there, a test that fails.
        case inapplicable
    }

    package let kind: Kind
    package let description: String

    package init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    static func malformed(_ description: String) -> PatchError { .init(.malformed, description) }
    static func inapplicable(_ description: String) -> PatchError { .init(.inapplicable, description) }

    /// The API's answer: 400 for a malformed patch, 422 for one that does not fit.
    package var status: Status {
        switch kind {
        case .malformed: .badRequest("error decoding patch: \(self.description)")
        case .inapplicable: .init(.invalid, code: 422, "the patch cannot be applied: \(self.description)")
        }
    }
}
