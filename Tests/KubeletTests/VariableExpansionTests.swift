import APIMachinery
import CRI
import KubernetesAPI
import Testing

@testable import Kubelet

@Suite struct VariableExpansionTests {
    private func expand(_ text: String, limit: Int = 1 << 10) throws(ContainerConfigError) -> String {
        var budget = ExpansionBudget(limit, "too large")
        return try budget.expand(text) { ["A": "1", "B": "two"][$0] }
    }

    @Test(arguments: [
        ("", ""), ("a$(A)b$(B)", "a1btwo"), ("$(C)", "$(C)"), ("$$(A)", "$(A)"), ("$$$(A)", "$1"), ("$", "$"),
        ("$A", "$A"), ("$(A", "$(A"), ("$(A)$(B", "1$(B"), ("$($(A))", "$($(A))"), ("$()", "$()"),
        ("$(A)\u{301}", "1\u{301}"), ("$(\u{301})", "$(\u{301})"), ("$\u{301}(A)", "$\u{301}(A)"),
    ])
    func aKnownNameIsReplaced(text: String, result: String) throws {
        #expect(try expand(text) == result)
    }

    /// Where it is not closed, its end is not looked for from every place anew.
    @Test func whatIsOpenedAgainAndAgainStays() throws {
        let text = String(repeating: "$(", count: 1 << 18)
        #expect(try expand(text, limit: 1 << 20) == text)
    }

    @Test(arguments: ["$(B)$(B)x", "xxxx$(B)", "xxxxxxx", "$(CCCC)", "$(A)$$xxxxx"])
    func nothingIsMadeBeyondTheLimit(text: String) throws {
        #expect(throws: ContainerConfigError(message: "too large")) { try expand(text, limit: 6) }
        #expect(throws: Never.self) { try expand(text, limit: 7) }
    }

    private func variable(_ name: String, _ value: String) -> EnvVar {
        EnvVar {
            $0.name = name
            $0.value = value
        }
    }

    private func program(
        _ variables: [EnvVar], command: [String] = [], arguments: [String] = []
    ) throws(ContainerConfigError) -> ContainerProgram {
        let container = Container {
            $0.name = "a"
            $0.env = variables
            $0.command = command
            $0.args = arguments
        }
        return try ContainerEnvironment(
            pod: pod(), container: container, node: NodeIdentity(name: "n", addresses: []), data: ReferencedData(),
            podAddresses: [], services: [], allocatable: [:]
        ).program()
    }

    @Test func commandAndArgumentsNameVariables() throws {
        let made = try program(
            [variable("A", "1"), variable("B", "$(A)2")], command: ["c$(A)"], arguments: ["$(B)", "$(C)"])
        #expect(made.values == ["A": "1", "B": "12"])
        #expect(made.command == ["c1"] && made.arguments == ["12", "$(C)"])
    }

    /// However often a value is named, and by what; one that another replaces was made as well.
    @Test func aProgramIsGivenNoMoreThanAnyIs() throws {
        let large = variable("X", String(repeating: "x", count: 1 << 20))
        let references = String(repeating: "$(X)", count: 20_000)
        let twice = String(repeating: "$(X)", count: 2)
        for make in [
            { try program([large, variable("Y", references)]) },
            { try program([large] + (0..<30_000).map { _ in variable("Y", twice) }) },
            { try program([large] + (0..<6).map { variable("Y\($0)", "$(X)") }) },
            { try program([large], command: [references]) },
            { try program([large], arguments: [references]) },
            { try program([large], arguments: Array(repeating: twice, count: 3)) },
            { try program([large, variable("Y", twice)], command: [twice], arguments: ["$(X)"]) },
        ] {
            let error = #expect(throws: ContainerConfigError.self) { _ = try make() }
            #expect(
                error?.message
                    == "env, command and args of container \"a\" are larger than 6 MiB with all that they name, more than any program is given"
            )
        }
        let made = try program([large, variable("Y", twice)], command: ["$(X)"], arguments: ["$(X)"])
        #expect(made.arguments == [large.value] && made.values["Y"]?.utf8.count == 2 << 20)
    }
}
