import APIMachinery
import JSONTree
import Testing

@testable import Daemon

@Suite struct TextTableTests {
    @Test func columnsAreAsWideAsTheirWidestCell() {
        var table = TextTable([.init("NAME"), .init("SIZE", .right), .init("NOTE")])
        table.add(["a", "1", ""])
        table.add(["longer", "12345", "x"])
        #expect(table.text == "NAME      SIZE   NOTE\na            1\nlonger   12345   x\n")
    }

    @Test func controlCharactersCannotMoveTheCursor() {
        var table = TextTable(["A"])
        table.add(["x\u{1b}[2Jy\nz"])
        #expect(table.text == "A\nx?[2Jy?z\n")
    }

    @Test func missingCellsAreEmpty() {
        var table = TextTable(["A", "B"])
        table.add(["x"])
        table.add(["x", "y", "z"])
        #expect(table.text == "A   B\nx\nx   y\n")
    }

    @Test(arguments: [
        (Int64(-5), "0s"), (7, "7s"), (119, "119s"), (200, "3m20s"), (3_000, "50m"), (10_800, "3h"), (12_000, "3h20m"),
        (100_000, "27h"), (273_600, "3d4h"), (864_000, "10d"), (Int64.max, "106751991167300d"),
    ])
    func ages(_ seconds: Int64, _ expected: String) {
        #expect(Age.text(seconds: seconds) == expected)
    }

    @Test func durations() {
        #expect(Duration.microseconds(2_640).shortText == "2.6 ms")
        #expect(Duration.zero.shortText == "0.0 ms")
        #expect(Duration.milliseconds(1_234).shortText == "1.23 s")
        #expect(Duration.milliseconds(-3).shortText == "-3.0 ms")
        #expect(Duration.seconds(61).shortText == "61.00 s")
    }

    @Test func containersNameTheirPodAndExitCode() {
        let containers: [JSONValue] = [
            [
                "id": "0123456789abcdef", "pod": "default/web", "metadata": ["name": "web", "attempt": 2],
                "state": "exited", "exitCode": 3, "pid": 0, "createdAt": 90_000_000_000, "image": "web:1",
            ]
        ]
        let text = NodeTables.containers(containers, now: Timestamp(seconds: 100))
        let row = text.split(separator: "\n").last?.split(whereSeparator: { $0 == " " }).joined(separator: " ")
        #expect(row == "0123456789ab default/web web exited (3) 10s 2 web:1")
    }

    @Test func sizes() {
        #expect(NodeTables.size(0) == "0 B")
        #expect(NodeTables.size(1_536) == "1.5 KiB")
        #expect(NodeTables.size(3 << 30) == "3.0 GiB")
    }

    @Test func useIsWhatLiesBetweenTwoReadings() {
        func summary(_ node: Int64, _ container: JSONValue) -> JSONValue {
            let pod: JSONValue = [
                "podRef": ["namespace": "d", "name": "p", "uid": "u"],
                "containers": [
                    [
                        "name": "a", "startTime": "t", "cpu": container,
                        "memory": ["workingSetBytes": 2048, "psi": ["some": ["avg10": .number("12.05")]]],
                    ]
                ],
            ]
            return ["node": ["nodeName": "n", "cpu": ["usageCoreNanoSeconds": .integer(node)]], "pods": [pod]]
        }
        let before = summary(0, ["usageCoreNanoSeconds": 1_000_000_000])
        let after = summary(3_000_000_000, ["usageCoreNanoSeconds": 1_250_000_000])
        let text = StatsTable.text(after, before: before, elapsed: .seconds(2))
        #expect(text.hasPrefix("node n: cpu 150.0 %, memory -, waited for cpu/memory/io -\n"))
        let cells = text.split(separator: "\n").last?.split(separator: " ").map(String.init)
        #expect(cells == ["d/p", "a", "12.5", "%", "2.0", "KiB", "-", "-/12.05/-", "%"])
        let unknown = StatsTable.text(summary(0, [:]), before: before, elapsed: .seconds(2))
        let blank = unknown.split(separator: "\n").last?.split(separator: " ").map(String.init)
        #expect(blank == ["d/p", "a", "-", "2.0", "KiB", "-", "-/12.05/-", "%"])
    }
}
