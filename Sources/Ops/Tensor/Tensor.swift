import LossKitDevice
import LossKitKernels

/// An n-dimensional array on a device: an immutable value that can be passed between threads.
///
/// Views (reshapes, transposes, slices, broadcasts) share memory with the tensor they come from. Elementwise operations do not run at once:
/// they build a small expression that runs as one kernel when its values are needed.
/// An operator given operands that do not fit returns a tensor that carries the error; whatever reads or consumes it throws it.
public struct Tensor: Sendable {
    /// The extent along each axis; empty for a scalar.
    public let shape: [Int]
    /// The element type.
    public let dtype: DType
    /// Where the elements live.
    public let device: Device
    /// Steps in elements between neighbours along each axis; 0 where broadcast, negative where reversed.
    package let strides: [Int]
    /// The position of the first element in the storage, in elements.
    package let offset: Int
    let storage: Storage
    /// How this value came about, while it is being differentiated.
    let history: History.Link?

    init(shape: [Int], dtype: DType, device: Device, strides: [Int], offset: Int, storage: Storage, history: History.Link? = nil) {
        self.shape = shape
        self.dtype = dtype
        self.device = device
        self.strides = strides
        self.offset = offset
        self.storage = storage
        self.history = history
    }

    /// A tensor of its own, row-major storage.
    init(shape: [Int], dtype: DType, device: Device, state: sending Storage.State) {
        self.init(
            shape: shape, dtype: dtype, device: device, strides: Shape.rowMajorStrides(shape), offset: 0, storage: Storage(state))
    }

    /// The number of axes.
    public var rank: Int { shape.count }

    /// The number of elements.
    public var count: Int { shape.reduce(1, *) }

    /// Whether the elements lie in row-major order without gaps.
    package var isContiguous: Bool {
        var step = 1
        for axis in shape.indices.reversed() where shape[axis] != 1 {
            if strides[axis] != step { return shape.contains(0) }
            step *= shape[axis]
        }
        return true
    }

    /// A tensor that stands for a failed operation and carries its error.
    package static func failed(_ error: any Error, dtype: DType = .float32, on device: Device = .cpu) -> Tensor {
        Tensor(shape: [], dtype: dtype, device: device, state: .failed(error))
    }

    /// The error this tensor carries instead of values.
    package var failure: (any Error)? {
        if case .failed(let error) = storage.current { error } else { nil }
    }

    /// Throws the carried error, if there is one.
    package func checked() throws -> Tensor {
        if let failure { throw failure }
        return self
    }
}

extension Tensor: CustomStringConvertible {
    /// Shape, type and device; never evaluates.
    public var description: String {
        if let failure { return "Tensor(failed: \(failure))" }
        return "Tensor(shape: \(shape), dtype: \(dtype), device: \(device))"
    }
}

// MARK: - Storage for kernels

extension Tensor {
    /// Fresh storage that a kernel is about to fill; nobody else may see it before.
    package static func empty(_ shape: [Int], dtype: DType, on device: Device) throws -> Tensor {
        let count = try Shape.checkedCount(shape, operation: "Tensor")
        let buffer = try Buffer(byteCount: count * dtype.byteCount, on: device)
        return Tensor(shape: shape, dtype: dtype, device: device, state: .ready(buffer))
    }

    /// The memory of a tensor made by ``empty(_:dtype:on:)``.
    package func output() throws -> BufferSlice {
        try memory()
    }

    /// The elements in row-major order without gaps: evaluated, and packed where the tensor is a strided view.
    package func slice() throws -> BufferSlice {
        isContiguous ? try memory() : try packed().memory()
    }

    /// The memory from the first element on, evaluated, to be read with ``strides``.
    package func memory() throws -> BufferSlice {
        let buffer = try storage.buffer(on: device)
        let size = dtype.byteCount
        return BufferSlice(
            buffer, byteOffset: offset * size, byteCount: Swift.max(0, buffer.byteCount - offset * size), elementSize: size)
    }

    /// The same values in row-major storage of their own.
    package func packed() -> Tensor {
        if isContiguous { return self }
        return Tensor.apply(.leaf, to: self, dtype: dtype)
    }

    /// The same values without the history that differentiation follows.
    func withHistory(_ link: History.Link?) -> Tensor {
        Tensor(shape: shape, dtype: dtype, device: device, strides: strides, offset: offset, storage: storage, history: link)
    }
}
