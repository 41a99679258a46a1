/// Addresses that the pieces of one job share.
///
/// Unchecked: the caller of ``ThreadPool`` owns what they point to and waits for all pieces, which write to disjoint parts of it.
@dynamicMemberLookup
package struct Shared<Value>: @unchecked Sendable {
    package let value: Value

    package init(_ value: Value) { self.value = value }

    package subscript<Member>(dynamicMember path: KeyPath<Value, Member>) -> Member { value[keyPath: path] }
}
