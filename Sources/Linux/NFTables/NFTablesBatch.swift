import CNetlink
import Glibc

/// A transaction as one batch of netlink messages, built with libnftnl.
///
/// Each message is built in a scratch buffer of 64 KiB, of which libnftnl knows nothing; so what goes into one is bounded:
/// `elementsPerMessage` elements of at most `longestKey` words, or a rule of `longestRule` expressions.
struct NFTablesBatch {
    static let elementsPerMessage = 128
    static let longestRule = 48
    private static let scratchSize = 64 * 1024

    private(set) var bytes: [UInt8] = []
    /// For each message of ours, counted from sequence number 1, the operation it belongs to.
    private(set) var operations: [Int] = []
    private let table: String
    private let scratch: UnsafeMutablePointer<CChar>
    private var nextSet: UInt32 = 0

    /// Nil with the index of the first operation that does not fit the bounds above.
    static func encode(_ transaction: NFTables.Transaction) -> Result<NFTablesBatch, UnfitOperation> {
        let scratch = UnsafeMutablePointer<CChar>.allocate(capacity: scratchSize)
        defer { scratch.deallocate() }
        scratch.initialize(repeating: 0, count: scratchSize)
        var batch = NFTablesBatch(table: transaction.table, scratch: scratch)
        batch.frame(NFNL_MSG_BATCH_BEGIN)
        for (index, operation) in transaction.operations.enumerated() {
            guard operation.isFit else { return .failure(UnfitOperation(index: index)) }
            batch.append(operation, index)
        }
        batch.frame(NFNL_MSG_BATCH_END)
        return .success(batch)
    }

    struct UnfitOperation: Error { let index: Int }

    private init(table: String, scratch: UnsafeMutablePointer<CChar>) {
        self.table = table
        self.scratch = scratch
    }

    private mutating func frame(_ type: CInt) {
        let header =
            type == NFNL_MSG_BATCH_BEGIN ? nftnl_batch_begin(scratch, 0) : nftnl_batch_end(scratch, sequence)
        if let header { bytes += UnsafeRawBufferPointer(start: header, count: Int(header.pointee.nlmsg_len)) }
    }

    private var sequence: UInt32 { UInt32(truncatingIfNeeded: operations.count + 1) }

    /// Builds one message: `fill` puts the attributes.
    private mutating func message(
        _ type: nf_tables_msg_types, _ flags: CInt, _ operation: Int, _ fill: (UnsafeMutablePointer<nlmsghdr>) -> Void
    ) {
        let number = sequence
        operations.append(operation)
        guard
            let header = nftnl_nlmsg_build_hdr(
                scratch, UInt16(type.rawValue), UInt16(NFPROTO_IPV4), UInt16(flags), number)
        else { return }
        fill(header)
        let length = (Int(header.pointee.nlmsg_len) + 3) & ~3
        bytes += UnsafeRawBufferPointer(start: header, count: length)
    }

    private mutating func append(_ operation: NFTables.Operation, _ index: Int) {
        switch operation {
        case .addTable: tableMessage(NFT_MSG_NEWTABLE, NLM_F_CREATE, index)
        case .deleteTable: tableMessage(NFT_MSG_DELTABLE, 0, index)
        case .addChain(let chain): chainMessage(NFT_MSG_NEWCHAIN, NLM_F_CREATE, chain, index)
        case .deleteChain(let name):
            ruleMessage(NFT_MSG_DELRULE, 0, chain: name, nil, index)
            chainMessage(NFT_MSG_DELCHAIN, 0, NFTables.Chain(name), index)
        case .flushChain(let name): ruleMessage(NFT_MSG_DELRULE, 0, chain: name, nil, index)
        case .addRule(let chain, let rule):
            ruleMessage(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, chain: chain, rule, index)
        case .addSet(let set):
            nextSet += 1
            setMessage(NFT_MSG_NEWSET, NLM_F_CREATE, set.nftnl(table: table, id: nextSet), index)
        case .deleteSet(let name):
            setMessage(NFT_MSG_DELSET, 0, NFTables.NamedSet(name, key: []).nftnl(table: table, id: nil), index)
        case .addElements(let set, let elements):
            elementMessages(NFT_MSG_NEWSETELEM, NLM_F_CREATE, set, elements, index)
        case .deleteElements(let set, let elements):
            // The key alone says which.
            elementMessages(NFT_MSG_DELSETELEM, 0, set, elements.map { NFTables.Element($0.key) }, index)
        }
    }

