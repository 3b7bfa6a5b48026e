import APIMachinery
import JSONTree
import Testing

@Suite struct LabelExpressionTests {
    @Test(arguments: [
        ("", ""), ("a=b", "a=b"), ("a==b", "a=b"), ("a!=b", "a!=b"), (" a = b , c ", "a=b,c"), ("!a", "!a"),
        ("! a", "!a"),
        ("a in (b, c)", "a in (b,c)"), ("a in (b)", "a=b"), ("a notin (c,b,b)", "a notin (b,c)"), ("a=", "a="),
        (
            "k8s.io/app=web,tier in (a,b),!old,env!=test,n>3,m<-1",
            "k8s.io/app=web,tier in (a,b),!old,env!=test,n>3,m<-1"
        ),
        ("in in (in)", "in=in"), ("a in (,b)", "a in (,b)"),
    ]) func readsAndPrints(pair: (String, String)) throws {
        let expression = try LabelExpression(parsing: pair.0)
        #expect(expression.description == pair.1)
        #expect(try LabelExpression(parsing: expression.description) == expression)
    }

    @Test(arguments: [
        "=", "a b", "a in b", "a in (b", "a,", ",a", "a=b=c", "a>x", "a>", "!", "!=b", "a/b/c=d", "a=b c", "a=-b", "()",
        "a in (b c)", "a!b", "é=1",
    ])
    func refuses(text: String) {
        #expect(throws: SelectorError.self) { try LabelExpression(parsing: text) }
    }

    @Test(arguments: [
        ("a=b", true), ("a!=b", false), ("a!=c", true), ("x!=c", true), ("x notin (c)", true), ("a in (c,b)", true),
        ("a", true),
        ("x", false), ("!x", true), ("!a", false), ("n>4", true), ("n>5", false), ("n<6", true), ("a>1", false),
        ("", true), ("a=b,x", false),
    ]) func matches(pair: (String, Bool)) throws {
        let expression = try LabelExpression(parsing: pair.0)
        #expect(expression.matches(["a": "b", "n": "5"]) == pair.1)
        #expect(expression.matches(["a": "b", "n": "5"] as JSONObject) == pair.1)
    }

    @Test func structuredFormMeansTheSame() throws {
        let selector = LabelSelector(storage: [
            "matchLabels": ["b": "2", "a": "1"],
            "matchExpressions": [
                ["key": "c", "operator": "NotIn", "values": ["x"]], ["key": "d", "operator": "Exists"],
            ],
        ])
        #expect(try LabelExpression(selector).description == "a=1,b=2,c!=x,d")
        #expect(selector.matches(["a": "1", "b": "2", "d": ""]))
        #expect(!selector.matches(["a": "1", "b": "2", "d": "", "c": "x"]))
        for (name, values): (String, JSONValue) in [("In", []), ("Exists", ["x"]), ("Like", ["x"])] {
            let bad = LabelSelector(storage: [
                "matchExpressions": [["key": "c", "operator": .string(name), "values": values]]
            ])
            #expect(throws: SelectorError.self) { try LabelExpression(bad) }
        }
    }
}

@Suite struct FieldSelectorTests {
    @Test func readsAndPrints() throws {
        let selector = try FieldSelector(parsing: #"metadata.name=a\,b\=c\\,status.phase!=Running,x==y,z="#)
        #expect(
            selector.requirements == [
                .init("metadata.name", #"a,b=c\"#), .init("status.phase", "Running", isEqual: false), .init("x", "y"),
                .init("z", ""),
            ])
        #expect(try FieldSelector(parsing: selector.description) == selector)
        #expect(try FieldSelector(parsing: "").requirements.isEmpty)
    }

    @Test(arguments: ["a", "=b", "a=b=c", #"a=\x"#, #"a=b\"#, "!=x"]) func refuses(text: String) {
        #expect(throws: SelectorError.self) { try FieldSelector(parsing: text) }
    }
}
