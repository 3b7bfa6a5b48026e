import CNetlink

extension KernelNFTables {
    /// The base chains of any table that drop forwarded IPv4 packets which no rule of theirs accepts, as
    /// `FAMILY TABLE CHAIN`. Rules of ours cannot overrule such a chain: its owner must let pods' packets pass.
    package func droppingForwardChains() throws(NFTablesError) -> [String] {
        try dump(NFT_MSG_GETCHAIN, family: UInt8(NFPROTO_UNSPEC)).compactMap { message in
            guard let header = message.extra(as: nfgenmsg.self),
                let family = Self.families[CInt(header.nfgen_family)]
            else { return nil }
            let attributes = message.attributes(after: MemoryLayout<nfgenmsg>.size)
            let hook = attributes.nested(Int(NFTA_CHAIN_HOOK.rawValue))?.bigEndian(Int(NFTA_HOOK_HOOKNUM.rawValue))
            guard hook == 2, attributes.bigEndian(Int(NFTA_CHAIN_POLICY.rawValue)) == UInt32(NF_DROP),
                let table = attributes.string(Int(NFTA_CHAIN_TABLE.rawValue)),
                let chain = attributes.string(Int(NFTA_CHAIN_NAME.rawValue))
            else { return nil }
            return "\(family) \(table) \(chain)"
        }
    }

    /// The families that see IPv4 packets.
    private static let families: [CInt: String] = [CInt(NFPROTO_IPV4): "ip", CInt(NFPROTO_INET): "inet"]
}
