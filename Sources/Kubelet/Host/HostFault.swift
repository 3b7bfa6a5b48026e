/// What can be wrong with the machine that pods and daemon stand on. The raw value is the type of the node's condition.
package enum HostFault: String, Sendable, Hashable, CaseIterable {
    case diskFull = "DataDiskFull"
    case diskReadOnly = "DataDiskReadOnly"
    case diskFailing = "DataDiskFailing"
    case diskStalled = "DataDiskStalled"
    case processesExhausted = "ProcessTableFull"
    case addressesExhausted = "PodAddressesExhausted"
    case clockSet = "ClockSet"
    case certificatesOverdue = "CertificatesOverdue"

    /// The condition's reason while it is true, and afterwards.
    var reasons: (on: String, off: String) {
        switch self {
        case .diskFull: ("NoSpaceLeft", "SpaceLeft")
        case .diskReadOnly: ("ReadOnlyFileSystem", "Writable")
        case .diskFailing: ("WritesFail", "WritesSucceed")
        case .diskStalled: ("WritesStall", "WritesInTime")
        case .processesExhausted: ("NoProcessLeft", "ProcessesLeft")
        case .addressesExhausted: ("NoAddressLeft", "AddressesLeft")
        case .clockSet: ("ClockWasSet", "ClockSteady")
        case .certificatesOverdue: ("RenewalFails", "Renewed")
        }
    }
}