    private mutating func tableMessage(_ type: nf_tables_msg_types, _ flags: CInt, _ index: Int) {
        guard let object = nftnl_table_alloc() else { return }
        defer { nftnl_table_free(object) }
        nftnl_table_set_str(object, UInt16(NFTNL_TABLE_NAME.rawValue), table)
        message(type, flags, index) { nftnl_table_nlmsg_build_payload($0, object) }
    }

    private mutating func chainMessage(
        _ type: nf_tables_msg_types, _ flags: CInt, _ chain: NFTables.Chain, _ index: Int
    ) {
        guard let object = nftnl_chain_alloc() else { return }
        defer { nftnl_chain_free(object) }
        nftnl_chain_set_str(object, UInt16(NFTNL_CHAIN_TABLE.rawValue), table)
        nftnl_chain_set_str(object, UInt16(NFTNL_CHAIN_NAME.rawValue), chain.name)
        if let base = chain.base {
            nftnl_chain_set_str(object, UInt16(NFTNL_CHAIN_TYPE.rawValue), base.kind.rawValue)
            nftnl_chain_set_u32(object, UInt16(NFTNL_CHAIN_HOOKNUM.rawValue), base.hook.number)
            nftnl_chain_set_s32(object, UInt16(NFTNL_CHAIN_PRIO.rawValue), base.priority)
        }
        message(type, flags, index) { nftnl_chain_nlmsg_build_payload($0, object) }
    }

    private mutating func ruleMessage(
        _ type: nf_tables_msg_types, _ flags: CInt, chain: String, _ rule: NFTables.Rule?, _ index: Int
    ) {
        guard let object = nftnl_rule_alloc() else { return }
        defer { nftnl_rule_free(object) }
        nftnl_rule_set_str(object, UInt16(NFTNL_RULE_TABLE.rawValue), table)
        nftnl_rule_set_str(object, UInt16(NFTNL_RULE_CHAIN.rawValue), chain)
        for expression in rule?.expressions ?? [] {
            if let built = expression.nftnl() { nftnl_rule_add_expr(object, built) }
        }
        message(type, flags, index) { nftnl_rule_nlmsg_build_payload($0, object) }
    }

    private mutating func setMessage(
        _ type: nf_tables_msg_types, _ flags: CInt, _ object: OpaquePointer?, _ index: Int
    ) {
        guard let object else { return }
        defer { nftnl_set_free(object) }
        message(type, flags, index) { nftnl_set_nlmsg_build_payload($0, object) }
    }

    private mutating func elementMessages(
        _ type: nf_tables_msg_types, _ flags: CInt, _ set: NFTables.NamedSet, _ elements: [NFTables.Element],
        _ index: Int
    ) {
        var first = 0
        while first < elements.count {
            let end = min(first + Self.elementsPerMessage, elements.count)
            guard let object = nftnl_set_alloc() else { return }
            defer { nftnl_set_free(object) }
            nftnl_set_set_str(object, UInt16(NFTNL_SET_TABLE.rawValue), table)
            nftnl_set_set_str(object, UInt16(NFTNL_SET_NAME.rawValue), set.name)
            for element in elements[first..<end] {
                if let built = element.nftnl() { nftnl_set_elem_add(object, built) }
            }
            message(type, flags, index) { nftnl_set_elems_nlmsg_build_payload($0, object) }
            first = end
        }
    }
}

extension NFTables.Operation {
    /// Whether names are names and sizes within the bounds of a message.
    fileprivate var isFit: Bool {
        switch self {
        case .addTable, .deleteTable: true
        case .addChain(let chain): NFTables.isName(chain.name)
        case .deleteChain(let name), .flushChain(let name), .deleteSet(let name): NFTables.isName(name)
        case .addRule(let chain, let rule):
            NFTables.isName(chain) && rule.expressions.count <= NFTablesBatch.longestRule
                && (rule.targets + rule.sets).allSatisfy(NFTables.isName)
        case .addSet(let set): NFTables.isName(set.name) && (1...8).contains(set.key.count)
        case .addElements(let set, let elements), .deleteElements(let set, let elements):
            NFTables.isName(set.name) && elements.allSatisfy { $0.isFit }
        }
    }
}

extension NFTables.Element {
    fileprivate var isFit: Bool {
        guard (1...8).contains(key.count) else { return false }
        return switch data {
        case nil: true
        case .verdict(let verdict): verdict.target.map(NFTables.isName) ?? true
        case .values(let values): (1...4).contains(values.count)
        }
    }
}

extension NFTables.Chain.Hook {
    /// The kernel's number of the hook (enum nf_inet_hooks).
    fileprivate var number: UInt32 {
        switch self {
        case .prerouting: 0
        case .input: 1
        case .forward: 2
        case .output: 3
        case .postrouting: 4
        }
    }
}
