import CNetlink

/// The values as libnftnl's objects. Who gets one frees it, or hands it to an object that does.
extension NFTables.NamedSet {
    /// - Parameter id: the set's number within its transaction; nil where it is only named.
    func nftnl(table: String, id: UInt32?) -> OpaquePointer? {
        guard let object = nftnl_set_alloc() else { return nil }
        nftnl_set_set_str(object, UInt16(NFTNL_SET_TABLE.rawValue), table)
        nftnl_set_set_str(object, UInt16(NFTNL_SET_NAME.rawValue), name)
        guard let id else { return object }
        func put(_ attribute: nftnl_set_attr, _ value: UInt32) {
            nftnl_set_set_u32(object, UInt16(attribute.rawValue), value)
        }
        put(NFTNL_SET_FAMILY, UInt32(NFPROTO_IPV4))
        put(NFTNL_SET_ID, id)
        put(NFTNL_SET_KEY_TYPE, Self.type(key))
        put(NFTNL_SET_KEY_LEN, UInt32(key.count * 4))
        var flags: UInt32 = 0
        switch data {
        case nil: break
        case .verdict:
            flags |= UInt32(NFT_SET_MAP.rawValue)
            put(NFTNL_SET_DATA_TYPE, UInt32(NFT_DATA_VERDICT.rawValue))
            put(NFTNL_SET_DATA_LEN, 0)
        case .values(let types):
            flags |= UInt32(NFT_SET_MAP.rawValue)
            put(NFTNL_SET_DATA_TYPE, Self.type(types))
            put(NFTNL_SET_DATA_LEN, UInt32(types.count * 4))
        }
        if let timeoutSeconds {
            flags |= UInt32(NFT_SET_TIMEOUT.rawValue | NFT_SET_EVAL.rawValue)
            nftnl_set_set_u64(object, UInt16(NFTNL_SET_TIMEOUT.rawValue), UInt64(timeoutSeconds) * 1000)
        }
        put(NFTNL_SET_FLAGS, flags)
        return object
    }

    /// The type as nft(8) numbers it, six bits a part; the kernel only keeps it for those who list the set.
    private static func type(_ types: [NFTables.DataType]) -> UInt32 {
        types.reduce(0) { $0 << 6 | $1.nftType }
    }
}

extension NFTables.DataType {
    fileprivate var nftType: UInt32 {
        switch self {
        case .address: 7
        case .transport: 12
        case .port: 13
        // Listed as a mark: nft's own plain number has no size.
        case .number: 19
        }
    }
}

extension NFTables.Element {
    func nftnl() -> OpaquePointer? {
        guard let object = nftnl_set_elem_alloc() else { return nil }
        Self.put(object, UInt16(NFTNL_SET_ELEM_KEY), key.flatMap(\.bytes))
        switch data {
        case nil: break
        case .values(let values): Self.put(object, UInt16(NFTNL_SET_ELEM_DATA), values.flatMap(\.bytes))
        case .verdict(let verdict):
            nftnl_set_elem_set_u32(object, UInt16(NFTNL_SET_ELEM_VERDICT), verdict.code)
            if let target = verdict.target { nftnl_set_elem_set_str(object, UInt16(NFTNL_SET_ELEM_CHAIN), target) }
        }
        return object
    }

    private static func put(_ object: OpaquePointer, _ attribute: UInt16, _ bytes: [UInt8]) {
        nftnl_set_elem_set(object, attribute, bytes, UInt32(bytes.count))
    }
}

extension NFTables.Verdict {
    fileprivate var code: UInt32 {
        let code: CInt =
            switch self {
            case .accept: NF_ACCEPT
            case .drop: NF_DROP
            case .return: NFT_RETURN.rawValue
            case .jump: NFT_JUMP.rawValue
            case .goto: NFT_GOTO.rawValue
            }
        return UInt32(bitPattern: code)
    }
}

/// A register of 32 bits by the kernel's number.
private func number(_ register: NFTables.Register) -> UInt32 { UInt32(NFT_REG32_00.rawValue) + register }

