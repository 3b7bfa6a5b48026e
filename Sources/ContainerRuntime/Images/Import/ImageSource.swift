import CRI
import Glibc
import JSONTree
import Linux
import OCI

/// A directory that an image is to be made from: an OCI bundle, or a plain root directory.
struct ImageSource: Sendable, Hashable {
    /// The root directory, absolute.
    var root: String
    /// What the bundle says; empty for a plain directory.
    var configuration: ImageConfiguration

    /// Blocks.
    init(_ path: String) throws(CRIError) {
        guard path.hasPrefix("/") else {
            throw .invalid("\(path): give the absolute path of a bundle or a root directory")
        }
        guard Self.isDirectory(path) else {
            throw .invalid(
                "\(path): there is no such directory; give a bundle (config.json and rootfs) or a root directory")
        }
        let file = path + "/config.json"
        if access(file, F_OK) == 0 {
            let specification = try Self.specification(file)
            root = specification.rootPath.hasPrefix("/") ? specification.rootPath : path + "/" + specification.rootPath
            configuration = specification.imageConfiguration
            guard Self.isDirectory(root) else { throw .invalid("\(file): root.path: there is no directory \(root)") }
        } else if Self.isDirectory(path + "/rootfs") {
            throw .invalid(
                "\(path): the bundle has a rootfs but no config.json; write one (runc spec does), or add \(path)/rootfs as a plain root directory"
            )
        } else {
            root = path
            configuration = ImageConfiguration()
        }
        let names = try attempt("image source") { () throws(KernelError) in try OpenDirectory(root).names(limit: 1) }
        guard !names.isEmpty else { throw .invalid("\(root): the root directory is empty") }
    }

    private static func specification(_ file: String) throws(CRIError) -> RuntimeSpecification {
        do {
            return try RuntimeSpecification(JSONValue(parsing: try WholeFile.read(file, limit: 4 << 20)), file: file)
        } catch let error as OCIError {
            throw .invalid(error.description)
        } catch let error as KernelError {
            throw .invalid(error.description)
        } catch {
            throw .invalid("\(file): \(error)")
        }
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
