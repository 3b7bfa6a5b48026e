import Glibc
import Linux
import TestSupport
import Testing

@testable import Kubelet

@Suite struct AtomicFilesTests {
    private func inDirectory(_ body: (String) throws -> Void) throws {
        var template = Array("\(temporaryDirectory)/swiftlet-files-XXXXXX".utf8CString)
        let directory = mkdtemp(&template).map { String(cString: $0) }
        let path = try #require(directory)
        defer { try? TreeRemoval.remove(path) }
        try body(path)
    }

    private func files(_ texts: [String: String]) -> VolumeFiles {
        VolumeFiles(files: texts.mapValues { VolumeFiles.File(bytes: Array($0.utf8), mode: 0o644) })
    }

    private func link(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 256)
        let count = readlink(path, &buffer, buffer.count - 1)
        return count < 0 ? nil : String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func text(_ path: String) -> String? {
        var path = path
        // The reader refuses links; what a container sees is behind one.
        path =
            realpath(path, nil).map { pointer in
                defer { free(pointer) }
                return String(cString: pointer)
            } ?? path
        return FileOperations.read(path, limit: 100).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func namesLeadThroughDataWhichIsSwapped() throws {
        try inDirectory { directory in
            let volume = AtomicFiles(directory: directory)
            try volume.write(files(["a": "1", "b": "1"]), owner: nil)
            let first = link("\(directory)/..data")
            #expect(link("\(directory)/a") == "..data/a")
            // Whoever has the old set open keeps it.
            let held = open("\(directory)/a", O_RDONLY)
            defer { close(held) }
            try volume.write(files(["a": "2", "c": "2"]), owner: nil)
            #expect(link("\(directory)/..data") != first)
            #expect(text("\(directory)/a") == "2")
            #expect(text("\(directory)/c") == "2")
            #expect(link("\(directory)/b") == nil)
            var byte: UInt8 = 0
            #expect(read(held, &byte, 1) == 1 && byte == UInt8(ascii: "1"))
            #expect(
                Set(FileOperations.names(in: directory)) == ["..data", link("\(directory)/..data") ?? "", "a", "c"])
        }
    }

    /// A combining mark behind a slash makes one character with it; to the kernel it begins the next name.
    @Test func pathsAreReadAsTheKernelReadsThem() throws {
        try inDirectory { directory in
            let volume = AtomicFiles(directory: directory + "/\u{301}volume/\u{301}deep")
            let paths = ["d/\u{301}a", "e/\u{301}f/\u{301}g"]
            try volume.write(files([paths[0]: "1", paths[1]: "2"]), owner: nil)
            for (path, value) in zip(paths, ["1", "2"]) { #expect(text("\(volume.directory)/\(path)") == value) }
            #expect(link("\(volume.directory)/d") == "..data/d")
        }
    }

    @Test func aGroupMayReadAllAndPassesItselfOn() throws {
        try inDirectory { directory in
            let secret = VolumeFiles.File(bytes: [1], mode: 0o400, user: geteuid())
            let files = VolumeFiles(files: ["a": secret, "d/e/b": secret])
            func mode(_ path: String) -> mode_t {
                var status = stat()
                return stat("\(directory)/\(path)", &status) == 0 ? status.st_mode & 0o7777 : 0
            }
            try AtomicFiles(directory: directory + "/open").write(files, owner: nil)
            #expect(["open/a", "open/d"].map(mode) == [0o400, 0o755])
            try AtomicFiles(directory: directory + "/group").write(files, owner: getegid())
            #expect(["group/a", "group/d/e/b"].map(mode) == [0o440, 0o440])
            #expect(["group", "group/..data", "group/d", "group/d/e"].map(mode) == Array(repeating: 0o2755, count: 4))
        }
    }

    /// As an earlier version left them, or one that was killed in between.
    @Test func rightsAndNamesAreMendedToo() throws {
        try inDirectory { directory in
            let volume = AtomicFiles(directory: directory)
            try volume.write(files(["a": "1"]), owner: nil)
            var wanted = files(["a": "1"])
            wanted.files["a"]?.mode = 0o400
            try volume.write(wanted, owner: nil)
            var status = stat()
            #expect(stat("\(directory)/a", &status) == 0 && status.st_mode & 0o777 == 0o400)
            let payload = link("\(directory)/..data")
            #expect(unlink("\(directory)/a") == 0)
            try volume.write(wanted, owner: nil)
            #expect(text("\(directory)/a") == "1" && link("\(directory)/..data") == payload)
        }
    }

    @Test func whatHasNotChangedIsLeftAlone() throws {
        try inDirectory { directory in
            let volume = AtomicFiles(directory: directory)
            try volume.write(files(["d/a": "1", "d/b": "1"]), owner: nil)
            let first = link("\(directory)/..data")
            try volume.write(files(["d/a": "1", "d/b": "1"]), owner: nil)
            #expect(link("\(directory)/..data") == first)
            try volume.write(files(["d/a": "1"]), owner: nil)
            #expect(text("\(directory)/d/a") == "1")
            #expect(text("\(directory)/d/b") == nil)
        }
    }
}