extension NFTables.Expression {
    func nftnl() -> OpaquePointer? {
        guard let object = nftnl_expr_alloc(name) else { return nil }
        func put(_ attribute: Int, _ value: UInt32) { nftnl_expr_set_u32(object, UInt16(attribute), value) }
        func put(_ attribute: Int, _ bytes: [UInt8]) {
            nftnl_expr_set(object, UInt16(attribute), bytes, UInt32(bytes.count))
        }
        switch self {
        case .payload(let base, let offset, let length, let register):
            put(NFTNL_EXPR_PAYLOAD_DREG, number(register))
            put(NFTNL_EXPR_PAYLOAD_BASE, base.number)
            put(NFTNL_EXPR_PAYLOAD_OFFSET, offset)
            put(NFTNL_EXPR_PAYLOAD_LEN, length)
        case .meta(let key, let register):
            put(NFTNL_EXPR_META_KEY, key.number)
            put(NFTNL_EXPR_META_DREG, number(register))
        case .setMeta(let key, let register):
            put(NFTNL_EXPR_META_KEY, key.number)
            put(NFTNL_EXPR_META_SREG, number(register))
        case .conntrack(let key, let register):
            put(NFTNL_EXPR_CT_KEY, key.number)
            put(NFTNL_EXPR_CT_DREG, number(register))
        case .sourceType(let register):
            put(NFTNL_EXPR_FIB_DREG, number(register))
            put(NFTNL_EXPR_FIB_RESULT, UInt32(NFT_FIB_RESULT_ADDRTYPE.rawValue))
            put(NFTNL_EXPR_FIB_FLAGS, UInt32(NFTA_FIB_F_SADDR.rawValue))
        case .destinationType(let register):
            put(NFTNL_EXPR_FIB_DREG, number(register))
            put(NFTNL_EXPR_FIB_RESULT, UInt32(NFT_FIB_RESULT_ADDRTYPE.rawValue))
            put(NFTNL_EXPR_FIB_FLAGS, UInt32(NFTA_FIB_F_DADDR.rawValue))
        case .random(let modulus, let register):
            put(NFTNL_EXPR_NG_DREG, number(register))
            put(NFTNL_EXPR_NG_TYPE, UInt32(NFT_NG_RANDOM.rawValue))
            put(NFTNL_EXPR_NG_MODULUS, max(modulus, 1))
            put(NFTNL_EXPR_NG_OFFSET, 0)
        case .bitwise(let register, let mask, let xor):
            put(NFTNL_EXPR_BITWISE_SREG, number(register))
            put(NFTNL_EXPR_BITWISE_DREG, number(register))
            put(NFTNL_EXPR_BITWISE_LEN, UInt32(mask.count))
            put(NFTNL_EXPR_BITWISE_MASK, mask)
            put(NFTNL_EXPR_BITWISE_XOR, xor)
        case .compare(let register, let isEqual, let bytes):
            put(NFTNL_EXPR_CMP_SREG, number(register))
            put(NFTNL_EXPR_CMP_OP, UInt32(isEqual ? NFT_CMP_EQ.rawValue : NFT_CMP_NEQ.rawValue))
            put(NFTNL_EXPR_CMP_DATA, bytes)
        case .immediate(let bytes, let register):
            put(NFTNL_EXPR_IMM_DREG, number(register))
            put(NFTNL_EXPR_IMM_DATA, bytes)
        case .lookup(let set, let register, let result, let negated):
            put(NFTNL_EXPR_LOOKUP_SREG, number(register))
            nftnl_expr_set_str(object, UInt16(NFTNL_EXPR_LOOKUP_SET), set)
            switch result {
            case .none: put(NFTNL_EXPR_LOOKUP_FLAGS, negated ? UInt32(NFT_LOOKUP_F_INV.rawValue) : 0)
            case .verdict: put(NFTNL_EXPR_LOOKUP_DREG, UInt32(NFT_REG_VERDICT.rawValue))
            case .register(let register): put(NFTNL_EXPR_LOOKUP_DREG, number(register))
            }
        case .verdict(let verdict):
            put(NFTNL_EXPR_IMM_DREG, UInt32(NFT_REG_VERDICT.rawValue))
            put(NFTNL_EXPR_IMM_VERDICT, verdict.code)
            if let target = verdict.target { nftnl_expr_set_str(object, UInt16(NFTNL_EXPR_IMM_CHAIN), target) }
        case .nat(let isDestination, let address, let port):
            put(NFTNL_EXPR_NAT_TYPE, UInt32(isDestination ? NFT_NAT_DNAT.rawValue : NFT_NAT_SNAT.rawValue))
            put(NFTNL_EXPR_NAT_FAMILY, UInt32(NFPROTO_IPV4))
            put(NFTNL_EXPR_NAT_REG_ADDR_MIN, number(address))
            if let port { put(NFTNL_EXPR_NAT_REG_PROTO_MIN, number(port)) }
        case .masquerade:
            put(NFTNL_EXPR_MASQ_FLAGS, UInt32(NF_NAT_RANGE_PROTO_RANDOM_FULLY))
        case .reject:
            put(NFTNL_EXPR_REJECT_TYPE, UInt32(NFT_REJECT_ICMP_UNREACH.rawValue))
            nftnl_expr_set_u8(object, UInt16(NFTNL_EXPR_REJECT_CODE), 3)
        case .reset:
            put(NFTNL_EXPR_REJECT_TYPE, UInt32(NFT_REJECT_TCP_RST.rawValue))
            nftnl_expr_set_u8(object, UInt16(NFTNL_EXPR_REJECT_CODE), 0)
        case .counter:
            break
        case .update(let set, let key, let data, let timeoutSeconds):
            put(NFTNL_EXPR_DYNSET_OP, UInt32(NFT_DYNSET_OP_UPDATE.rawValue))
            put(NFTNL_EXPR_DYNSET_SREG_KEY, number(key))
            put(NFTNL_EXPR_DYNSET_SREG_DATA, number(data))
            nftnl_expr_set_str(object, UInt16(NFTNL_EXPR_DYNSET_SET_NAME), set)
            if let timeoutSeconds {
                nftnl_expr_set_u64(object, UInt16(NFTNL_EXPR_DYNSET_TIMEOUT), UInt64(timeoutSeconds) * 1000)
            }
        case .delete(let set, let key, let data):
            put(NFTNL_EXPR_DYNSET_OP, UInt32(NFT_DYNSET_OP_DELETE.rawValue))
            put(NFTNL_EXPR_DYNSET_SREG_KEY, number(key))
            put(NFTNL_EXPR_DYNSET_SREG_DATA, number(data))
            nftnl_expr_set_str(object, UInt16(NFTNL_EXPR_DYNSET_SET_NAME), set)
        }
        return object
    }

