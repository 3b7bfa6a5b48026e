/// A process to be executed in a container: the container's first one, or that of an exec session.
package struct ProcessPlan: Sendable, Equatable {
    /// The program and its arguments. A program without a slash is looked up in the environment's PATH, inside the
    /// container. At least one; no NUL bytes.
    package var arguments: [String]
    /// `NAME=value`, in order.
    package var environment: [String]
    /// Absolute, made if it does not exist.
    package var workingDirectory: String
    package var user: ProcessUser
    package var capabilities: CapabilitySets
    package var noNewPrivileges: Bool
    /// nil runs unconfined.
    package var seccomp: SeccompProgram?
    package var resourceLimits: [ResourceLimit]
    /// The size of the terminal the process gets as its standard streams; nil for pipes.
    package var terminal: TerminalSize?
    /// The host's number of the user that standard streams which are pipes are given to; nil: whoever runs the process.
    package var streamOwner: UInt32?
    package var traits = ProcessTraits()

    package init(
        arguments: [String], environment: [String] = [], workingDirectory: String = "/",
        user: ProcessUser = ProcessUser(), capabilities: CapabilitySets = .containerDefault,
        noNewPrivileges: Bool = false, seccomp: SeccompProgram? = nil, resourceLimits: [ResourceLimit] = [],
        terminal: TerminalSize? = nil
    ) {
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.user = user
        self.capabilities = capabilities
        self.noNewPrivileges = noNewPrivileges
        self.seccomp = seccomp
        self.resourceLimits = resourceLimits
        self.terminal = terminal
    }
}

/// What the runtime specification can say of a process and few have.
package struct ProcessTraits: Sendable, Equatable {
    package struct Scheduler: Sendable, Equatable {
        /// As sched_setattr(2) takes them; times in nanoseconds.
        package var policy: UInt32
        package var nice: Int32
        package var priority: UInt32
        package var flags: UInt64
        package var runtime: UInt64
        package var deadline: UInt64
        package var period: UInt64

        package init(
            policy: UInt32, nice: Int32, priority: UInt32, flags: UInt64, runtime: UInt64, deadline: UInt64,
            period: UInt64
        ) {
            self.policy = policy
            self.nice = nice
            self.priority = priority
            self.flags = flags
            self.runtime = runtime
            self.deadline = deadline
            self.period = period
        }
    }

    /// What a security module makes of the program, written to a file of /proc/self/attr.
    package struct Label: Sendable, Equatable {
        package var file: String
        package var text: String
        /// What messages call it.
        package var name: String

        package init(file: String, text: String, name: String) {
            self.file = file
            self.text = text
            self.name = name
        }
    }

    /// From which nodes of the machine memory is taken, as set_mempolicy(2) takes it.
    package struct MemoryPolicy: Sendable, Equatable {
        /// With its flags.
        package var mode: UInt32
        /// A mask, a multiple of eight bytes.
        package var nodes: [UInt8]

        package init(mode: UInt32, nodes: [UInt8]) {
            self.mode = mode
            self.nodes = nodes
        }
    }

    package var scheduler: Scheduler?
    /// As ioprio_set(2) takes it.
    package var ioPriority: UInt32?
    package var personality: UInt32?
    /// So many descriptors from 3 on are handed to the program.
    package var preservedDescriptors: UInt32 = 0
    /// SECCOMP_FILTER_FLAG_*.
    package var seccompFlags: UInt32 = 0
    package var label: Label?
    /// The environment's last entry is HOME, and gives way to what the container's /etc/passwd has for the user.
    package var findsHome = false
    /// Whether it has the session keyring of whoever launches it, instead of an empty one of its own.
    package var keepsKeyring = false
    /// Processors as a mask, a multiple of eight bytes; empty: as it is.
    package var affinity: [UInt8] = []
    package var memoryPolicy: MemoryPolicy?

    package init() {}
}

/// Numeric identity of a process.
package struct ProcessUser: Sendable, Equatable {
    package var userID: UInt32
    package var groupID: UInt32
    package var supplementaryGroups: [UInt32]
    package var umask: UInt32

    package init(
        userID: UInt32 = 0, groupID: UInt32 = 0, supplementaryGroups: [UInt32] = [], umask: UInt32 = 0o022
    ) {
        self.userID = userID
        self.groupID = groupID
        self.supplementaryGroups = supplementaryGroups
        self.umask = umask
    }
}

/// A terminal's size in characters.
package struct TerminalSize: Sendable, Equatable {
    package var columns: UInt16
    package var rows: UInt16

    package init(columns: UInt16 = 80, rows: UInt16 = 24) {
        self.columns = columns
        self.rows = rows
    }
}

/// setrlimit of one resource.
package struct ResourceLimit: Sendable, Equatable {
    /// The kernel's RLIMIT number.
    package var resource: UInt32
    package var soft: UInt64
    package var hard: UInt64

    /// As the kernel's headers and the runtime specification call it.
    package var name: String {
        let names = ResourceLimit.names
        return Int(resource) < names.count ? names[Int(resource)] : "limit \(resource)"
    }

    /// By the kernel's numbers.
    package static let names = [
        "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_CORE", "RLIMIT_RSS", "RLIMIT_NPROC",
        "RLIMIT_NOFILE", "RLIMIT_MEMLOCK", "RLIMIT_AS", "RLIMIT_LOCKS", "RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE",
        "RLIMIT_NICE", "RLIMIT_RTPRIO", "RLIMIT_RTTIME",
    ]

    package init(resource: UInt32, soft: UInt64, hard: UInt64) {
        self.resource = resource
        self.soft = soft
        self.hard = hard
    }
}

/// The five capability sets as bit masks, bit n being capability number n.
package struct CapabilitySets: Sendable, Equatable {
    package var effective: UInt64
    package var permitted: UInt64
    package var inheritable: UInt64
    package var bounding: UInt64
    package var ambient: UInt64

    /// The usual shape for root: effective, permitted and bounding alike, nothing inheritable or ambient.
    package init(_ mask: UInt64) {
        self.init(effective: mask, permitted: mask, inheritable: 0, bounding: mask, ambient: 0)
    }

    /// The same, with what is kept over an exec as a user other than root.
    package init(_ mask: UInt64, ambient: UInt64) {
        self.init(effective: mask, permitted: mask, inheritable: ambient, bounding: mask, ambient: ambient)
    }

    package init(effective: UInt64, permitted: UInt64, inheritable: UInt64, bounding: UInt64, ambient: UInt64) {
        self.effective = effective
        self.permitted = permitted
        self.inheritable = inheritable
        self.bounding = bounding
        self.ambient = ambient
    }

    /// The 14 capabilities every unprivileged container starts from.
    package static let containerDefault = CapabilitySets(0xa804_25fb)
}

/// A compiled seccomp filter: classic BPF instructions as the kernel takes them. Made by `SeccompCompiler`.
package struct SeccompProgram: Sendable, Equatable {
    /// 8 bytes an instruction, at most 4,096 instructions.
    package var instructions: [UInt8]

    package init(instructions: [UInt8]) { self.instructions = instructions }
}
