import CLossKitOpenCL

/// OpenBLAS (Accelerate on macOS), found at run time.
package enum BLAS {
    /// Its functions, or nil where it is not installed.
    package static let shared: losskit_blas? = {
        let functions = losskit_blas_load()?.pointee
        // Ours share the work: see ``HostProduct``.
        functions?.set_threads?(1)
        return functions
    }()

    /// Its functions, or the error that names the missing package.
    package static func required(for operation: String) throws(DeviceError) -> losskit_blas {
        guard let shared else {
            throw .libraryMissing(library: "OpenBLAS", operation: operation, remedy: "apt-get install libopenblas0")
        }
        return shared
    }
}
