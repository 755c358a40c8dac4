namespace CoExpr

open System
open System.Collections.Generic

/// Rows of tests by ranges of perturbations: range i is the perturbations Starts[i] to before Starts[i + 1].
type RangedRows = {
    Starts: int[]
    /// The rows of a range. Those of several are made anew whenever they are asked for, since together they take gigabytes.
    Make: int -> ContrastRows
}

/// Tests of more perturbations than should be in memory with all that is known of them: a few perturbations at a time, of
/// which fold changes, p- and q-values are kept.
type RangedTests = {
    /// What was tested; rows are in `Rows`.
    Summary: DifferentialResult
    Rows: RangedRows
    /// Perturbations x genes, as are the others.
    FoldChange: float[]
    PValue: float[]
    QValue: float[]
}

[<RequireQualifiedAccess>]
module RangedTests =

    /// Tests of two samples do not bear on each other; models of counts share what is estimated over all cells.
    let private areApart test =
        match test with
        | DifferentialTest.RankSum _
        | DifferentialTest.Welch _ -> true
        | DifferentialTest.NegativeBinomial _
        | DifferentialTest.Crispyx _
        | DifferentialTest.Deseq2 _ -> false

    let private startsOf (options: DifferentialOptions) atOnce genes perturbations =
        let size = max 1 (atOnce / max 1 genes)

        if perturbations <= size || not (areApart options.Test) then
            [| 0; perturbations |]
        else
            [| yield! seq { 0..size .. perturbations - 1 }; perturbations |]

    /// The cells of some perturbations and of the control.
    let private cellsOf (groups: Groups) (names: string[]) (cells: Cells) =
        let wanted = HashSet names

        let members = [|
            for group in 0 .. groups.Labels.Length - 1 do
                if groups.Control = Some group || wanted.Contains groups.Labels[group] then
                    yield! Groups.members group groups
        |]

        Cells.takeCells (Array.sort members) cells

    /// The tests of a range, rows changed as is asked for.
    let private test progress options change cells groups (starts: int[]) (perturbations: string[]) range =
        if starts.Length = 2 then
            DifferentialExpression.compute progress options cells
        else
            cellsOf groups perturbations[starts[range] .. starts[range + 1] - 1] cells
            |> DifferentialExpression.compute { progress with Report = ignore } options
        |> Result.map (fun part ->
            change part.Rows
            part)

    let private requireRoom perturbations genes =
        let rows = int64 perturbations * int64 genes

        if rows > int64 Array.MaxLength then
            Error(CoExprError.TooLarge("perturbations times genes", rows, int64 Array.MaxLength))
        else
            Ok()

    /// What is known of all ranges but their rows.
    let private summaryOf (cells: Cells) (groups: Groups) (parts: DifferentialResult list) =
        let all pick = parts |> List.map pick |> Array.concat

        {
            parts.Head with
                Perturbations = all _.Perturbations
                Cells = all _.Cells
                ReferenceCells = all _.ReferenceCells
                CellNames = cells.CellTable.Names
                Notes = parts |> List.collect _.Notes
                LeftOut = cells.Counts.Cells - groups.Order.Length
                Rows = ContrastRows.create 0 cells.Counts.Genes []
        }

    /// The work for every range, one after the other; the first error ends it.
    let private each (starts: int[]) work =
        (Ok [], [ 0 .. starts.Length - 2 ])
        ||> List.fold (fun before range ->
            before
            |> Result.bind (fun before -> work range |> Result.map (fun one -> one :: before)))
        |> Result.map List.rev

    /// Rows of a range are large arrays, which the collector lets lie as long as there is memory: hundreds of megabytes.
    let private letGo (starts: int[]) found =
        if starts.Length > 2 then
            GC.Collect(2, GCCollectionMode.Forced, true, false)

        found

    /// Tests every perturbation of columns of labels against the control, about `atOnce` rows at a time; `change` is done to
    /// rows when they are made. The numbers are those of `DifferentialExpression.compute` to the bit, and so are the errors;
    /// TooLarge for more rows than an array holds.
    let compute (progress: Progress) atOnce (options: DifferentialOptions) change (cells: Cells) =
        result {
            let! groups = Groups.create options.Perturbation options.Control cells

            let perturbations =
                groups.Labels |> Array.filter (fun label -> Some label <> options.Control)

            let genes = cells.Counts.Genes
            do! requireRoom perturbations.Length genes
            let starts = startsOf options atOnce genes perturbations.Length
            let make = test progress options change cells groups starts perturbations

            let columns =
                Array.init 3 (fun _ -> Array.zeroCreate<float>(perturbations.Length * genes))

            let advance =
                Progress.counter progress "testing" "perturbations" perturbations.Length

            let take range =
                make range
                |> Result.map (fun part ->
                    let rows = part.Rows

                    [| rows.LogFoldChange; rows.PValue; rows.QValue |]
                    |> Array.iteri (fun at values -> values.CopyTo(columns[at], starts[range] * genes))

                    advance (int64 part.Perturbations.Length)
                    // Of several ranges no rows are kept.
                    if starts.Length = 2 then
                        part
                    else
                        summaryOf cells groups [ part ])
                |> letGo starts

            let! parts = each starts take
            let only = parts.Head.Rows

            return {
                Summary = summaryOf cells groups parts
                Rows = {
                    Starts = starts
                    Make =
                        if starts.Length = 2 then
                            fun _ -> only
                        else
                            make >> CoExprError.unwrap >> _.Rows
                }
                FoldChange = columns[0]
                PValue = columns[1]
                QValue = columns[2]
            }
        }
