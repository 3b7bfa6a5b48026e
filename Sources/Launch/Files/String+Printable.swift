extension String {
    /// The beginning of what others say, for messages and logs: without control characters and those that turn a line's direction.
    package var printable: String {
        let scalars = unicodeScalars.prefix(500).filter {
            ![.control, .format].contains($0.properties.generalCategory)
        }
        return String(String.UnicodeScalarView(scalars))
    }
}
