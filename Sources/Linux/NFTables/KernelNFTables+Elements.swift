import CNetlink
import Glibc

extension KernelNFTables {
    /// One element of a set or a map, as the kernel keeps it: each part of the key and of the data padded to four bytes.
    package struct StoredElement: Hashable, Sendable {
        package let key: [UInt8]
        /// Empty in a set.
        package let data: [UInt8]
    }

    /// The elements of one set or map of the `ip` family; none where it is not there.
    package func elements(of set: String, in table: String) throws(NFTablesError) -> [StoredElement] {
        let names = [(Int(NFTA_SET_ELEM_LIST_TABLE.rawValue), table), (Int(NFTA_SET_ELEM_LIST_SET.rawValue), set)]
        do throws(NFTablesError) {
            return try dump(NFT_MSG_GETSETELEM, family: UInt8(NFPROTO_IPV4), names: names).flatMap(Self.elements)
        } catch  where error.code == ENOENT {
            return []
        }
    }

    private static func elements(_ message: NetlinkMessage) -> [StoredElement] {
        let attributes = message.attributes(after: MemoryLayout<nfgenmsg>.size)
        guard let list = attributes[Int(NFTA_SET_ELEM_LIST_ELEMENTS.rawValue)] else { return [] }
        return NetlinkAttributes.all(list).compactMap { _, bytes in
            let element = NetlinkAttributes(bytes)
            guard let key = value(element.nested(Int(NFTA_SET_ELEM_KEY.rawValue))) else { return nil }
            return StoredElement(key: key, data: value(element.nested(Int(NFTA_SET_ELEM_DATA.rawValue))) ?? [])
        }
    }

    private static func value(_ data: NetlinkAttributes?) -> [UInt8]? {
        data?[Int(NFTA_DATA_VALUE.rawValue)].map(Array.init)
    }
}
