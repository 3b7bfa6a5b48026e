import APIMachinery

extension Selection {
    /// Reads the selectors of a list or watch. Throws 400 where one cannot be read, or names a field that the resource does not offer.
    init(_ options: ListOptions, _ request: ResourceRequest) throws(Status) {
        self.init(namespace: request.path.namespace)
        let fields: FieldSelector
        do throws(SelectorError) {
            labels = try LabelExpression(parsing: options.labelSelector)
            fields = try FieldSelector(parsing: options.fieldSelector)
        } catch {
            throw .badRequest("unable to parse requirement: \(error)")
        }
        for requirement in fields.requirements { try add(requirement, request.resource.format, request.form) }
    }

    private mutating func add(
        _ requirement: FieldSelector.Requirement, _ format: WireFormat, _ form: ServedForm?
    ) throws(Status) {
        let (value, isEqual) = (requirement.value, requirement.isEqual)
        switch requirement.path {
        case "metadata.name":
            if isEqual, name == nil {
                name = value
            } else {
                keyRequirements.append(.init(part: .name, value: value, isEqual: isEqual))
            }
        case "metadata.namespace":
            keyRequirements.append(.init(part: .namespace, value: value, isEqual: isEqual))
        default:
            let path = form.map { $0.storedPath(requirement.path) } ?? requirement.path
            guard let index = format.selectableFields.firstIndex(where: { $0.text == path }) else {
                throw .badRequest("field label not supported: \(requirement.path)")
            }
            fields.append(.init(index: index, value: value, isEqual: isEqual))
        }
    }
}
