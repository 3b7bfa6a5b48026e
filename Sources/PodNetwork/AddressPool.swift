import Linux

/// Which sandbox holds which address of the node's pod network.
///
/// A value: what it decides is written to disk by `AddressDirectory`. Bound: the addresses of the network; when all are
/// taken, `allocate` gives none.
struct AddressPool {
    let network: IPv4Network
    private(set) var addresses: [String: IPv4Address] = [:]
    private var sandboxes: [IPv4Address: String] = [:]
    /// Where the search for a free address begins, counted from the first usable one.
    private var next: UInt32 = 0

    init(network: IPv4Network) {
        self.network = network
    }

    /// The usable offsets: not the network's own address, the gateway's (1) and the last.
    private var offsets: ClosedRange<UInt32> { 2...max(2, network.last.value - network.address.value - 1) }

    /// A sandbox keeps the address it has. A new one gets the free address after the last given, so that a freed address
    /// rests as long as possible. Takes O(taken addresses) at worst.
    mutating func allocate(for sandbox: String) -> IPv4Address? {
        if let known = addresses[sandbox] { return known }
        let count = UInt32(offsets.count)
        for step in 0..<count {
            let place = (next + step) % count
            let address = IPv4Address(network.address.value + offsets.lowerBound + place)
            guard sandboxes[address] == nil else { continue }
            next = (place + 1) % count
            record(sandbox, address)
            return address
        }
        return nil
    }

    /// Takes over what the disk says. False for an address outside the network, or one of the two already known.
    mutating func adopt(_ sandbox: String, _ address: IPv4Address) -> Bool {
        guard network.contains(address), offsets.contains(offset(of: address)), addresses[sandbox] == nil,
            sandboxes[address] == nil
        else { return false }
        record(sandbox, address)
        return true
    }

    @discardableResult
    mutating func release(_ sandbox: String) -> IPv4Address? {
        guard let address = addresses.removeValue(forKey: sandbox) else { return nil }
        sandboxes[address] = nil
        return address
    }

    func sandbox(of address: IPv4Address) -> String? { sandboxes[address] }

    func offset(of address: IPv4Address) -> UInt32 {
        address.value &- network.address.value
    }

    private mutating func record(_ sandbox: String, _ address: IPv4Address) {
        addresses[sandbox] = address
        sandboxes[address] = sandbox
    }
}
