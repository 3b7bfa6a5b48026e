/// Builds JSON values from YAML events. Recursion ends at the depth limit, repetition by aliases at its own.
struct YAMLComposer: ~Copyable {
    /// A value, with what it costs to repeat it.
    private struct Node {
        var value: JSONValue
        var count = 1
        /// Of text, keys included.
        var bytes = 0
        var depth = 0

        /// Counts a part in, but for its depth.
        mutating func add(_ part: Node) {
            count += part.count
            bytes += part.bytes
        }
    }

    private var events: YAMLEvents
    private let limits: YAML.Limits
    private var anchors: [String: Node] = [:]
    /// What aliases have repeated so far.
    private var aliased = Node(value: .null, count: 0)
    private var depth = 0
    /// Paths of repeated keys, each from the key outward.
    private(set) var duplicates: [[DuplicateKey.Step]] = []

    init(_ bytes: UnsafeBufferPointer<UInt8>, limits: YAML.Limits) {
        events = YAMLEvents(bytes)
        self.limits = limits
    }

    mutating func documents() throws(YAMLError) -> [JSONValue] {
        var documents: [JSONValue] = []
        while true {
            switch try events.next() {
            case .streamEnd: return documents
            case .documentStart:
                anchors = [:]
                let node = try node(from: try events.next())
                if !node.value.isNull { documents.append(node.value) }
            default: continue
            }
        }
    }

    private mutating func node(from event: YAMLEvents.Event) throws(YAMLError) -> Node {
        switch event {
        case .alias(let name): return try repeated(name)
        case .scalar(let scalar, let anchor):
            return register(
                Node(value: try scalar.value(line: events.line), bytes: scalar.text.utf8.count), anchor)
        case .sequenceStart(let anchor): return register(try sequence(), anchor)
        case .mappingStart(let anchor): return register(try mapping(), anchor)
        default: throw YAMLError("a value is missing", line: events.line)
        }
    }

    private mutating func register(_ node: Node, _ anchor: String?) -> Node {
        if let anchor { anchors[anchor] = node }
        return node
    }

    private mutating func repeated(_ name: String) throws(YAMLError) -> Node {
        guard let node = anchors[name] else { throw YAMLError("no anchor is named \(name)", line: events.line) }
        aliased.add(node)
        guard aliased.count <= limits.maximumAliasedValues else {
            throw YAMLError("aliases repeat more than \(limits.maximumAliasedValues) values", line: events.line)
        }
        guard aliased.bytes <= limits.maximumAliasedBytes else {
            throw YAMLError("aliases repeat more than \(limits.maximumAliasedBytes) bytes", line: events.line)
        }
        try checkDepth(depth + node.depth)
        return node
    }

    private func checkDepth(_ depth: Int) throws(YAMLError) {
        guard depth <= limits.maximumDepth else {
            throw YAMLError("nested deeper than \(limits.maximumDepth) levels", line: events.line)
        }
    }

    private mutating func sequence() throws(YAMLError) -> Node {
        depth += 1
        defer { depth -= 1 }
        try checkDepth(depth)
        var elements: [JSONValue] = []
        var result = Node(value: .null, depth: 1)
        while true {
            let event = try events.next()
            if case .sequenceEnd = event { break }
            let known = duplicates.count
            let node = try node(from: event)
            extendDuplicates(from: known, with: .index(elements.count))
            elements.append(node.value)
            result.add(node)
            result.depth = max(result.depth, node.depth + 1)
        }
        result.value = .array(elements)
        return result
    }

    private mutating func mapping() throws(YAMLError) -> Node {
        depth += 1
        defer { depth -= 1 }
        try checkDepth(depth)
        var members: [String: JSONValue] = [:]
        var inherited: [JSONObject] = []
        var result = Node(value: .null, depth: 1)
        while true {
            let event = try events.next()
            if case .mappingEnd = event { break }
            let (key, isMerge) = try key(from: event)
            let known = duplicates.count
            let node = try node(from: try events.next())
            extendDuplicates(from: known, with: .key(key))
            result.add(node)
            result.bytes += key.utf8.count
            result.depth = max(result.depth, node.depth + 1)
            if isMerge {
                inherited += try mergedObjects(node.value)
            } else if members.updateValue(node.value, forKey: key) != nil, duplicates.count < 64 {
                duplicates.append([.key(key)])
            }
        }
        for object in inherited {
            for member in object.members where members[member.key] == nil { members[member.key] = member.value }
        }
        result.value = .object(JSONObject(members.lazy.map { ($0.key, $0.value) }))
        return result
    }

    private mutating func key(from event: YAMLEvents.Event) throws(YAMLError) -> (key: String, isMerge: Bool) {
        switch event {
        case .scalar(let scalar, let anchor):
            let key = try scalar.key(line: events.line)
            _ = register(Node(value: .string(key), bytes: key.utf8.count), anchor)
            return (key, scalar.isPlain && scalar.text == "<<")
        case .alias(let name):
            guard case .string(let key) = try repeated(name).value else { fallthrough }
            return (key, false)
        default: throw YAMLError("a key must be a scalar", line: events.line)
        }
    }

    /// What `<<:` brings in: an object, or several of which the first wins.
    private func mergedObjects(_ value: JSONValue) throws(YAMLError) -> [JSONObject] {
        switch value {
        case .object(let object): return [object]
        case .array(let elements):
            let objects = elements.compactMap(\.object)
            guard objects.count == elements.count else { fallthrough }
            return objects
        default: throw YAMLError("'<<' must name a mapping or a list of mappings", line: events.line)
        }
    }

    private mutating func extendDuplicates(from first: Int, with step: DuplicateKey.Step) {
        for index in first..<duplicates.count { duplicates[index].append(step) }
    }
}
