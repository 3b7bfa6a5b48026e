import Glibc
import Linux
import Synchronization

/// A file system whose server says nothing: whoever looks a name up in it waits until it is killed. One that is served answers for its root alone, and has
/// read what it does not answer: then the kernel cannot end who waits.
final class HungVolume: Sendable {
    let path: String
    private let server: SharedDescriptor
    private let names = Mutex(0)
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// Nil where the kernel has no FUSE.
    init?(at path: String) throws {
        guard let server = try? Descriptor.open("/dev/fuse", O_RDWR) else { return nil }
        self.path = path
        self.server = SharedDescriptor(server)
        mkdir(path, 0o700)
        let options = try self.server.withRaw { "fd=\($0),rootmode=40000,user_id=0,group_id=0" }
        guard mount("hung", path, "fuse", UInt(MS_NOSUID | MS_NODEV), options) == 0 else {
            throw KernelError("mount", path)
        }
    }

    /// How many names are looked up.
    var lookups: Int { names.withLock { $0 } }

    func serve() {
        let serving = Task {
            while !Task.isCancelled {
                if !answerNext() { try? await Task.sleep(for: .milliseconds(1)) }
            }
        }
        task.withLock { $0 = serving }
    }

    /// False where nothing is asked.
    private func answerNext() -> Bool {
        var request = [UInt8](repeating: 0, count: 1 << 17)
        let got =
            (try? server.withRaw { server -> Int in
                var ready = pollfd(fd: server, events: Int16(POLLIN), revents: 0)
                return poll(&ready, 1, 0) == 1 ? read(server, &request, request.count) : 0
            }) ?? 0
        guard got >= 40 else { return false }
        let (operation, unique) = request.withUnsafeBytes {
            ($0.load(fromByteOffset: 4, as: UInt32.self), $0.load(fromByteOffset: 8, as: UInt64.self))
        }
        switch operation {
        case 1: names.withLock { $0 += 1 }  // FUSE_LOOKUP
        case 2, 36: break  // FUSE_FORGET, FUSE_INTERRUPT
        case 3: answer(unique, Self.rootAttributes)  // FUSE_GETATTR
        case 26:  // FUSE_INIT; FUSE_PARALLEL_DIROPS, or each look-up would wait for the one before
            answer(unique, [7, 31, 0, 1 << 18, 0, 4096] + [UInt32](repeating: 0, count: 10))
        default: answer(unique, [], error: -ENOSYS)
        }
        return true
    }

    /// `fuse_attr_out`: for long, a directory.
    private static var rootAttributes: [UInt32] {
        var words = [UInt32](repeating: 0, count: 26)
        words[0] = 1 << 20
        words[4] = 1  // its number
        words[19] = UInt32(S_IFDIR) | 0o755
        words[20] = 2
        words[24] = 4096
        return words
    }

    private func answer(_ unique: UInt64, _ words: [UInt32], error: Int32 = 0) {
        let header = [
            UInt32(16 + 4 * words.count), UInt32(bitPattern: error), UInt32(truncatingIfNeeded: unique),
            UInt32(unique >> 32),
        ]
        _ = try? server.withRaw { server in (header + words).withUnsafeBytes { write(server, $0.baseAddress, $0.count) }
        }
    }

    /// Who waits gets an error.
    func fail() {
        task.withLock { $0?.cancel() }
        server.close()
    }

    func end() {
        fail()
        umount2(path, Int32(MNT_DETACH))
    }
}
