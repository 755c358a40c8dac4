namespace CoExpr

open System

/// A hit as the table of the strongest has it.
type HighlightedHit = {
    /// Its number among the perturbations.
    Perturbation: int
    /// Its number among the genes.
    Gene: int
    LogFoldChange: float
    /// Whether the fold change rests on both groups.
    HasFold: bool
    /// Whether the perturbed cells have more.
    IsUp: bool
    Log10P: float
    QValue: float
    Mean: float
    ReferenceMean: float
}

/// What a page shows of the rows of a result. It is gathered perturbation by perturbation, so that the rows of one at a time
/// need be in memory.
type DifferentialHighlights = {
    /// What was tested; its rows need not be there.
    Result: DifferentialResult
    /// Hits of each perturbation that are higher in its cells.
    Up: int[]
    /// Hits of each perturbation that are lower in its cells.
    Down: int[]
    /// Rows that have a p.
    Rows: int64
    /// Of each perturbation.
    Volcanoes: VolcanoPoint[][]
    /// The hits of lowest p, lowest first.
    Strongest: HighlightedHit[]
    /// Rows with a p that could have been below 1.
    Testable: int
    /// Their p against chance.
    Quantiles: QuantilePoint[]
    /// The result cut down to the genes that most perturbations share as hits, and to the perturbations with most of those;
    /// None where no gene is a hit of two.
    Shared: DifferentialResult option
}

