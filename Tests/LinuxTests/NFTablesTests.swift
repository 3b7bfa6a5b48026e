import Testing

@testable import Linux

private typealias Rule = NFTables.Rule

@Suite struct NFTablesTests {
    @Test func rulesPrintAsInARulesFile() throws {
        let pods = try #require(IPv4Network("10.42.0.0/24"))
        #expect(
            Rule(.match(.source(pods)), .match(.outputLink(prefix: "sw-ab-", negated: true)), .masquerade).description
                == #"ip saddr 10.42.0.0/24 oifname != "sw-ab-*" masquerade fully-random"#)
        #expect(
            Rule(.match(.mark(1, mask: 0xff)), .counter, .setMark(2, mask: 0xf), .verdict(.accept)).description
                == "meta mark & 255 == 1 counter meta mark set meta mark & 4294967280 | 2 accept")
        #expect(Rule(.destination(IPv4Address(10, 0, 0, 1), 80)).description == "dnat to 10.0.0.1:80")
    }

    @Test func rulesCompileToExpressions() throws {
        let pods = try #require(IPv4Network("10.42.0.0/24"))
        #expect(
            Rule(.match(.destination(pods, negated: true)), .verdict(.drop)).expressions == [
                .payload(.network, offset: 16, length: 4, into: 0),
                .bitwise(0, mask: [255, 255, 255, 0], xor: [0, 0, 0, 0]),
                .compare(0, isEqual: false, [10, 42, 0, 0]),
                .verdict(.drop),
            ])
        let key: [NFTables.Selector] = [.destinationAddress, .transport, .destinationPort, .random(below: 3)]
        #expect(
            Rule(.destinationMap(key, map: "m")).expressions == [
                .payload(.network, offset: 16, length: 4, into: 0), .meta(.transport, into: 1),
                .payload(.transport, offset: 2, length: 2, into: 2), .random(modulus: 3, into: 3),
                .lookup("m", from: 0, into: .register(0)), .nat(isDestination: true, address: 0, port: 1),
            ])
    }

    @Test func transactionsPrintAsAFile() {
        let set = NFTables.NamedSet("s", key: [.address, .port], data: .verdict)
        var transaction = NFTables.Transaction.replacing(table: "t")
        transaction.operations.append(.addSet(set))
        transaction.add(.init("c"), [Rule(.verdictMap([.sourceAddress, .sourcePort], map: "s"))])
        transaction.addElements(set, [.init([.address(IPv4Address(10, 0, 0, 1)), .port(80)], .verdict(.goto("c")))])
        transaction.addElements(set, [])
        #expect(
            transaction.description == """
                add table ip t
                delete table ip t
                add table ip t
                add map ip t s { typeof ip daddr . th dport : verdict ; }
                add chain ip t c
                add rule ip t c ip saddr . th sport vmap @s
                add element ip t s { 10.0.0.1 . 80 : goto c }
                """)
    }

    @Test func batchesHaveAMessageForEachPiece() throws {
        let set = NFTables.NamedSet("s", key: [.number])
        let elements = (0..<300).map { NFTables.Element([.number($0)]) }
        let transaction = NFTables.Transaction(
            table: "t", [.addTable, .addSet(set), .addElements(set: set, elements), .deleteChain("c")])
        let batch = try NFTablesBatch.encode(transaction).get()
        #expect(batch.operations == [0, 1, 2, 2, 2, 3, 3])
        #expect(batch.bytes.count % 4 == 0)
    }

    @Test func namesAndSizesAreChecked() {
        func isRefused(_ operation: NFTables.Operation) -> Bool {
            if case .failure = NFTablesBatch.encode(.init(table: "t", [operation])) { true } else { false }
        }
        #expect(isRefused(.addChain(.init("a b"))))
        #expect(isRefused(.addChain(.init(String(repeating: "a", count: 65)))))
        #expect(isRefused(.addRule(chain: "c", Rule(.verdict(.jump("; flush ruleset"))))))
        #expect(isRefused(.addRule(chain: "c", Rule(Array(repeating: .counter, count: 100)))))
        #expect(isRefused(.addElements(set: .init("s", key: []), [.init([])])))
        #expect(!isRefused(.addChain(.init("a-b_1"))))
    }
}

@Suite struct MemoryNFTablesTests {
    private let set = NFTables.NamedSet("s", key: [.number], data: .verdict)

    private func code(_ memory: MemoryNFTables, _ operations: NFTables.Operation...) -> CInt {
        do throws(NFTablesError) {
            try memory.apply(.init(table: "t", operations))
            return 0
        } catch {
            return error.code
        }
    }

    @Test func answersAsTheKernelWould() {
        let memory = MemoryNFTables()
        #expect(code(memory, .addChain(.init("c"))) == 2)
        #expect(code(memory, .addTable, .addChain(.init("c")), .addSet(set)) == 0)
        #expect(code(memory, .addRule(chain: "c", Rule(.verdict(.jump("d"))))) == 2)
        #expect(code(memory, .addElements(set: set, [.init([.number(1)], .verdict(.goto("c")))])) == 0)
        #expect(code(memory, .addElements(set: set, [.init([.number(1)], .verdict(.drop))])) == 17)
        #expect(code(memory, .deleteChain("c")) == 16)
        #expect(code(memory, .deleteElements(set: set, [.init([.number(2)])])) == 2)
        #expect(code(memory, .deleteElements(set: set, [.init([.number(1)])]), .deleteChain("c")) == 0)
        #expect(code(memory, .deleteTable) == 0)
    }

    @Test func appliesAllOrNothing() throws {
        let memory = MemoryNFTables()
        #expect(code(memory, .addTable) == 0)
        let before = memory.ruleset(of: "t")
        #expect(code(memory, .addChain(.init("c")), .deleteChain("d")) == 2)
        #expect(memory.ruleset(of: "t") == before)
        #expect(memory.transactionCount == 1)
    }
}
