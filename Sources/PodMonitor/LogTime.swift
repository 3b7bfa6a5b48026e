/// RFC 3339 in UTC with nine digits of a second, as the CRI's log lines begin.
package enum LogTime {
    /// Appends the text of `nanoseconds` since 1970.
    package static func append(_ nanoseconds: UInt64, to output: inout [UInt8]) {
        let seconds = nanoseconds / 1_000_000_000
        let (year, month, day) = date(ofDay: seconds / 86400)
        let second = seconds % 86400
        digits(year, 4, &output)
        output.append(UInt8(ascii: "-"))
        digits(month, 2, &output)
        output.append(UInt8(ascii: "-"))
        digits(day, 2, &output)
        output.append(UInt8(ascii: "T"))
        digits(second / 3600, 2, &output)
        output.append(UInt8(ascii: ":"))
        digits(second / 60 % 60, 2, &output)
        output.append(UInt8(ascii: ":"))
        digits(second % 60, 2, &output)
        output.append(UInt8(ascii: "."))
        digits(nanoseconds % 1_000_000_000, 9, &output)
        output.append(UInt8(ascii: "Z"))
    }

    /// The Gregorian date of a day since 1970, counted in 400-year cycles that begin on the first of March.
    static func date(ofDay day: UInt64) -> (year: UInt64, month: UInt64, day: UInt64) {
        let shifted = day + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func digits(_ value: UInt64, _ count: Int, _ output: inout [UInt8]) {
        var divisor: UInt64 = 1
        for _ in 1..<count { divisor *= 10 }
        while divisor > 0 {
            output.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / divisor % 10))
            divisor /= 10
        }
    }
}
