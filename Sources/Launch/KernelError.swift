import CKernel
import Glibc

/// A kernel or library call that failed: what was tried, on which object, and the errno.
package struct KernelError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The operation in the kernel's word, such as "open" or "move_mount".
    package let operation: String
    /// The path, name or number it was tried on.
    package let object: String
    /// The errno value.
    package let code: Int32

    package init(_ operation: String, _ object: some CustomStringConvertible, _ code: Int32 = errno) {
        self.operation = operation
        self.object = object.description
        self.code = code
    }

    package var description: String { "\(operation) \(object): \(KernelError.text(of: code))" }

    /// The C library's text of an errno value.
    package static func text(of code: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        ck_error_text(code, &buffer, UInt64(buffer.count))
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