    /// The kernel's name of the expression.
    private var name: String {
        switch self {
        case .payload: "payload"
        case .meta, .setMeta: "meta"
        case .conntrack: "ct"
        case .sourceType, .destinationType: "fib"
        case .random: "numgen"
        case .bitwise: "bitwise"
        case .compare: "cmp"
        case .immediate, .verdict: "immediate"
        case .lookup: "lookup"
        case .nat: "nat"
        case .masquerade: "masq"
        case .reject, .reset: "reject"
        case .counter: "counter"
        case .update, .delete: "dynset"
        }
    }
}

extension NFTables.PayloadBase {
    fileprivate var number: UInt32 {
        switch self {
        case .network: UInt32(NFT_PAYLOAD_NETWORK_HEADER.rawValue)
        case .transport: UInt32(NFT_PAYLOAD_TRANSPORT_HEADER.rawValue)
        }
    }
}

extension NFTables.MetaKey {
    fileprivate var number: UInt32 {
        switch self {
        case .transport: UInt32(NFT_META_L4PROTO.rawValue)
        case .inputName: UInt32(NFT_META_IIFNAME.rawValue)
        case .outputName: UInt32(NFT_META_OIFNAME.rawValue)
        case .mark: UInt32(NFT_META_MARK.rawValue)
        }
    }
}

extension NFTables.ConntrackKey {
    fileprivate var number: UInt32 {
        switch self {
        case .state: UInt32(NFT_CT_STATE.rawValue)
        case .status: UInt32(NFT_CT_STATUS.rawValue)
        }
    }
}
