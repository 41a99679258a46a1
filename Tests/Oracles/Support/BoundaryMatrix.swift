/// A filtered complex as its boundary matrix over Z/2, reduced column by column.
struct BoundaryMatrix {
    /// The classes that live for some time, sorted.
    let classes: [NaiveHomology.Class]

    /// - Parameters:
    ///   - columns: The facets of each cell, by their places; a cell stands behind its facets.
    ///   - highest: Classes of higher dimensions are left out.
    init(columns: [Set<Int>], dimensions: [Int], values: [Double], highest: Int = .max) {
        // Reduced columns by their pivots, and what begins a class that nothing has ended.
        var reduced: [Int: Set<Int>] = [:]
        var open: Set<Int> = []
        var found: [NaiveHomology.Class] = []
        for (place, facets) in columns.enumerated() {
            var column = facets
            while let pivot = column.max(), let other = reduced[pivot] { column.formSymmetricDifference(other) }
            guard let pivot = column.max() else {
                open.insert(place)
                continue
            }
            reduced[pivot] = column
            open.remove(pivot)
            guard values[place] > values[pivot] else { continue }
            found.append(NaiveHomology.Class(dimension: dimensions[pivot], birth: values[pivot], death: values[place]))
        }
        for place in open where dimensions[place] <= highest {
            found.append(NaiveHomology.Class(dimension: dimensions[place], birth: values[place], death: .infinity))
        }
        classes = found.sorted()
    }
}
