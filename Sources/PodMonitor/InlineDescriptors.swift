import CLaunch

/// The descriptors of one message.
struct InlineDescriptors {
    private(set) var numbers: [Int32] = []

    mutating func append(_ number: Int32) { numbers.append(number) }

    /// The next descriptor, now the caller's; -1 where there is none.
    mutating func takeFirst() -> Int32 { numbers.isEmpty ? -1 : numbers.removeFirst() }

    mutating func takeLast() -> Int32 { numbers.isEmpty ? -1 : numbers.removeLast() }

    /// Closes those that nobody has taken.
    mutating func closeAll() {
        for number in numbers { cm_close(number) }
        numbers.removeAll()
    }

    /// Receives one message and its descriptors: its size, 0 at the end, or a negated errno.
    mutating func receive(from socket: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int64 {
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: MonitorLimit.descriptors) { space in
            var count: UInt32 = 0
            let got = cm_receive(
                socket, buffer.baseAddress, UInt64(buffer.count), space.baseAddress, UInt32(space.count), &count)
            for index in 0..<Int(count) { numbers.append(space[index]) }
            return got
        }
    }

    /// Sends a message with these descriptors, which stay open here.
    func send(_ bytes: [UInt8], to socket: Int32) -> Int32 {
        bytes.withUnsafeBytes { message in
            numbers.withUnsafeBufferPointer { fds in
                cm_send(socket, message.baseAddress, UInt64(message.count), fds.baseAddress, UInt32(fds.count))
            }
        }
    }
}

/// Runs `body` with the bytes as a C string.
func withCText<Result>(_ bytes: [UInt8], _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
    var terminated = bytes
    terminated.append(0)
    return terminated.withUnsafeBytes { body($0.baseAddress?.assumingMemoryBound(to: CChar.self)) }
}
