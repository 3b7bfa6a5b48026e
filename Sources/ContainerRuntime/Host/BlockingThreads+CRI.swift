import CRI
import Linux

extension BlockingThreads {
    /// Runs blocking work whose failures are told in the CRI's terms.
    package func perform<Value: Sendable>(
        _ operation: String, _ body: @escaping @Sendable () throws(CRIError) -> Value
    ) async throws(CRIError) -> Value {
        let outcome: Result<Value, CRIError>
        do throws(KernelError) {
            outcome = try await run(operation) { () throws(KernelError) -> Result<Value, CRIError> in
                do throws(CRIError) { return .success(try body()) } catch { return .failure(error) }
            }
        } catch {
            throw .failed(error.description)
        }
        return try outcome.get()
    }
}

/// Runs a kernel call and names what it was for where it fails.
func attempt<Value: ~Copyable>(
    _ purpose: @autoclosure () -> String, _ body: () throws(KernelError) -> Value
) throws(CRIError) -> Value {
    do throws(KernelError) {
        return try body()
    } catch {
        throw .failed("\(purpose()): \(error)")
    }
}
