extension Quantity: CustomStringConvertible {
    /// Reads a decimal number with an optional suffix. Amounts finer than 10⁻⁹ round away from zero. nil where it is no quantity.
    package init?(_ text: String) {
        let bytes = Array(text.utf8.prefix(129))
        guard bytes.count <= 128 else { return nil }
        var number = DecimalText(bytes)
        guard number.digitCount > 0, let suffix = Suffix(bytes[number.end...]) else { return nil }
        if suffix.base == 2 {
            number.multiply(by: Int128(1) << Int128(suffix.exponent))
        }
        let exponent = (suffix.base == 10 ? suffix.exponent : 0) + 9 - number.fractionDigits
        self.init(nanos: number.scaled(exponent: exponent), format: suffix.format)
    }

    /// The canonical text: no fraction, the largest suffix that keeps the amount exact.
    package var description: String {
        switch format {
        case .binary where nanos % 1_000_000_000 == 0 && abs(nanos) >= 1_024 * 1_000_000_000: binaryText
        case .exponent: decimalText { $0 == 0 ? "" : "e\($0)" }
        default: decimalText { Suffix.decimalNames[$0 / 3 + 3] }
        }
    }

    private var binaryText: String {
        var amount = nanos / 1_000_000_000
        var power = 0
        while amount % 1_024 == 0, power < 6 {
            amount /= 1_024
            power += 1
        }
        return "\(amount)\(Suffix.binaryNames[power])"
    }

    /// `suffix` names an exponent between -9 and 18, a multiple of 3.
    private func decimalText(_ suffix: (Int) -> String) -> String {
        guard nanos != 0 else { return "0" }
        var amount = nanos
        var exponent = -9
        while amount % 1_000 == 0, exponent < 18 {
            amount /= 1_000
            exponent += 3
        }
        return "\(amount)\(suffix(exponent))"
    }
}

private struct Suffix {
    static let decimalNames = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"]
    static let binaryNames = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]

    let base: Int
    let exponent: Int
    let format: Quantity.Format

    init?(_ bytes: ArraySlice<UInt8>) {
        let text = String(decoding: bytes, as: UTF8.self)
        if let index = Self.decimalNames.firstIndex(of: text) {
            (base, exponent, format) = (10, index * 3 - 9, .decimal)
        } else if let index = Self.binaryNames.firstIndex(of: text) {
            (base, exponent, format) = (2, index * 10, .binary)
        } else if text.first == "e" || text.first == "E", let power = Int32(text.dropFirst()) {
            (base, exponent, format) = (10, Int(min(max(power, -200), 200)), .exponent)
        } else {
            return nil
        }
    }
}

/// An exact decimal fraction with so many digits as an amount can have; what lies beyond is held or rounded away from zero.
private struct DecimalText {
    private(set) var digitCount = 0
    private(set) var fractionDigits = 0
    /// Where the number ends in the text.
    private(set) var end = 0
    private var magnitude: Int128 = 0
    private var isNegative = false
    /// Something other than zero was cut off below the last digit kept.
    private var hasRest = false

    private static let ceiling = Int128(1) << 120

    init(_ bytes: [UInt8]) {
        if let sign = bytes.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
            isNegative = sign == UInt8(ascii: "-")
            end = 1
        }
        var isFraction = false
        while end < bytes.count {
            if bytes[end] == UInt8(ascii: "."), !isFraction {
                isFraction = true
            } else if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[end]) {
                append(Int128(bytes[end] - UInt8(ascii: "0")), isFraction: isFraction)
            } else {
                break
            }
            end += 1
        }
    }

    private mutating func append(_ digit: Int128, isFraction: Bool) {
        digitCount += 1
        // Beyond 10⁻³⁰ a digit can only round; no suffix lifts it above 10⁻⁹ but a large exponent, which nobody writes with such a fraction.
        if isFraction, fractionDigits >= 30 || magnitude > Self.ceiling / 16 {
            hasRest = hasRest || digit != 0
            return
        }
        magnitude = min(magnitude * 10 + digit, Self.ceiling)
        if isFraction { fractionDigits += 1 }
    }

    mutating func multiply(by factor: Int128) {
        let (product, overflow) = magnitude.multipliedReportingOverflow(by: factor)
        if overflow {
            // Drop digits below what an amount can hold, never above.
            while fractionDigits > 9 {
                hasRest = hasRest || magnitude % 10 != 0
                magnitude /= 10
                fractionDigits -= 1
            }
            let (again, overflow) = magnitude.multipliedReportingOverflow(by: factor)
            magnitude = overflow ? Int128.max / 16 : again
        } else {
            magnitude = product
        }
    }

    /// The number times 10^exponent, rounded away from zero and held at `Quantity.limit`.
    func scaled(exponent: Int) -> Int128 {
        var value = magnitude
        var rest = hasRest
        for _ in 0..<max(0, exponent) where value <= Quantity.limit { value *= 10 }
        for _ in 0..<max(0, -exponent) where value != 0 || rest {
            rest = rest || value % 10 != 0
            value /= 10
        }
        value = min(value + (rest ? 1 : 0), Quantity.limit)
        return isNegative ? -value : value
    }
}
