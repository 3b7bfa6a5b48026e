/// In place of the standard library's, which Embedded Swift lacks on Linux: a value that one thread at a time may use. `swiftlet-oci` has one.
final class Mutex<Value>: @unchecked Sendable {  // SAFETY: see above
    private var value: Value

    init(_ value: consuming Value) { self.value = value }

    func withLock<Result, Failure>(_ body: (inout Value) throws(Failure) -> Result) throws(Failure) -> Result {
        try body(&value)
    }
}
