/// Why the daemon cannot start or go on. Each message names the object and the way out.
package struct DaemonError: Error, Sendable, Hashable, CustomStringConvertible {
    package var description: String
    /// The settings cannot hold: another try is in vain until they are changed.
    package var isOfSettings = false

    package init(_ description: String) {
        self.description = description
    }
}

extension DaemonError {
    /// Runs `body`; what it throws is of settings.
    static func ofSettings<Value>(_ body: () throws(DaemonError) -> Value) throws(DaemonError) -> Value {
        do throws(DaemonError) {
            return try body()
        } catch {
            var error = error
            error.isOfSettings = true
            throw error
        }
    }

    /// Runs `body`; whatever it throws becomes a `DaemonError` that begins with `what`.
    static func wrapping<Value, Failure: Error>(
        _ what: String, _ body: () async throws(Failure) -> Value
    ) async throws(DaemonError) -> Value {
        do throws(Failure) {
            return try await body()
        } catch {
            throw DaemonError("\(what): \(error)")
        }
    }

    static func wrapping<Value, Failure: Error>(
        _ what: String, _ body: () throws(Failure) -> Value
    ) throws(DaemonError) -> Value {
        do throws(Failure) {
            return try body()
        } catch {
            throw DaemonError("\(what): \(error)")
        }
    }
}
