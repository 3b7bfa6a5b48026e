import APIMachinery
import CRI

/// How often a registry is asked again for what it may yet give or take: six times in a row without getting on, and as late as it asks for itself.
struct RegistryPatience: Sendable {
    private static let tries = 6
    /// What a registry may ask for in all before anything gets on.
    private static let bound = Duration.seconds(30)

    let time: any TimeSource
    private var failures = 0
    private var waited = Duration.zero

    init(time: any TimeSource) {
        self.time = time
    }

    /// Waits until the next try is due.
    /// - Parameters:
    ///   - hasGotOn: whether the last try brought something across.
    ///   - tell: hears, before the wait, why there is one.
    /// - Throws: what it failed with, where there is no further try.
    mutating func wait(
        after failure: RegistryFailure, hasGotOn: Bool = false, tell: (String) -> Void
    ) async throws(RegistryFailure) {
        if hasGotOn { (failures, waited) = (0, .zero) }
        guard failure.kind == .passing else { throw failure }
        let delay: Duration
        var cause = failure.description
        if let asked = failure.retryAfter, asked > .zero {
            waited += asked
            guard waited <= Self.bound else {
                let words = "it asks for \(asked) until the next try, and \(Self.bound) are the most that is waited"
                throw RegistryFailure(.refused, "\(failure); \(words)")
            }
            delay = asked
            cause += "; the next try is in \(asked), as it asks"
        } else {
            if !hasGotOn { failures += 1 }
            guard failures < Self.tries else { throw failure }
            delay = .milliseconds(250 << failures)
        }
        tell(cause)
        do { try await time.sleep(for: delay) } catch { throw failure }
    }
}

/// When a registry wants to be asked again (RFC 9110, 10.2.3).
enum RetryAfter {
    /// - Parameters:
    ///   - field: seconds, or a moment in the form of HTTP.
    ///   - date: the answer's own moment, from which another is counted: the clocks need not agree.
    /// - Returns: nil where it cannot be read or lies in the past.
    static func delay(_ field: String?, date: String?) -> Duration? {
        guard let field else { return nil }
        if !field.isEmpty, field.utf8.allSatisfy({ (48...57).contains($0) }) {
            return .seconds(Int32(field) ?? .max)
        }
        guard let due = moment(field), let now = date.flatMap(moment), due > now else { return nil }
        return due - now
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    private static func moment(_ text: String) -> Timestamp? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", parts[1].utf8.count == 2, parts[3].utf8.count == 4,
            let month = months.firstIndex(of: String(parts[2]))
        else { return nil }
        return Timestamp("\(parts[3])-\(month < 9 ? "0" : "")\(month + 1)-\(parts[1])T\(parts[4])Z")
    }
}
