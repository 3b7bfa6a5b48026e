import Glibc
import Linux

/// What an instance's pod network has on this host, in the kernel and on disk, found by its names alone. The uninstallation and the doctor look here.
package struct PodNetworkInventory: Hashable, Sendable {
    package struct Held: Hashable, Sendable {
        package var sandbox: String
        package var address: IPv4Address
        package var hasPorts: Bool

        package init(sandbox: String, address: IPv4Address, hasPorts: Bool = false) {
            self.sandbox = sandbox
            self.address = address
            self.hasPorts = hasPorts
        }
    }

    package var owned: OwnedNetworkObjects
    /// The addresses in use, as they are on disk.
    package var held: [Held]
    /// The pods' addresses that a route leads to.
    package var routed: Set<IPv4Address>
    /// The pods' addresses that ports of the node lead to.
    package var forwarded: Set<IPv4Address>

    package init(
        owned: OwnedNetworkObjects, held: [Held] = [], routed: Set<IPv4Address> = [],
        forwarded: Set<IPv4Address> = []
    ) {
        self.owned = owned
        self.held = held
        self.routed = routed
        self.forwarded = forwarded
    }

    /// Looks, in the calling thread's network namespace. Blocks for as long as the kernel needs.
    package init(instance: InstanceName, stateDirectory: String) throws(PodNetworkError) {
        self.init(owned: try PodNetwork.owned(instance: instance))
        if access(stateDirectory, F_OK) == 0 {
            held = try AddressDirectory(path: stateDirectory).load().map {
                Held(sandbox: $0.sandbox, address: $0.address, hasPorts: !$0.ports.isEmpty)
            }
        }
        do throws(NetlinkError) {
            let socket = try RouteSocket()
            let links = Set(try socket.links().filter { $0.name.hasPrefix(instance.linkPrefix) }.map(\.index))
            routed = Set(
                try socket.routes().filter { links.contains($0.link) && $0.destination.prefixLength == 32 }
                    .map(\.destination.address))
        } catch {
            throw .kernel(sandbox: nil, error)
        }
        do throws(NFTablesError) {
            let rules = KernelNFTables()
            for map in [HostPortTable.everywhere, HostPortTable.addressed]
            where owned.tables.contains(instance.podTable) {
                for element in try rules.elements(of: map.name, in: instance.podTable) {
                    if let address = IPv4Address(bytes: element.data.prefix(4)) { forwarded.insert(address) }
                }
            }
        } catch {
            throw .rules(error)
        }
    }
}

/// One thing of the pod network's on this host.
package enum NetworkLeftover: Hashable, Sendable {
    case link(String)
    case table(String)
    /// An address on disk, with the sandbox that it is held for.
    case address(IPv4Address, sandbox: String)
    /// A rule that leads a port of the node to the address.
    case forward(IPv4Address)
}

extension PodNetworkInventory {
    /// What is held for no sandbox in `holders`.
    package func strays(instance: InstanceName, holders: Set<String>) -> [NetworkLeftover] {
        let living = held.filter { holders.contains($0.sandbox) }.map(\.address)
        let links = owned.links.filter { link in
            link != instance.nodeLink && !living.contains { instance.isLink(link, of: $0) }
        }
        let tables = owned.tables.filter { $0 != instance.podTable && $0 != instance.serviceTable }
        return links.map { .link($0) } + tables.map { .table($0) }
            + held.filter { !holders.contains($0.sandbox) }.sorted { $0.address < $1.address }
            .map { .address($0.address, sandbox: $0.sandbox) }
            + forwarded.subtracting(living).sorted().map { .forward($0) }
    }

    /// The addresses whose pods run, as their links say.
    package func linked(instance: InstanceName) -> [IPv4Address] {
        held.map(\.address).filter { address in owned.links.contains { instance.isLink($0, of: address) } }.sorted()
    }

    /// What a sandbox with this address lacks; empty where it is whole.
    package func missing(_ address: IPv4Address, of sandbox: String, instance: InstanceName) -> [String] {
        var missing: [String] = []
        if !held.contains(where: { $0.sandbox == sandbox && $0.address == address }) { missing.append("its address") }
        if !owned.links.contains(where: { instance.isLink($0, of: address) }) { missing.append("its link") }
        if !routed.contains(address) { missing.append("its route") }
        return missing
    }
}

extension NetworkLeftover {
    /// Takes it away where no daemon runs; what is gone is as good. A rule stays for the daemon's start, which makes all rules anew.
    package func clear(stateDirectory: String) throws(PodNetworkError) {
        switch self {
        case .address(let address, _): try AddressDirectory(path: stateDirectory).remove(address)
        case .forward: break
        case .link(let name):
            do throws(NetlinkError) {
                try LinkRemover.deleteIfPresent(name)
            } catch {
                throw .kernel(sandbox: nil, error)
            }
        case .table(let name):
            do throws(NFTablesError) {
                try KernelNFTables().apply(.init(table: name, [.deleteTable]))
            } catch {
                throw .rules(error)
            }
        }
    }
}

extension InstanceName {
    /// Whether a link of this name can be that of the pod with this address, whatever the size of the node's pod network: the name ends with the
    /// address's place in it.
    func isLink(_ name: String, of address: IPv4Address) -> Bool {
        guard name.hasPrefix(linkPrefix + "p"), let offset = UInt32(name.dropFirst(linkPrefix.count + 1), radix: 16)
        else { return false }
        return (16...29).contains { address.value & (UInt32.max >> $0) == offset }
    }
}
