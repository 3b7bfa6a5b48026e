import Glibc

/// `cpu.weight` for the CPU shares of cgroup v1, which the OCI's and the CRI's resources are counted in.
package enum CPUWeight {
    /// 1...10,000: 2 shares give 1, 1,024 (one CPU) give the kernel's default of 100, 262,144 give 10,000, what is beyond counts as these. The curve
    /// between is that of runc 1.3.2 and crun 1.23; those before drew a line from end to end.
    package static func of(shares: UInt64) -> Int64 {
        let bits = log2(Double(min(max(shares, 2), 262_144)))
        let exponent = (bits * bits + 125 * bits) / 612 - 7.0 / 34.0
        return min(max(Int64(ceil(pow(10, exponent))), 1), 10_000)
    }
}
