import CRI
import JSONTree
import Linux
import OCI

/// The devices that files of this node describe (Container Device Interface). The directories are read anew for each container that asks for such a device, since
/// the files come and go with drivers.
struct DeviceFiles: Sendable {
    /// What is of one file.
    private struct Place: Sendable {
        var file: String
        var edits: ContainerEdits
        var common: ContainerEdits
    }

    /// Most files of a directory that are looked at, and bytes of each.
    private static let fileLimit = 1_000
    private static let byteLimit = 4 << 20

    private let directories: [String]
    /// By qualified name, those of the last directory that has it.
    private var places: [String: [Place]] = [:]
    /// What is wrong with files that could not be read, each a sentence.
    private(set) var problems: [String] = []

    /// Blocks.
    /// - Parameter directories: a later one's devices take the place of those of an earlier one by the same names. One that is not there has none.
    init(directories: [String]) {
        self.directories = directories
        for directory in directories {
            guard let names = try? OpenDirectory(directory).names(limit: Self.fileLimit) else { continue }
            var files: [(path: String, bytes: [UInt8])] = []
            for name in names.sorted() where name.hasSuffix(".json") || name.hasSuffix(".yaml") {
                let path = directory + "/" + name
                do throws(KernelError) {
                    files.append((path, try WholeFile.read(path, limit: Self.byteLimit)))
                } catch {
                    problems.append("\(path): \(error)")
                }
            }
            add(files)
        }
    }

    /// - Parameter directories: the files of each, with their paths.
    init(directories: [[(path: String, bytes: [UInt8])]]) {
        self.directories = []
        for files in directories { add(files) }
    }

    private mutating func add(_ files: [(path: String, bytes: [UInt8])]) {
        var found: [String: [Place]] = [:]
        for file in files {
            do {
                let specification = try DeviceSpecification(try Self.value(file.path, file.bytes), file: file.path)
                for (name, edits) in specification.devices {
                    found["\(specification.kind)=\(name)", default: []].append(
                        Place(file: file.path, edits: edits, common: specification.common))
                }
            } catch let error as OCIError {
                problems.append(error.description)
            } catch {
                problems.append("\(file.path): \(error)")
            }
        }
        places.merge(found) { _, later in later }
    }

    private static func value(_ path: String, _ bytes: [UInt8]) throws -> JSONValue {
        if path.hasSuffix(".json") { return try JSONValue(parsing: bytes) }
        let documents = try YAML.documents(in: bytes)
        guard documents.count == 1 else {
            throw OCIError.field(file: path, field: "", cause: "it must hold one document")
        }
        return documents[0]
    }

    /// In the order in which they are to be made: a file's common ones before those of the first of its devices.
    /// - Parameter object: whose devices these are, for messages.
    func edits(for names: [String], object: String) throws(CRIError) -> [DeviceEdits.Source] {
        var sources: [DeviceEdits.Source] = []
        var files: Set<String> = []
        for name in names {
            guard let found = places[name], let place = found.first else {
                throw .invalid("\(object): device \(name) is in no file of \(searched)" + complaint)
            }
            guard found.count == 1 else {
                throw .invalid("\(object): device \(name) is in \(found.map(\.file).joined(separator: " and "))")
            }
            let purpose = "\(object): device \(name) of \(place.file)"
            if files.insert(place.file).inserted { sources.append(.init(purpose: purpose, edits: place.common)) }
            sources.append(.init(purpose: purpose, edits: place.edits))
        }
        return sources
    }

    private var searched: String { directories.joined(separator: " and ") }
    private var complaint: String {
        problems.isEmpty ? "" : "; not read: " + problems.prefix(3).joined(separator: "; ")
    }

    // MARK: Names

    private static let annotationPrefix = "cdi.k8s.io/"

    /// What a container asks for: by the CRI's own field, and by annotations `cdi.k8s.io/…` that hold names between commas. Each once.
    static func names(_ config: ContainerConfig) throws(CRIError) -> [String] {
        let annotated = config.annotations.filter { $0.key.hasPrefix(annotationPrefix) }.sorted { $0.key < $1.key }
        let all = config.namedDevices + annotated.flatMap { $0.value.split(separator: ",").map(String.init) }
        var seen: Set<String> = []
        for name in all where !DeviceName.isQualified(name) {
            throw .invalid("container \(config.metadata.name): \"\(name)\" is no name of a device: VENDOR/CLASS=DEVICE")
        }
        return all.filter { seen.insert($0).inserted }
    }
}
