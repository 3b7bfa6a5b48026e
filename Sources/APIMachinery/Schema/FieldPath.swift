/// Where in an object something is. Cheap to extend and to shorten; made into text only for a message.
package struct FieldPath: Sendable, Hashable {
    package enum Step: Sendable, Hashable {
        case field(String)
        case index(Int)
        /// A key of a map, which prints in brackets.
        case key(String)
    }

    package private(set) var steps: [Step] = []
    private let prefix: String

    /// `prefix` stands before all that follows, as it is.
    package init(_ prefix: String = "") {
        self.prefix = prefix
        steps.reserveCapacity(16)
    }

    package mutating func push(_ step: Step) {
        steps.append(step)
    }

    package mutating func pop() {
        _ = steps.popLast()
    }

    package mutating func replaceLast(_ step: Step) {
        _ = steps.popLast()
        steps.append(step)
    }
}

extension FieldPath: CustomStringConvertible {
    /// `spec.containers[0].resources.limits[cpu]`.
    package var description: String {
        var text = prefix
        for step in steps {
            switch step {
            case .field(let name): text += text.isEmpty ? name : ".\(name)"
            case .index(let index): text += "[\(index)]"
            case .key(let key): text += "[\(key)]"
            }
        }
        return text
    }
}
