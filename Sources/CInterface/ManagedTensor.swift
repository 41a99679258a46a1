import CLossKit
import LossKit

/// What the two versions of DLPack's managed tensors have in common.
private protocol ManagedTensor: SendableMetatype {
    var dl_tensor: DLTensor { get }

    /// What is lent, with a deleter that gives it up.
    init(_ lent: Lent)

    /// Throws where the structure is laid out in a way that we do not know.
    func checkLayout(_ operation: String) throws

    /// Tells the producer that nobody reads the memory any more.
    static func delete(_ managed: UnsafeMutablePointer<Self>)
}

extension DLManagedTensor: ManagedTensor {
    init(_ lent: Lent) {
        self.init(dl_tensor: lent.description, manager_ctx: lent.context) { managed in
            Lent.giveUp(managed?.pointee.manager_ctx)
            managed?.deallocate()
        }
    }

    func checkLayout(_ operation: String) {}

    static func delete(_ managed: UnsafeMutablePointer<DLManagedTensor>) { managed.pointee.deleter?(managed) }
}

extension DLManagedTensorVersioned: ManagedTensor {
    /// Marked as one that must not be written.
    init(_ lent: Lent) {
        self.init(
            version: DLPackVersion(major: 1, minor: 0), manager_ctx: lent.context,
            deleter: { managed in
                Lent.giveUp(managed?.pointee.manager_ctx)
                managed?.deallocate()
            }, flags: 1, dl_tensor: lent.description)
    }

    func checkLayout(_ operation: String) throws {
        guard version.major == 1 else {
            throw TensorError.invalidArgument(operation: operation, expected: "DLPack version 1", actual: "version \(version.major)")
        }
    }

    static func delete(_ managed: UnsafeMutablePointer<DLManagedTensorVersioned>) { managed.pointee.deleter?(managed) }
}

private func take<Managed: ManagedTensor>(
    _ managed: UnsafeMutablePointer<Managed>?, to label: UnsafePointer<CChar>?, into tensor: UnsafeMutablePointer<OpaquePointer?>?,
    _ operation: String
) -> Int32 {
    call {
        let (managed, result) = (try present(managed, "a managed tensor", operation), try present(tensor, "tensor", operation))
        try managed.pointee.checkLayout(operation)
        // Pointers may not be shared between threads as they are.
        let address = UInt(bitPattern: managed)
        let tensor = try taken(managed.pointee.dl_tensor, to: device(label), operation) {
            UnsafeMutablePointer<Managed>(bitPattern: address).map(Managed.delete)
        }
        result.pointee = TensorHandle.retained(tensor)
    }
}

private func give<Managed: ManagedTensor>(
    _ tensor: OpaquePointer?, as managed: UnsafeMutablePointer<UnsafeMutablePointer<Managed>?>?, _ operation: String
) -> Int32 {
    call {
        let result = try present(managed, "managed", operation)
        let lent = try Lent(TensorHandle.tensor(tensor, "tensor", operation))
        let given = UnsafeMutablePointer<Managed>.allocate(capacity: 1)
        given.initialize(to: Managed(lent))
        result.pointee = given
    }
}

/// Takes a DLPack tensor of before version 1 over.
@_cdecl("losskit_tensor_from_dlpack")
public func tensorFromDLPack(
    _ managed: UnsafeMutablePointer<DLManagedTensor>?, _ label: UnsafePointer<CChar>?, _ tensor: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 { take(managed, to: label, into: tensor, "losskit_tensor_from_dlpack") }

/// Takes a DLPack tensor over.
@_cdecl("losskit_tensor_from_dlpack_versioned")
public func tensorFromVersionedDLPack(
    _ managed: UnsafeMutablePointer<DLManagedTensorVersioned>?, _ label: UnsafePointer<CChar>?,
    _ tensor: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 { take(managed, to: label, into: tensor, "losskit_tensor_from_dlpack_versioned") }

/// Gives a DLPack tensor of before version 1.
@_cdecl("losskit_tensor_to_dlpack")
public func tensorToDLPack(
    _ tensor: OpaquePointer?, _ managed: UnsafeMutablePointer<UnsafeMutablePointer<DLManagedTensor>?>?
) -> Int32 { give(tensor, as: managed, "losskit_tensor_to_dlpack") }

/// Gives a DLPack tensor, marked as one that must not be written.
@_cdecl("losskit_tensor_to_dlpack_versioned")
public func tensorToVersionedDLPack(
    _ tensor: OpaquePointer?, _ managed: UnsafeMutablePointer<UnsafeMutablePointer<DLManagedTensorVersioned>?>?
) -> Int32 { give(tensor, as: managed, "losskit_tensor_to_dlpack_versioned") }
