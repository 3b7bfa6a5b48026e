import APIMachinery
import HTTP
import JSONTree

/// What a list or watch asks for.
package struct ListOptions: Sendable, Hashable {
    /// `a=b,c!=d`.
    package var labelSelector = ""
    /// `spec.nodeName=worker`.
    package var fieldSelector = ""
    /// List: at least as new as this ("": the newest; "0": whatever is at hand). Watch: the changes after it.
    package var resourceVersion = ""
    /// The most items of one page; 0: all.
    package var limit = 0
    /// The previous page's token.
    package var continuation = ""
    /// Watch: ask for bookmarks, so that a resumed watch starts late in the history.
    package var allowsBookmarks = false
    /// Watch: the server ends it after this many seconds; 0: the server's own choice.
    package var timeoutSeconds = 0

    package init() {}

    var query: [QueryItem] {
        var items: [QueryItem] = []
        if !labelSelector.isEmpty { items.append(QueryItem("labelSelector", labelSelector)) }
        if !fieldSelector.isEmpty { items.append(QueryItem("fieldSelector", fieldSelector)) }
        if !resourceVersion.isEmpty { items.append(QueryItem("resourceVersion", resourceVersion)) }
        if limit > 0 { items.append(QueryItem("limit", String(limit))) }
        if !continuation.isEmpty { items.append(QueryItem("continue", continuation)) }
        if allowsBookmarks { items.append(QueryItem("allowWatchBookmarks", "true")) }
        if timeoutSeconds > 0 { items.append(QueryItem("timeoutSeconds", String(timeoutSeconds))) }
        return items
    }
}

/// One page of a list.
package struct ObjectList<Object: APIObject>: Sendable {
    package var items: [Object]
    package var metadata: ListMeta

    /// Reads a list as the server sends it; an item that does not fit its schema fails the whole with an error that names it.
    package init(checking value: JSONValue) throws(Status) {
        metadata = ListMeta(storage: value["metadata"]?.object ?? JSONObject())
        items = []
        for item in value["items"]?.array ?? [] {
            items.append(try APIClient.decode(item))
        }
    }
}
