extension ProtobufMessages {
    /// Metadata, and what is only asked.
    static let requests = """
        ObjectMeta 1 name 2 generateName 3 namespace 4 selfLink 5 uid 6 resourceVersion 7 generation:int 8 creationTimestamp:Time \
        9 deletionTimestamp:Time 10 deletionGracePeriodSeconds:int? 11 labels:{string} 12 annotations:{string} \
        13 ownerReferences:[OwnerReference] 14 finalizers:[string] 17 managedFields:[ManagedFieldsEntry]
        OwnerReference 1 kind 3 name 4 uid 5 apiVersion 6 controller:bool? 7 blockOwnerDeletion:bool?
        ManagedFieldsEntry 1 manager 2 operation 3 apiVersion 4 time:Time 6 fieldsType 7 fieldsV1:json 8 subresource
        LabelSelector 1 matchLabels:{string} 2 matchExpressions:[LabelSelectorRequirement]
        LabelSelectorRequirement 1 key 2 operator 3 values:[string]
        Condition 1 type 2 status 3 observedGeneration:int 4 lastTransitionTime:Time 5 reason 6 message
        DeleteOptions 1 gracePeriodSeconds:int? 2 preconditions:Preconditions 3 orphanDependents:bool? 4 propagationPolicy? 5 dryRun:[string] \
        6 ignoreStoreReadErrorWithClusterBreakingPotential:bool?
        Preconditions 1 uid? 2 resourceVersion?
        Scale 1 metadata:ObjectMeta 2 spec:ScaleSpec 3 status:ScaleStatus
        ScaleSpec 1 replicas:int?
        ScaleStatus 1 replicas:int? 2 selector
        Binding 1 metadata:ObjectMeta 2 target:ObjectReference
        Eviction 1 metadata:ObjectMeta 2 deleteOptions:DeleteOptions
        SelfSubjectReview 1 metadata:ObjectMeta 2 status:SelfSubjectReviewStatus
        SelfSubjectReviewStatus 1 userInfo:UserInfo
        UserInfo 1 username 2 uid 3 groups:[string] 4 extra:{Strings}
        SelfSubjectAccessReview 1 metadata:ObjectMeta 2 spec:SelfSubjectAccessReviewSpec 3 status:SubjectAccessReviewStatus
        SelfSubjectAccessReviewSpec 1 resourceAttributes:ResourceAttributes 2 nonResourceAttributes:NonResourceAttributes
        SubjectAccessReview 1 metadata:ObjectMeta 2 spec:SubjectAccessReviewSpec 3 status:SubjectAccessReviewStatus
        LocalSubjectAccessReview 1 metadata:ObjectMeta 2 spec:SubjectAccessReviewSpec 3 status:SubjectAccessReviewStatus
        SubjectAccessReviewSpec 1 resourceAttributes:ResourceAttributes 2 nonResourceAttributes:NonResourceAttributes 3 user \
        4 groups:[string] 5 extra:{Strings} 6 uid
        ResourceAttributes 1 namespace 2 verb 3 group 4 version 5 resource 6 subresource 7 name 8 fieldSelector:SelectorAttributes \
        9 labelSelector:SelectorAttributes
        SelectorAttributes 1 rawSelector 2 requirements:[LabelSelectorRequirement]
        NonResourceAttributes 1 path 2 verb
        SubjectAccessReviewStatus 1 allowed:bool 2 reason 3 evaluationError 4 denied:bool
        SelfSubjectRulesReview 1 metadata:ObjectMeta 2 spec:SelfSubjectRulesReviewSpec 3 status:SubjectRulesReviewStatus
        SelfSubjectRulesReviewSpec 1 namespace
        SubjectRulesReviewStatus 1 resourceRules:[ResourceRule] 2 nonResourceRules:[NonResourceRule] 3 incomplete:bool 4 evaluationError
        ResourceRule 1 verbs:[string] 2 apiGroups:[string] 3 resources:[string] 4 resourceNames:[string]
        NonResourceRule 1 verbs:[string] 2 nonResourceURLs:[string]
        TokenReview 1 metadata:ObjectMeta 2 spec:TokenReviewSpec 3 status:TokenReviewStatus
        TokenReviewSpec 1 token 2 audiences:[string]
        TokenReviewStatus 1 authenticated:bool 2 user:UserInfo 3 error 4 audiences:[string]
        TokenRequest 1 metadata:ObjectMeta 2 spec:TokenRequestSpec 3 status:TokenRequestStatus
        TokenRequestSpec 1 audiences:[string] 3 boundObjectRef:BoundObjectReference 4 expirationSeconds:int?
        BoundObjectReference 1 kind 2 apiVersion 3 name 4 uid
        TokenRequestStatus 1 token 2 expirationTimestamp:Time
        """
}
