/// nftables as values: what a transaction says prints as rules-file text, goes to the kernel in one atomic batch, or into
/// an in-memory ruleset for tests.
///
/// One family, `ip`. Names of tables, chains and sets are 1 to 64 bytes of letters, digits, `-` and `_`.
package enum NFTables {
    static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}

/// A transport protocol that services have.
package enum TransportProtocol: UInt8, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    case tcp = 6
    case udp = 17
    case sctp = 132

    package var description: String {
        switch self {
        case .tcp: "tcp"
        case .udp: "udp"
        case .sctp: "sctp"
        }
    }
}

extension NFTables {
    /// A place for rules. A base chain hangs at a hook of the kernel, a regular one is jumped to.
    package struct Chain: Hashable, Sendable {
        package enum Kind: String, Sendable {
            case filter
            case nat
        }

        package enum Hook: String, Sendable {
            case prerouting, input, forward, output, postrouting
        }

        package struct Base: Hashable, Sendable {
            package let kind: Kind
            package let hook: Hook
            /// Chains of one hook run from low to high. Address translation is expected at -100 before routing and 100 after.
            package let priority: Int32

            package init(_ kind: Kind, _ hook: Hook, priority: Int32) {
                self.kind = kind
                self.hook = hook
                self.priority = priority
            }
        }

        package let name: String
        package let base: Base?

        package init(_ name: String, base: Base? = nil) {
            self.name = name
            self.base = base
        }
    }

    /// The type of one part of a set's key or data.
    package enum DataType: Hashable, Sendable {
        case address
        case transport
        case port
        /// A number of 32 bits, such as a random slot.
        case number
    }

    /// A value of one `DataType`.
    package enum Value: Hashable, Sendable, CustomStringConvertible {
        case address(IPv4Address)
        case transport(TransportProtocol)
        case port(UInt16)
        case number(UInt32)

        package var description: String {
            switch self {
            case .address(let address): "\(address)"
            case .transport(let transport): "\(transport)"
            case .port(let port): "\(port)"
            case .number(let number): "\(number)"
            }
        }
    }

    /// What happens to a packet.
    package enum Verdict: Hashable, Sendable, CustomStringConvertible {
        case accept, drop, `return`
        case jump(String)
        case goto(String)

        package var description: String {
            switch self {
            case .accept: "accept"
            case .drop: "drop"
            case .return: "return"
            case .jump(let chain): "jump \(chain)"
            case .goto(let chain): "goto \(chain)"
            }
        }

        /// The chain it leads to.
        package var target: String? {
            switch self {
            case .jump(let chain), .goto(let chain): chain
            case .accept, .drop, .return: nil
            }
        }
    }

    /// A named set, or a map where it has data. Look-ups take constant time.
    package struct NamedSet: Hashable, Sendable {
        package enum Data: Hashable, Sendable {
            case verdict
            case values([DataType])
        }

        package let name: String
        package let key: [DataType]
        package let data: Data?
        /// Elements are added by rules (`Statement.update`) and leave this many seconds after their last use.
        package let timeoutSeconds: UInt32?

        package init(_ name: String, key: [DataType], data: Data? = nil, timeoutSeconds: UInt32? = nil) {
            self.name = name
            self.key = key
            self.data = data
            self.timeoutSeconds = timeoutSeconds
        }
    }

    /// An element of a set, or a key with its data of a map.
    package struct Element: Hashable, Sendable {
        package enum Data: Hashable, Sendable {
            case verdict(Verdict)
            case values([Value])
        }

        package let key: [Value]
        package let data: Data?

        package init(_ key: [Value], _ data: Data? = nil) {
            self.key = key
            self.data = data
        }
    }
}
