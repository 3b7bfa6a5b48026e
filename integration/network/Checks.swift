import Glibc
import Linux

struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Counts what held and what did not.
final class Checks {
    private(set) var passed = 0
    private(set) var failed = 0

    func expect(_ name: String, _ isTrue: Bool, _ seen: @autoclosure () -> String = "") {
        if isTrue {
            passed += 1
            print("ok    \(name)")
        } else {
            failed += 1
            print("FAIL  \(name): \(seen())")
        }
        fflush(nil)
    }

    func expect(_ name: String, _ seen: String, _ wanted: String) {
        expect(name, seen == wanted, "saw \"\(seen)\", wanted \"\(wanted)\"")
    }
}

/// The addresses and namespaces of one run.
struct Scene {
    let run: String
    let state: String

    static let uplink = IPv4Address(192, 0, 2, 1)
    static let outside = IPv4Address(192, 0, 2, 2)

    var host: String { "\(run)-host" }
    var out: String { "\(run)-out" }
    func pod(_ name: String) -> String { "\(run)-\(name)" }
}
