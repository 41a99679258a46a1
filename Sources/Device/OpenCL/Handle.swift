/// A pointer that others may be given.
///
/// Unchecked: the pointer itself never changes. OpenCL's objects may be used from any thread, except that a kernel's arguments are guarded
/// by the lock of the ``OpenCLStream`` that owns the kernel; host memory is guarded by the order of the work that uses it.
struct Handle<Pointer>: @unchecked Sendable {
    let raw: Pointer

    init(_ raw: Pointer) {
        self.raw = raw
    }
}