[<RequireQualifiedAccess>]
module DifferentialHighlights =

    /// Rows that a page still scrolls well.
    [<Literal>]
    let private MostHits = 500

    /// Hits of a perturbation.
    let hits highlights perturbation =
        highlights.Up[perturbation] + highlights.Down[perturbation]

    /// Hits of all perturbations.
    let allHits highlights =
        Array.sumBy int64 highlights.Up + Array.sumBy int64 highlights.Down

    /// The perturbations, most hits first; those of as many in order of name.
    let byHits highlights =
        Array.init highlights.Up.Length (hits highlights)
        |> DifferentialHits.byHits highlights.Result.Perturbations

    /// A result with the rows of a perturbation, and the number of the perturbation in it.
    type private Look = int -> struct (DifferentialResult * int)

    let private highlighted perturbation (one: DifferentialResult) at gene =
        let rows, place = one.Rows, one.Place(at, gene)

        {
            Perturbation = perturbation
            Gene = gene
            LogFoldChange = rows.LogFoldChange[place]
            HasFold = DifferentialHits.hasFold rows place
            IsUp = DifferentialHits.isUp rows place
            Log10P = rows.Log10P[place]
            QValue = rows.QValue[place]
            Mean = rows.Mean[place]
            ReferenceMean = rows.ReferenceMean[place]
        }

    /// As `DifferentialHits.stronger` has it.
    let private stronger (result: DifferentialResult) a b =
        let ordinal (names: string[]) i j =
            String.CompareOrdinal(names[i], names[j])

        match compare a.Log10P b.Log10P with
        | 0 ->
            match ordinal result.GeneTable.Names a.Gene b.Gene with
            | 0 -> ordinal result.Perturbations a.Perturbation b.Perturbation
            | order -> order
        | order -> order

    /// The strongest of those known and those of one more perturbation.
    let private strongestOf result known more =
        Array.append known more
        |> Array.sortWith (stronger result)
        |> Array.truncate MostHits

    let private genesHit (one: DifferentialResult) at =
        Array.init one.GeneTable.Names.Length id
        |> Array.filter (fun gene -> DifferentialHits.isHit one.Rows (one.Place(at, gene)))

    let private rowsWithP (one: DifferentialResult) at =
        let first = one.Place(at, 0)

        Seq.init one.GeneTable.Names.Length (fun gene -> one.Rows.Log10P[first + gene])
        |> Seq.filter (Double.IsNaN >> not)
        |> Seq.length

    /// The rows of these genes and perturbations alone.
    let private cut (result: DifferentialResult) (look: Look) (genes: int[]) (perturbations: int[]) =
        let rows = ContrastRows.create perturbations.Length genes.Length []

        perturbations
        |> Array.iteri (fun row perturbation ->
            let struct (one, at) = look perturbation

            genes
            |> Array.iteri (fun column gene ->
                let from, into = one.Place(at, gene), row * genes.Length + column
                rows.LogFoldChange[into] <- one.Rows.LogFoldChange[from]
                rows.Log10P[into] <- one.Rows.Log10P[from]
                rows.QValue[into] <- one.Rows.QValue[from]
                rows.Status[into] <- one.Rows.Status[from]))

        let chosen (values: 'a[]) =
            perturbations |> Array.map (fun perturbation -> values[perturbation])

        {
            result with
                Perturbations = chosen result.Perturbations
                Cells = chosen result.Cells
                ReferenceCells = chosen result.ReferenceCells
                GeneTable = Table.take genes result.GeneTable
                Rows = rows
        }

    /// Takes one more look at the rows, to count each perturbation's hits among the genes that most share.
    let private shared (result: DifferentialResult) (look: Look) (geneHits: int[]) =
        match SharedHits.genes result.GeneTable.Names geneHits with
        | [||] -> None
        | genes ->
            Array.init result.Perturbations.Length (fun perturbation ->
                let struct (one, at) = look perturbation

                genes
                |> Array.filter (fun gene -> DifferentialHits.isHit one.Rows (one.Place(at, gene)))
                |> Array.length)
            |> SharedHits.perturbations result.Perturbations
            |> cut result look genes
            |> Some

    let private gather (result: DifferentialResult) (look: Look) =
        let perturbations, genes =
            result.Perturbations.Length, result.GeneTable.Names.Length

        let up, down =
            Array.zeroCreate<int> perturbations, Array.zeroCreate<int> perturbations

        let volcanoes = Array.create<VolcanoPoint[]> perturbations [||]
        let geneHits = Array.zeroCreate<int> genes
        let mutable strongest, rows, testable = [||], 0L, 0
        // One array for all p, since of growing ones there would be two.
        let log10P = Array.zeroCreate<float>(perturbations * genes)

        for perturbation in 0 .. perturbations - 1 do
            let struct (one, at) = look perturbation
            let struct (higher, lower) = DifferentialHits.counts one at
            up[perturbation] <- higher
            down[perturbation] <- lower
            volcanoes[perturbation] <- Volcano.points one (Volcano.room perturbations) at
            let hit = genesHit one at
            hit |> Array.iter (fun gene -> geneHits[gene] <- geneHits[gene] + 1)

            strongest <-
                hit
                |> Array.map (highlighted perturbation one at)
                |> strongestOf result strongest

            rows <- rows + int64 (rowsWithP one at)
            let values = DifferentialHits.testableLog10P one at
            Array.blit values 0 log10P testable values.Length
            testable <- testable + values.Length

        Array.Sort(log10P, 0, testable)

        {
            Result = result
            Up = up
            Down = down
            Rows = rows
            Volcanoes = volcanoes
            Strongest = strongest
            Testable = testable
            Quantiles = QuantileQuantile.pointsOf testable log10P
            Shared = shared result look geneHits
        }

    /// Of a result with all its rows.
    let ofResult (result: DifferentialResult) =
        gather result (fun perturbation -> struct (result, perturbation))

    /// Of a result without rows; those of a perturbation alone are asked for twice or thrice.
    let ofRows (result: DifferentialResult) (rowsOf: int -> ContrastRows) =
        gather result (fun perturbation ->
            struct ({
                        result with
                            Perturbations = [| result.Perturbations[perturbation] |]
                            Cells = [| result.Cells[perturbation] |]
                            ReferenceCells = [| result.ReferenceCells[perturbation] |]
                            Rows = rowsOf perturbation
                    },
                    0))
