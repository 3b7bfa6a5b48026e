import Linux

/// Where a layer's member belongs: the directory that holds it and its name there. A pure reading of the member's path.
struct LayerPath: Sendable, Hashable {
    static let depthLimit = 256

    /// Beneath the layer's top, `.` for the top itself.
    let parent: String
    let name: String

    /// What a member's path means.
    enum Meaning: Sendable, Hashable {
        /// The top directory's own attributes.
        case top
        case member(LayerPath)
        /// `name` is gone from the layers beneath.
        case whiteout(LayerPath)
        /// All that layers beneath have in this directory is gone.
        case opaque(parent: String)
        /// Marks of an older union filesystem, which mean nothing here.
        case nothing
    }

    /// By bytes: names that only look alike are two.
    static func == (a: LayerPath, b: LayerPath) -> Bool {
        a.parent.utf8.elementsEqual(b.parent.utf8) && a.name.utf8.elementsEqual(b.name.utf8)
    }

    func hash(into hasher: inout Hasher) {
        for part in [parent, name] {
            for byte in part.utf8 { hasher.combine(byte) }
            hasher.combine(UInt8(0))
        }
    }

    var description: String { parent == "." ? name : parent + "/" + name }

    /// Nil where the path cannot be one of a layer: it climbs with `..`, is too deep or names nothing.
    static func read(_ path: String) -> Meaning? {
        guard let components = components(path) else { return nil }
        guard let name = components.last else { return .top }
        let parent = components.count == 1 ? "." : components.dropLast().joined(separator: "/")
        if name == ".wh..wh..opq" { return .opaque(parent: parent) }
        if name.hasPrefix(".wh..wh.") { return .nothing }
        guard name.hasPrefix(".wh.") else { return .member(LayerPath(parent: parent, name: name)) }
        let hidden = String(name.dropFirst(".wh.".count))
        guard !hidden.isEmpty, hidden != ".", hidden != ".." else { return nil }
        return .whiteout(LayerPath(parent: parent, name: hidden))
    }

    /// A hard link's target, which must be a plain member.
    static func target(_ path: String) -> LayerPath? {
        guard case .member(let target) = read(path) else { return nil }
        return target
    }

    /// Where a link in the directory `parent` leads, without climbing out of the top; nil where it is too deep.
    static func join(_ target: String, to parent: String) -> String? {
        var result = target.isAbsolutePath ? [] : parent.pathComponents
        for component in target.pathComponents where component != "." {
            if component == ".." { _ = result.popLast() } else { result.append(component) }
        }
        return result.count <= depthLimit ? result.joined(separator: "/") : nil
    }

    /// Without the leading slash, dots and doubled slashes; nil where it climbs or is too deep.
    private static func components(_ path: String) -> [String]? {
        let components = path.pathComponents.filter { $0 != "." }
        guard components.count <= depthLimit, !components.contains("..") else { return nil }
        return components
    }
}
