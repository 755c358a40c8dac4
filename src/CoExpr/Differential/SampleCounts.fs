namespace CoExpr

open System

/// Counts of genes in samples (bulk libraries or sums of cells), dense.
type SampleCounts = {
    /// Where they came from, for messages.
    Source: string
    Genes: string[]
    Samples: string[]
    /// Genes x samples, a gene contiguous; whole numbers of 0 or more.
    Values: float[]
} with

    /// One gene's counts, one per sample, in place.
    member this.Of(gene: int) =
        ReadOnlySpan(this.Values, gene * this.Samples.Length, this.Samples.Length)

[<RequireQualifiedAccess>]
module SampleCounts =

    /// Doubles hold every whole number up to here.
    [<Literal>]
    let private LargestCount = 9007199254740992.0

    let private isCount value =
        value >= 0.0 && value <= LargestCount && value = floor value

    let private firstBad source (genes: string[]) (samples: string[]) (values: float[]) =
        values
        |> Array.tryFindIndex (isCount >> not)
        |> Option.map (fun at ->
            let gene, sample = genes[at / samples.Length], samples[at % samples.Length]

            let advice =
                "The model is one of counts: whole numbers of 0 or more, neither scaled nor logged."

            CoExprError.BadValue(source, gene, sample, values[at], advice))

    /// Puts counts and their names together: genes x samples values, a gene contiguous.
    ///
    /// UnequalLengths; DuplicateName of two genes or samples; BadValue for what is no whole number of 0 or more.
    let create source (genes: string[]) (samples: string[]) (values: float[]) : Result<SampleCounts, CoExprError> =
        let expected = int64 genes.Length * int64 samples.Length

        if values.LongLength <> expected then
            Error(CoExprError.UnequalLengths($"{source}: counts", expected, values.LongLength))
        else
            let faults =
                seq {
                    Cells.firstDuplicate source "gene" genes
                    Cells.firstDuplicate source "sample" samples
                    firstBad source genes samples values
                }

            match faults |> Seq.tryPick id with
            | Some error -> Error error
            | None ->
                Ok {
                    Source = source
                    Genes = genes
                    Samples = samples
                    Values = values
                }

    /// The cells of a file as samples: for tables of bulk counts.
    let ofCells (cells: Cells) : Result<SampleCounts, CoExprError> =
        let samples, genes = cells.Counts.Cells, cells.Counts.Genes
        let size = int64 samples * int64 genes

        if size > int64 Array.MaxLength then
            let what = $"{cells.Source}: {samples} samples x {genes} genes, dense"
            Error(CoExprError.TooLarge(what, size, int64 Array.MaxLength))
        else
            let values = Array.zeroCreate<float>(int size)
            let byGene = cells.Counts.ByGene

            for gene in 0 .. genes - 1 do
                let found = byGene.IndicesOf gene
                let counted = byGene.ValuesOf gene

                for at in 0 .. found.Length - 1 do
                    values[gene * samples + found[at]] <- float counted[at]

            create cells.Source cells.GeneTable.Names cells.CellTable.Names values

    /// The rows of a table of samples in the order of the counts. UnknownLabel for a sample that the table lacks; further
    /// rows of the table are left out.
    let align (tableSource: string) (table: Table) (counts: SampleCounts) : Result<Table, CoExprError> =
        match Cells.firstDuplicate tableSource "sample" table.Names with
        | Some error -> Error error
        | None ->
            let rows = Collections.Generic.Dictionary<string, int>()
            table.Names |> Array.iteri (fun row name -> rows[name] <- row)

            match counts.Samples |> Array.tryFind (rows.ContainsKey >> not) with
            | Some _ when counts.Genes |> Array.exists rows.ContainsKey ->
                Error(
                    CoExprError.BadOption(
                        "genes and samples",
                        "exchanged",
                        $"names that {tableSource} has for samples are those of genes in {counts.Source} as it was read; tell where its genes are (--genes-in rows or columns)"
                    )
                )
            | Some sample ->
                Error(
                    CoExprError.UnknownLabel(
                        $"{tableSource}: sample of {counts.Source}",
                        sample,
                        Array.toList table.Names
                    )
                )
            | None -> Ok(Table.take (counts.Samples |> Array.map (fun sample -> rows[sample])) table)

    /// Counts with another gene's values in place of some; for tests and for outliers.
    let internal withValues (values: float[]) (counts: SampleCounts) = { counts with Values = values }

    /// The genes of this order.
    let takeGenes (order: int[]) (counts: SampleCounts) =
        let samples = counts.Samples.Length

        {
            counts with
                Genes = order |> Array.map (fun gene -> counts.Genes[gene])
                Values =
                    Array.init (order.Length * samples) (fun at ->
                        counts.Values[order[at / samples] * samples + at % samples])
        }
