import Glibc

/// The repository's own text, read for the house rules.
struct SourceTree {
    struct File {
        /// Relative to the repository.
        let path: String
        let lines: [Substring]

        var module: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }
    }

    static let root: String = {
        let parts = #filePath.split(separator: "/")
        return "/" + parts.dropLast(3).joined(separator: "/")
    }()

    /// Every Swift file under the folder.
    static func swiftFiles(in folder: String) -> [File] {
        var files: [File] = []
        var pending = [folder]
        while let next = pending.popLast() {
            for name in names(in: "\(root)/\(next)").sorted() {
                let path = "\(next)/\(name)"
                var status = stat()
                guard lstat("\(root)/\(path)", &status) == 0 else { continue }
                if status.st_mode & S_IFMT == S_IFDIR { pending.append(path) }
                if status.st_mode & S_IFMT == S_IFREG, name.hasSuffix(".swift") {
                    let text = read("\(root)/\(path)")
                    files.append(File(path: path, lines: text.split(separator: "\n", omittingEmptySubsequences: false)))
                }
            }
        }
        return files
    }

    static func read(_ path: String) -> String {
        guard let file = fopen(path, "re") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }
}
