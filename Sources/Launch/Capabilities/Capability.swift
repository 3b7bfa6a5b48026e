import CSeccomp
import Glibc

/// Capabilities by name, as libcap and the running kernel know them.
package enum Capability {
    /// The bit mask of names such as "CAP_NET_ADMIN" or "NET_ADMIN", in any case; "ALL" is every one the kernel has.
    ///
    /// EINVAL names the first that nobody knows.
    package static func mask(of names: [String]) throws(KernelError) -> UInt64 {
        var mask: UInt64 = 0
        for name in names { mask |= try bits(of: name) }
        return mask
    }

    private static func bits(of name: String) throws(KernelError) -> UInt64 {
        let lower = name.lowercased()
        if lower == "all" || lower == "cap_all" { return all }
        let number = csec_capability_number(lower.hasPrefix("cap_") ? lower : "cap_" + lower)
        guard number >= 0, number < 64 else { throw KernelError("look up capability", name, EINVAL) }
        return 1 << UInt64(number)
    }

    /// The names in a mask, in the form "CAP_CHOWN", by number.
    package static func names(in mask: UInt64) -> [String] {
        (0..<64).filter { mask >> UInt64($0) & 1 == 1 }.map { number in
            var text = [CChar](repeating: 0, count: 64)
            guard csec_capability_name(Int32(number), &text, UInt64(text.count)) == 0 else { return "CAP_\(number)" }
            return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).uppercased()
        }
    }

    /// Every capability the running kernel knows.
    package static let all: UInt64 = csec_kernel_capabilities()

    /// What this process itself may use and so hand on.
    package static var held: UInt64 { csec_own_capabilities() }
}
