/// What a field's value must fulfil, and how it is merged. Checked in one place, `Schema`.
package enum Rule: Sendable, Hashable {
    case required
    case minimum(Int64)
    case maximum(Int64)
    case minLength(Int)
    case maxLength(Int)
    case minItems(Int)
    case maxItems(Int)
    /// The string is one of these.
    case oneOf([String])
    /// The string has this form.
    case format(Format)
    /// The keys of the map have this form.
    case keyFormat(Format)
    /// A list of values that are all different.
    case set
    /// A list of objects told apart by these fields.
    case listMap([String])
    /// Items of this `listMap` may repeat all the same, as the API has always let them (environment variables, ports).
    case repeatable
    /// Strategic merge patches merge this list by this field (which may differ from `listMap`'s, as for ports).
    case mergeKey(String)
    /// Strategic merge patches merge this list of scalars.
    case mergeItems
    /// Strategic merge patches keep, of this object, only the fields that `$retainKeys` names.
    case retainKeys
    /// The list or object is replaced as a whole.
    case atomic
    /// At most one of the fields of this object with the same name here is set.
    case union(String)
    /// May not change after creation.
    case immutable
    /// No message shows a value of it.
    case confidential

    package enum Format: Sendable, Hashable {
        /// RFC 1123 label, at most 63 characters.
        case dnsLabel
        /// RFC 1035 label (starts with a letter), as Services need.
        case dnsLabel1035
        /// RFC 1123 subdomain, at most 253 characters.
        case dnsSubdomain
        /// `[prefix/]name`, as labels, annotations and conditions have.
        case qualifiedName
        case labelValue
        /// A key of a ConfigMap or Secret.
        case configKey
        case environmentName
        case portName
        case absolutePath
        case ip
        case cidr
        /// A name as it can stand in a path.
        case pathSegment
        /// A domain that the resolver searches: a subdomain in which "_" is allowed.
        case searchDomain
        /// `net.ipv4.ip_forward` or `net/ipv4/ip_forward`.
        case sysctl
        case headerName
    }
}
