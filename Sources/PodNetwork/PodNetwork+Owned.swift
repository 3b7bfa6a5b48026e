import Glibc
import Linux

/// What an instance owns in the kernel of the calling thread's network namespace.
package struct OwnedNetworkObjects: Hashable, Sendable {
    package var links: [String]
    package var tables: [String]
    /// Networks of other nodes' pods that a route leads to.
    package var routes: [String]

    package init(links: [String] = [], tables: [String] = [], routes: [String] = []) {
        self.links = links
        self.tables = tables
        self.routes = routes
    }

    package var isEmpty: Bool { links.isEmpty && tables.isEmpty && routes.isEmpty }
}

/// These work without a running daemon: the names say what is ours. They block for as long as the kernel needs: call them
/// where blocking is allowed.
extension PodNetwork {
    /// The links and tables that bear the instance's name, pods' and services' alike, in order of their names, and its routes.
    package static func owned(instance: InstanceName) throws(PodNetworkError) -> OwnedNetworkObjects {
        let links: [Link]
        let routes: [Route]
        do throws(NetlinkError) {
            let socket = try RouteSocket()
            links = try socket.links()
            routes = try ownedRoutes(instance, socket)
        } catch {
            throw .kernel(sandbox: nil, error)
        }
        let tables: [String]
        do throws(NFTablesError) {
            tables = try KernelNFTables().tables()
        } catch {
            throw .rules(error)
        }
        return OwnedNetworkObjects(
            links: links.map(\.name).filter { $0.hasPrefix(instance.linkPrefix) }.sorted(),
            tables: tables.filter { $0 == instance.podTable || $0.hasPrefix(instance.podTable + "-") }.sorted(),
            routes: routes.map(\.destination.description).sorted())
    }

    /// Deletes all of it, restores the host's forwarding if we had changed it, and forgets the addresses on disk.
    package static func removeAll(instance: InstanceName, stateDirectory: String) throws(PodNetworkError) {
        let owned = try owned(instance: instance)
        for table in owned.tables {
            do throws(NFTablesError) {
                try KernelNFTables().apply(.init(table: table, [.deleteTable]))
            } catch {
                throw .rules(error)
            }
        }
        do throws(NetlinkError) {
            let socket = try RouteSocket()
            for route in try ownedRoutes(instance, socket) { try deleteIfPresent(route, socket) }
        } catch {
            throw .kernel(sandbox: nil, error)
        }
        for link in owned.links {
            do throws(NetlinkError) {
                try LinkRemover.deleteIfPresent(link)
            } catch {
                throw .kernel(sandbox: nil, error)
            }
        }
        guard access(stateDirectory, F_OK) == 0 else { return }
        try NodeLink.restoreForwarding(stateDirectory: stateDirectory)
        let directory = try AddressDirectory(path: stateDirectory)
        try directory.clear()
        guard rmdir(stateDirectory) == 0 || errno == ENOTEMPTY else {
            throw .state(operation: "remove", path: stateDirectory, code: errno)
        }
    }

    /// What keeps pods' packets from passing through this host and is not ours to change: firewalls that drop what they do
    /// not know. Each as a sentence for people; empty where there is none.
    package static func obstacles(instance: InstanceName) throws(PodNetworkError) -> [String] {
        do throws(NFTablesError) {
            return try KernelNFTables().droppingForwardChains().map {
                "nftables chain \"\($0)\" drops forwarded packets by default: accept those from and to links "
                    + "\"\(instance.linkPrefix)*\" there"
            }
        } catch {
            throw .rules(error)
        }
    }
}
