import JSONTree

/// Requirements on labels, all of which must hold: what a list or watch asks for in its `labelSelector`, and what a `LabelSelector` means.
/// Without any it matches everything.
package struct LabelExpression: Sendable, Hashable {
    package struct Requirement: Sendable, Hashable {
        package enum Relation: Sendable, Hashable {
            case isIn([String])
            /// Also where the label is absent.
            case isNotIn([String])
            case exists
            case doesNotExist
            /// The label is an integer above this one.
            case isGreater(Int64)
            case isLess(Int64)
        }

        package let key: String
        package let relation: Relation

        package init(_ key: String, _ relation: Relation) {
            self.key = key
            self.relation = relation
        }
    }

    package var requirements: [Requirement]

    package init(_ requirements: [Requirement] = []) {
        self.requirements = requirements
    }

    package var isEmpty: Bool { requirements.isEmpty }

    package func matches(_ labels: [String: String]) -> Bool {
        requirements.allSatisfy { $0.holds(for: labels[$0.key]) }
    }

    /// Labels as an object has them, without making a dictionary of them.
    package func matches(_ labels: JSONObject?) -> Bool {
        requirements.allSatisfy { $0.holds(for: labels?[$0.key]?.string) }
    }
}

extension LabelExpression.Requirement {
    /// `value` is nil where the label is absent.
    package func holds(for value: String?) -> Bool {
        switch relation {
        case .isIn(let values): value.map(values.contains) ?? false
        case .isNotIn(let values): !(value.map(values.contains) ?? false)
        case .exists: value != nil
        case .doesNotExist: value == nil
        case .isGreater(let bound): value.flatMap { Int64($0) }.map { $0 > bound } ?? false
        case .isLess(let bound): value.flatMap { Int64($0) }.map { $0 < bound } ?? false
        }
    }
}

extension LabelExpression {
    /// What the structured form means. Throws where it names an unknown operator, or values where none belong.
    package init(_ selector: LabelSelector) throws(SelectorError) {
        requirements = selector.matchLabels.sorted { $0.key < $1.key }.map { Requirement($0.key, .isIn([$0.value])) }
        for expression in selector.matchExpressions {
            requirements.append(Requirement(expression.key, try Self.relation(of: expression)))
        }
    }

    private static func relation(of expression: LabelSelectorRequirement) throws(SelectorError) -> Requirement.Relation
    {
        let values = expression.values
        switch expression.operator {
        case "In" where !values.isEmpty: return .isIn(values)
        case "NotIn" where !values.isEmpty: return .isNotIn(values)
        case "Exists" where values.isEmpty: return .exists
        case "DoesNotExist" where values.isEmpty: return .doesNotExist
        case "In", "NotIn", "Exists", "DoesNotExist":
            throw SelectorError(
                "\(expression.operator) on \(expression.key) has \(values.isEmpty ? "no" : "needless") values")
        default: throw SelectorError("\"\(expression.operator)\" is not a valid label selector operator")
        }
    }
}

/// Why some text is no selector.
package struct SelectorError: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
