import Linux

/// Where a layer's member belongs: the directory that holds it and its name there. A pure reading of the member's path.
struct LayerPath: Sendable, Hashable {
    static let depthLimit = 256

    /// Beneath the layer's top, `.` for the top itself.
    let parent: FilePath
    let name: FilePath

    /// What a member's path means.
    enum Meaning: Sendable, Hashable {
        /// The top directory's own attributes.
        case top
        case member(LayerPath)
        /// `name` is gone from the layers beneath.
        case whiteout(LayerPath)
        /// All that layers beneath have in this directory is gone.
        case opaque(parent: FilePath)
        /// Marks of an older union filesystem, which mean nothing here.
        case nothing
    }

    var whole: FilePath { parent == "." ? name : parent / name }

    /// Nil where the path cannot be one of a layer: it climbs with `..`, is too deep or names nothing.
    static func read(_ path: FilePath) -> Meaning? {
        guard let components = components(path) else { return nil }
        guard let name = components.last else { return .top }
        let parent = FilePath(components.dropLast())
        if name == ".wh..wh..opq" { return .opaque(parent: parent) }
        if name.starts(with: ".wh..wh.") { return .nothing }
        guard name.starts(with: ".wh.") else { return .member(LayerPath(parent: parent, name: name)) }
        let hidden = name.dropFirst(".wh.".utf8.count)
        guard hidden.count > 0, !hidden.isDots else { return nil }
        return .whiteout(LayerPath(parent: parent, name: hidden))
    }

    /// A hard link's target, which must be a plain member.
    static func target(_ path: FilePath) -> LayerPath? {
        guard case .member(let target) = read(path) else { return nil }
        return target
    }

    /// Where a link in the directory `parent` leads, without climbing out of the top; nil where it is too deep.
    static func join(_ target: FilePath, to parent: FilePath) -> FilePath? {
        var result: [FilePath] = []
        for component in (target.isAbsolute ? [] : parent.namedComponents) + target.namedComponents {
            if component == ".." { _ = result.popLast() } else { result.append(component) }
        }
        return result.count <= depthLimit ? FilePath(result) : nil
    }

    /// Without the leading slash, dots and doubled slashes; nil where it climbs or is too deep.
    private static func components(_ path: FilePath) -> [FilePath]? {
        let components = path.namedComponents
        guard components.count <= depthLimit, !components.contains("..") else { return nil }
        return components
    }
}
