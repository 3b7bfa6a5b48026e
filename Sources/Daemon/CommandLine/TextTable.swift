/// A table for people: columns as wide as their widest cell, three spaces between them.
package struct TextTable: Sendable, Hashable {
    package enum Alignment: Sendable, Hashable { case left, right }

    package struct Column: Sendable, Hashable {
        package let title: String
        package let alignment: Alignment

        package init(_ title: String, _ alignment: Alignment = .left) {
            self.title = title
            self.alignment = alignment
        }
    }

    private let columns: [Column]
    private var rows: [[String]] = []

    package init(_ columns: [Column]) {
        self.columns = columns
    }

    package init(_ titles: [String]) {
        self.init(titles.map { Column($0) })
    }

    /// Missing cells are empty, further ones are left out.
    package mutating func add(_ cells: [String]) {
        rows.append(columns.indices.map { cells.indices.contains($0) ? Self.plain(cells[$0]) : "" })
    }

    /// With a line's end after every line, and no spaces before one.
    package var text: String {
        let lines = [columns.map(\.title)] + rows
        let widths = columns.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            var cells: [String] = []
            for (index, cell) in line.enumerated() {
                let padding = String(repeating: " ", count: widths[index] - cell.count)
                cells.append(columns[index].alignment == .left ? cell + padding : padding + cell)
            }
            var text = cells.joined(separator: "   ")
            while text.last == " " { text.removeLast() }
            return text + "\n"
        }.joined()
    }

    /// What a program wrote cannot move the reader's cursor: control characters become question marks.
    package static func plain(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }
        return String(String.UnicodeScalarView(scalars))
    }
}
