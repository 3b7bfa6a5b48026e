import CRI
import JSONTree
import OCI

extension CRI.Mount {
    package var json: JSONObject {
        [
            "hostPath": .string(hostPath), "subPath": .string(subPath), "containerPath": .string(containerPath),
            "readOnly": .bool(isReadOnly), "recursive": .bool(isRecursivelyReadOnly), "relabelled": .bool(isRelabelled),
            "propagation": .string(propagation.rawValue), "image": image.map { .string($0) } ?? .null,
            "sharedLabel": sharesLabel ? .bool(true) : .null,
            "imageID": imageID.map { .string($0) } ?? .null,
            "memory": memory.map { .map($0.options) } ?? .null,
            "executable": memory.map { .bool($0.isExecutable) } ?? .null,
        ]
    }

    package init(_ reader: SpecificationReader) throws(OCIError) {
        self.init(
            hostPath: try reader.required("hostPath"), containerPath: try reader.required("containerPath"),
            isReadOnly: try reader.bool("readOnly") ?? false, propagation: try reader.choice("propagation"))
        subPath = try reader.string("subPath") ?? ""
        isRecursivelyReadOnly = try reader.bool("recursive") ?? false
        isRelabelled = try reader.bool("relabelled") ?? false
        sharesLabel = try reader.bool("sharedLabel") ?? false
        image = try reader.string("image")
        imageID = try reader.string("imageID")
        memory = try reader.stringMap("memory").map { options throws(OCIError) in
            MemoryVolume(options: options, isExecutable: try reader.bool("executable") ?? false)
        }
    }
}

extension ProcessLimit {
    package var json: JSONValue {
        [
            "resource": .integer(Int64(resource)), "soft": .integer(Int64(bitPattern: soft)),
            "hard": .integer(Int64(bitPattern: hard)),
        ]
    }

    package init(_ reader: SpecificationReader) throws(OCIError) {
        let (soft, hard): (Int64, Int64) = (try reader.needed("soft"), try reader.needed("hard"))
        self.init(
            resource: try reader.needed("resource"), soft: UInt64(bitPattern: soft), hard: UInt64(bitPattern: hard))
    }
}

extension ContainerResources {
    /// What is not set is left out.
    package var json: JSONObject {
        var object = JSONObject()
        for (name, value) in [
            ("memoryLimit", memoryLimit), ("memoryRequest", memoryRequest), ("cpuLimit", cpuLimit),
            ("cpuRequest", cpuRequest), ("processLimit", processLimit), ("cpuPeriod", cpuPeriod),
            ("memorySwapLimit", memorySwapLimit), ("oomScore", oomScoreAdjustment.map(Int64.init)),
        ] {
            if let value { object[name] = .integer(value) }
        }
        if !cpuSet.isEmpty { object["cpuSet"] = .string(cpuSet) }
        if !memoryNodes.isEmpty { object["memoryNodes"] = .string(memoryNodes) }
        if !hugePageLimits.isEmpty { object["hugePages"] = .map(hugePageLimits.mapValues(String.init)) }
        if !unified.isEmpty { object["unified"] = .map(unified) }
        return object
    }

    package init(_ reader: SpecificationReader) throws(OCIError) {
        self.init()
        memoryLimit = try reader.integer("memoryLimit")
        memoryRequest = try reader.integer("memoryRequest")
        cpuLimit = try reader.integer("cpuLimit")
        cpuRequest = try reader.integer("cpuRequest")
        processLimit = try reader.integer("processLimit")
        cpuPeriod = try reader.integer("cpuPeriod")
        memorySwapLimit = try reader.integer("memorySwapLimit")
        oomScoreAdjustment = try reader.integer("oomScore").map { Int32(clamping: $0) }
        cpuSet = try reader.string("cpuSet") ?? ""
        memoryNodes = try reader.string("memoryNodes") ?? ""
        hugePageLimits = try (reader.stringMap("hugePages") ?? [:]).compactMapValues { UInt64($0) }
        unified = try reader.stringMap("unified") ?? [:]
    }
}
