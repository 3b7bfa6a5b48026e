extension Toleration {
    /// Whether the pod puts up with this taint.
    package func tolerates(_ taint: Taint) -> Bool {
        if let effect = self.effect, !effect.isEmpty, effect != taint.effect { return false }
        let key = self.key ?? ""
        if !key.isEmpty, key != taint.key { return false }
        switch self.operator ?? "" {
        case "Exists": return true
        case "", "Equal": return (self.value ?? "") == (taint.value ?? "")
        case "Lt": return compare(taint, <)
        case "Gt": return compare(taint, >)
        default: return false
        }
    }

    /// Of the taint's value with the toleration's.
    private func compare(_ taint: Taint, _ isIn: (Int64, Int64) -> Bool) -> Bool {
        guard let mine = self.value.flatMap({ Int64($0) }), let theirs = taint.value.flatMap({ Int64($0) }) else {
            return false
        }
        return isIn(theirs, mine)
    }
}
