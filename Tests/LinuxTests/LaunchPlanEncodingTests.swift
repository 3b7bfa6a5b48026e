import CLaunch
import Glibc
import Linux
import Testing

/// The daemon's encoder against the launch path's own reader.
@Suite struct LaunchPlanEncodingTests {
    private func plan() -> LaunchPlan {
        var process = ProcessPlan(arguments: ["sh", "-c", "true"], environment: ["A=1", "PATH=/bin"])
        process.user = ProcessUser(userID: 5, groupID: 6, supplementaryGroups: [7, 8], umask: 0o77)
        process.capabilities.ambient = 4
        process.seccomp = SeccompProgram(instructions: Array(repeating: 6, count: 16))
        process.resourceLimits = [ResourceLimit(resource: 7, soft: 10, hard: UInt64.max)]
        process.terminal = TerminalSize(columns: 100, rows: 50)
        process.noNewPrivileges = true
        var plan = LaunchPlan(
            process: process, root: .overlay(lower: ["/l1", "/l2"], upper: "/u", work: "/w"), cgroup: "/cg")
        plan.oomScoreAdjustment = -998
        plan.devices = [DeviceNode(path: "/dev/x/y", kind: .block, major: 7, minor: 1, mode: 0o600)]
        return plan
    }

    private func read(_ bytes: [UInt8], _ check: (cl_plan) -> Void) -> Int32 {
        var plan = cl_plan()
        return bytes.withUnsafeBytes { raw in
            let code = cl_plan_read(raw.baseAddress, UInt64(raw.count), &plan)
            if code == 0 {
                check(plan)
                cl_plan_free(&plan)
            }
            return code
        }
    }

    @Test func everythingComesBack() throws {
        let encoded = try plan().encoded()
        let code = read(encoded.bytes) { plan in
            #expect(plan.argc == 3 && plan.envc == 2)
            #expect(String(cString: plan.argv[2]!) == "true")  // SAFETY: argc was checked
            #expect(plan.argv[3] == nil)
            #expect(String(cString: plan.cwd) == "/" && String(cString: plan.cgroup) == "/cg")
            #expect(plan.layer_count == 2 && String(cString: plan.upper) == "/u" && String(cString: plan.work) == "/w")
            #expect(plan.uid == 5 && plan.gid == 6 && plan.umask == 0o77 && plan.group_count == 2)
            #expect(plan.groups[1] == 8)
            #expect(plan.bounding == 0xa804_25fb && plan.ambient == 4 && plan.inheritable == 0)
            #expect(plan.seccomp_count == 2)
            #expect(plan.limit_count == 1 && plan.limits[0].hard == UInt64.max && plan.limits[0].resource == 7)
            #expect(plan.has_oom_score == 1 && plan.oom_score == -998)
            #expect(plan.columns == 100 && plan.rows == 50)
            #expect(plan.mount_count == 6 && plan.device_count == 1)
            #expect(plan.rule_count == UInt32(DeviceRule.standard.count))
            #expect(plan.rules[0].major == -1 && plan.rules[2].major == 1 && plan.rules[2].minor == 3)
            #expect(plan.mask_count == UInt32(LaunchPlan.defaultMaskedPaths.count) && plan.read_only_count == 5)
            #expect(plan.flags == 1 | 2 | 4 | 16)
        }
        #expect(code == 0)
    }

