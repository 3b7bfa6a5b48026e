import Glibc
import Linux
import PodNetwork

/// A pod that says it is a router, as root in a container may (CAP_NET_RAW), is not believed.
func checkRouters(_ scene: Scene, _ checks: Checks, _ network: PodNetwork, _ pod: PodAddress) async throws {
    let setting = NetworkSysctl("ipv6/conf/\(pod.hostLink)/disable_ipv6")
    guard try inside(scene.host, { try? setting.read() }) != nil else {
        print("skip  a pod that says it is a router: this kernel has no IPv6")
        return
    }
    let router = try inside(scene.pod("a")) { Router(link: "eth0") }
    guard eventually({ router.advertise() }) else { throw Failure("no advertisement: errno \(errno)") }
    // What was sent before has come before this.
    checks.expect("pod to host after it", try ask(from: scene.pod("a"), pod.gateway, 9000), "host \(pod.address)")
    checks.expect("a pod that says it is a router is not believed", try !believes(scene))
    _ = try inside(scene.host) { try? setting.write("0") }
    let isHeard = try eventually {
        _ = router.advertise()
        return try believes(scene)
    }
    checks.expect("where its link has IPv6, it is", isHeard)
    try await network.repair()
    checks.expect("and no more once the network is repaired", try !believes(scene))
}

/// Whether the host has an address in the router's network.
private func believes(_ scene: Scene) throws -> Bool {
    try inside(scene.host) {
        // Of the thread that has entered, not of the process.
        guard let file = fopen("/proc/thread-self/net/if_inet6", "r") else { return false }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, 256, file) != nil {
            if strncmp(line, "20010db80bad", 12) == 0 { return true }
        }
        return false
    }
}

/// Up to ten seconds: a link's own address is not used before nobody else is found to have it.
private func eventually(_ isTrue: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<200 {
        if try isTrue() { return true }
        usleep(50_000)
    }
    return false
}

/// Advertises itself as the router of 2001:db8:bad::/64 (RFC 4861, 4.2).
private final class Router {
    private let descriptor: CInt
    private let link: UInt32

    /// In the calling thread's network namespace.
    init(link: String) {
        descriptor = socket(AF_INET6, CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue), CInt(IPPROTO_ICMPV6))
        self.link = if_nametoindex(link)
        var hops: CInt = 255
        setsockopt(
            descriptor, CInt(IPPROTO_IPV6), IPV6_MULTICAST_HOPS, &hops, socklen_t(MemoryLayout<CInt>.size))
    }

    deinit { close(descriptor) }

    /// Whether it was sent, from the link's own address.
    func advertise() -> Bool {
        let head: [UInt8] = [134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0]
        let prefix: [UInt8] = [3, 4, 64, 0xc0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x20, 1, 0x0d, 0xb8, 0x0b, 0xad]
        let bytes = head + prefix + [UInt8](repeating: 0, count: 10)
        var all = sockaddr_in6()
        all.sin6_family = sa_family_t(AF_INET6)
        all.sin6_scope_id = link
        withUnsafeMutableBytes(of: &all.sin6_addr) {
            $0.copyBytes(from: [0xff, 2] + [UInt8](repeating: 0, count: 13) + [1])
        }
        return withUnsafePointer(to: &all) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in6>.size)) == bytes.count
            }
        }
    }
}
