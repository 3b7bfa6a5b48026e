import JSONTree

/// An amount of a resource: `500m` of CPU, `128Mi` of memory. Exact down to 10⁻⁹; amounts beyond 2⁶³-1 (and results of arithmetic beyond
/// them) are held at that limit. Quantities are equal when their amounts are, whatever suffix they were written with.
package struct Quantity: Sendable {
    /// The suffixes that an amount is written with.
    package enum Format: Sendable {
        /// n, u, m, none, k, M, G, T, P, E.
        case decimal
        /// Ki, Mi, Gi, Ti, Pi, Ei.
        case binary
        /// e3, e-6 and so on.
        case exponent
    }

    /// In units of 10⁻⁹, between `-limit` and `limit`.
    package let nanos: Int128
    package let format: Format

    static let limit = Int128(Int64.max) * 1_000_000_000

    package init(nanos: Int128, format: Format = .decimal) {
        self.nanos = min(max(nanos, -Self.limit), Self.limit)
        self.format = format
    }

    package init(_ value: Int64, format: Format = .decimal) {
        self.init(nanos: Int128(value) * 1_000_000_000, format: format)
    }

    package init(milli: Int64, format: Format = .decimal) {
        self.init(nanos: Int128(milli) * 1_000_000, format: format)
    }

    /// Whole units, rounded up (away from zero), as the scheduler and quotas count.
    package var value: Int64 { scaled(1_000_000_000) }

    /// Thousandths, rounded up (away from zero); held at the limits of 64 bits.
    package var milliValue: Int64 { scaled(1_000_000) }

    package var isZero: Bool { nanos == 0 }

    private func scaled(_ unit: Int128) -> Int64 {
        let (whole, rest) = nanos.quotientAndRemainder(dividingBy: unit)
        return Int64(clamping: whole + (rest == 0 ? 0 : rest.signum()))
    }
}

extension Quantity: Hashable, Comparable {
    package static func == (left: Quantity, right: Quantity) -> Bool { left.nanos == right.nanos }
    package static func < (left: Quantity, right: Quantity) -> Bool { left.nanos < right.nanos }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(nanos)
    }
}

extension Quantity: AdditiveArithmetic {
    package static var zero: Quantity { .init(0) }

    /// Keeps the left side's format, or the right's where the left is zero.
    package static func + (left: Quantity, right: Quantity) -> Quantity {
        .init(nanos: left.nanos + right.nanos, format: left.isZero ? right.format : left.format)
    }

    package static func - (left: Quantity, right: Quantity) -> Quantity {
        .init(nanos: left.nanos - right.nanos, format: left.isZero ? right.format : left.format)
    }
}

extension Quantity: JSONRepresentable, HasZero {
    package init?(json: JSONValue) {
        switch json {
        case .string(let text): self.init(text)
        case .integer(let value): self.init(value)
        case .number(let text): self.init(text)
        default: return nil
        }
    }

    package var json: JSONValue { .string(description) }
    package static var schema: Schema { .quantity }
}

extension Quantity: ExpressibleByIntegerLiteral {
    package init(integerLiteral value: Int64) { self.init(value) }
}
