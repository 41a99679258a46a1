import LossKit
import LossKitTestSupport

/// What diagrams say, without the classes that live for no time.
struct HomologyClasses {
    let classes: [NaiveHomology.Class]

    init(_ diagrams: [PersistenceDiagram]) throws {
        classes = try diagrams.flatMap { diagram in
            let (births, deaths) = (try diagram.births.array(of: Double.self), try diagram.deaths.array(of: Double.self))
            let ending = zip(births, deaths).filter { $0 != $1 }
            let lasting = try diagram.essentialBirths.array(of: Double.self).map { ($0, Double.infinity) }
            return (ending + lasting).map { NaiveHomology.Class(dimension: diagram.dimension, birth: $0, death: $1) }
        }.sorted()
    }

    private init(_ classes: [NaiveHomology.Class]) { self.classes = classes.sorted() }

    /// The classes with other births and deaths; what never dies still does not.
    func map(_ change: (NaiveHomology.Class) -> (Double, Double)) -> HomologyClasses {
        HomologyClasses(
            classes.map { old in
                let (birth, death) = change(old)
                return NaiveHomology.Class(dimension: old.dimension, birth: birth, death: old.death == .infinity ? .infinity : death)
            })
    }
}
