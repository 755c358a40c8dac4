namespace CoExpr

open System

/// How the cells of a sample are put together.
[<RequireQualifiedAccess>]
type PseudobulkKind =
    /// Counts are added up: what a model of counts needs.
    | Sum
    /// The mean per cell; no longer counts.
    | Mean

/// Cells put together by perturbation and replicate, or any other columns.
type Pseudobulk = {
    /// Genes x samples, a gene contiguous: sums, or means.
    Values: float[]
    Genes: string[]
    /// One row per sample that has enough cells: the columns that it was made by, and n_cells. A sample is named by its
    /// labels joined by "|", and samples come in the ordinal order of their names.
    Samples: Table
    /// Samples that had too few cells, with how many they had.
    TooSmall: (string * int)[]
    /// Cells that lack a label in one of the columns.
    Unlabelled: int
}

/// Sums of cells as samples: what makes replicates out of cells, so that tests know how much replicates differ (Squair and
/// others 2021).
[<RequireQualifiedAccess>]
module Pseudobulk =

    /// The column of the samples that says how many cells they are of.
    [<Literal>]
    let CellsColumn = "n_cells"

    let private sums (cells: Cells) (sampleOf: int[]) samples =
        let genes = cells.Counts.Genes
        let values = Array.zeroCreate<float>(genes * samples)
        let byGene = cells.Counts.ByGene

        // Whole numbers add up exactly, and other values in the order of the cells.
        Schedule.ranges Schedule.defaultThreads 64 genes (fun first next ->
            for gene in first .. next - 1 do
                let found = byGene.IndicesOf gene
                let counted = byGene.ValuesOf gene

                for at in 0 .. found.Length - 1 do
                    let sample = sampleOf[found[at]]

                    if sample >= 0 then
                        let place = gene * samples + sample
                        values[place] <- values[place] + float counted[at])

        values

    let private sampleTable (columns: string list) (cells: Cells) (groups: Groups) (kept: int[]) =
        let first = kept |> Array.map (fun group -> groups.Order[groups.Starts[group]])

        let sizes =
            kept
            |> Array.map (fun group -> int64 (groups.Starts[group + 1] - groups.Starts[group]))

        let named =
            columns
            |> List.toArray
            |> Array.map (fun name -> name, Column.take first (Table.tryColumn name cells.CellTable).Value)

        {
            Names = kept |> Array.map (fun group -> groups.Labels[group])
            Columns = Array.append named [| CellsColumn, Column.Integer(sizes, [||]) |]
        }

    let private make kind (columns: string list) least (cells: Cells) (groups: Groups) =
        let size group =
            groups.Starts[group + 1] - groups.Starts[group]

        let all = [| 0 .. groups.Labels.Length - 1 |]
        let kept = all |> Array.filter (fun group -> size group >= least)
        let sampleOf = Array.create cells.Counts.Cells -1

        kept
        |> Array.iteri (fun sample group ->
            for cell in Groups.members group groups do
                sampleOf[cell] <- sample)

        let values = sums cells sampleOf kept.Length

        if kind = PseudobulkKind.Mean then
            for at in 0 .. values.Length - 1 do
                values[at] <- values[at] / float (size kept[at % kept.Length])

        {
            Values = values
            Genes = cells.GeneTable.Names
            Samples = sampleTable columns cells groups kept
            TooSmall =
                all
                |> Array.filter (fun group -> size group < least)
                |> Array.map (fun group -> groups.Labels[group], size group)
            Unlabelled = cells.Counts.Cells - groups.Order.Length
        }

    /// Puts the cells together that have the same labels in these columns of the cell table. Samples of fewer than `least`
    /// cells are left out and told of. MissingPart for a column that is not there; BadOption for `least` below 1 or no
    /// column; TooFew where no sample is left.
    let create kind (columns: string list) (least: int) (cells: Cells) : Result<Pseudobulk, CoExprError> =
        if columns.IsEmpty then
            Error(CoExprError.BadOption("pseudobulk columns", "none", "name at least one column of the cell table"))
        elif least < 1 then
            Error(CoExprError.BadOption("least cells of a sample", string least, "must be 1 or more"))
        else
            Groups.create columns None cells
            |> Result.bind (fun groups ->
                let made = make kind columns least cells groups

                if made.Samples.Names.Length = 0 then
                    let names = String.Join(", ", columns)

                    let advice =
                        $"Lower the least number of cells, or choose coarser columns than {names}."

                    Error(CoExprError.TooFew($"samples of at least {least} cells", 0L, 1L, advice))
                else
                    Ok made)

    /// The sums as counts of samples. BadValue where they are no whole numbers: means, or cells that held no counts.
    let counts source (pseudobulk: Pseudobulk) : Result<SampleCounts, CoExprError> =
        SampleCounts.create source pseudobulk.Genes pseudobulk.Samples.Names pseudobulk.Values