    @Test func aLabelOfMountsEndsNoQuotes() throws {
        for (label, wanted) in [
            ("u:object_r:t:s0:c1,c2", 0), (#"u:object_r:t:s0",workdir="/y"#, -EINVAL), ("u:object_r:t:s0\n", -EINVAL),
        ] {
            var plan = plan()
            plan.mountLabel = label
            let code = read(try plan.encoded().bytes) { #expect(String(cString: $0.mount_label) == label) }
            #expect(code == wanted)
        }
    }

    @Test func hooksComeBackWithTheirWords() throws {
        var plan = plan()
        plan.hooks = [
            LaunchHook(.startContainer, path: "/s"),
            LaunchHook(.createContainer, path: "/c", arguments: ["c", ""], environment: ["A=1"], timeout: 2),
        ]
        plan.bundle = HookBundle(directory: "/b", root: "/b/r", state: "{")
        plan.hookPatience = 7
        let code = try read(plan.encoded().bytes) { plan in
            #expect(plan.hook_count == 2 && plan.flags & UInt32(CL_PLAN_HOOKS) != 0)
            #expect(plan.hooks[0].station == 1 && plan.hooks[0].milliseconds == -1 && plan.hooks[0].argc == 0)
            #expect(plan.hooks[0].envc == UInt32.max)  // the program's own
            let hook = plan.hooks[1]
            #expect(hook.station == 0 && hook.milliseconds == 2000 && hook.argc == 2 && hook.envc == 1)
            #expect(String(cString: hook.path) == "/c")
            #expect(Array(UnsafeBufferPointer(start: hook.words, count: 7)).map(UInt8.init) == Array("c\0\0A=1\0".utf8))
            #expect(plan.hook_patience == 7)
            #expect(String(cString: plan.bundle_root) == "/b/r" && String(cString: plan.state) == "{")
        }
        #expect(code == 0)
        plan.bundle = nil
        #expect(try read(plan.encoded().bytes) { _ in } == -22)
        plan.bundle = HookBundle(directory: "/b", root: "/b/r", state: "{")
        plan.hooks[0].arguments = Array(repeating: "a", count: 1025)
        #expect(try read(plan.encoded().bytes) { _ in } == -7)
    }

    @Test func whatAHookSaysIsOneLine() {
        #expect(LaunchHook.line(of: Array("no\u{1b}[2J\r\n\u{202e}room\u{7}\n".utf8)) == "no[2J; room")
    }

    @Test func aLaterMountReplacesAnEarlierOne() throws {
        var plan = plan()
        plan.mounts.append(Mount(.path("/shm"), at: "/dev/shm"))
        let code = read(try plan.encoded().bytes) { plan in
            #expect(plan.mount_count == 6)
            #expect(String(cString: plan.mounts[5].target) == "/dev/shm")
            #expect(String(cString: plan.mounts[5].source) == "/shm")
        }
        #expect(code == 0)
    }

    @Test func oneLayerWithoutUpperIsThatDirectory() throws {
        var plan = plan()
        plan.root = .overlay(lower: ["/only"], upper: nil, work: nil)
        let code = read(try plan.encoded().bytes) { plan in
            #expect(plan.layer_count == 0 && String(cString: plan.root) == "/only")
            #expect(plan.flags & UInt32(CL_PLAN_ROOT_READ_ONLY) != 0)
        }
        #expect(code == 0)
    }

    @Test func namesOfFailures() throws {
        var plan = plan()
        plan.mounts.append(Mount(.path("/volume"), at: "/data"))
        let names = try plan.encoded().names
        #expect(names.object(of: .mountSource, index: 6) == "/volume")
        #expect(names.object(of: .exec, index: 0) == "sh")
        #expect(names.object(of: .mountSource, index: 99) == nil)
    }

    @Test func aNULByteIsRefused() {
        var plan = plan()
        plan.process.environment.append("A=\0")
        #expect(throws: KernelError.self) { try plan.encoded() }
    }

    @Test func theRootUserCannotComeFromMinusOne() throws {
        var plan = plan()
        plan.process.user.userID = UInt32.max
        #expect(read(try plan.encoded().bytes) { _ in } == -22)
    }

    @Test func everyBrokenPlanIsRefusedOrReadWhole() throws {
        let good = try plan().encoded().bytes
        for length in stride(from: 0, to: good.count, by: 3) {
            _ = read(Array(good.prefix(length))) { _ in }
        }
        var state: UInt64 = 42
        for _ in 0..<3000 {
            var bytes = good
            for _ in 0..<4 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes[Int(state >> 33) % bytes.count] = UInt8(truncatingIfNeeded: state >> 20)
            }
            _ = read(bytes) { _ in }
        }
        #expect(read([]) { _ in } != 0)
    }

    @Test func aProcessThatIsLostFailedByNoErrno() {
        #expect(
            LaunchStage(rawValue: UInt32(CL_STAGE_LOST)).cause(0).hasPrefix("it ended before it executed its program"))
    }
}
