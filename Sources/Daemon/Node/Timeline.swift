import ContainerRuntime

struct NoSteps: StepRecorder {
    func record(_ step: RuntimeStep) {}
}
