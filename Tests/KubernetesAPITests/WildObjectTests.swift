import APIMachinery
import JSONTree
import KubernetesAPI
import TestSupport
import Testing

/// Whatever a user sends, it is answered: no default, check or column traps on it.
@Suite struct WildObjectTests {
    @Test(arguments: Kinds.all.indices) func nothingTraps(index: Int) {
        let definition = Kinds.all[index]
        var wild = WildValues(seed: UInt64(index + 1))
        for _ in 0..<60 {
            let old = wild.object(definition.schema)
            var new = wild.object(definition.schema)
            definition.prepare(&new, nil)
            definition.complete(&new)
            _ = definition.validate(new, nil)
            definition.prepare(&new, old)
            var completed = new
            definition.complete(&completed)
            _ = definition.validate(completed, old)
            let cells = definition.table.cells(completed, Timestamp(seconds: 1_795_000_000))
            #expect(cells.count == definition.table.columns.count)
            for path in definition.selectableFields {
                #expect(definition.selectableValue(of: path, in: completed) != nil)
            }
        }
    }
}
