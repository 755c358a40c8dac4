namespace CoExpr

open System

/// How much deeper each sample was sequenced than a typical one.
[<RequireQualifiedAccess>]
type SampleFactors =
    /// The median over genes of count / geometric mean, over genes counted in every sample (Anders and Huber 2010).
    | MedianOfRatios
    /// The same with geometric means in which the logarithm of 0 counts as 0, for data in which every gene misses
    /// somewhere. Scaled to a geometric mean of 1.
    | PositiveCounts
    /// Each sample's total over the mean of all totals.
    | LibrarySize
    /// The user's own: one per sample, above 0.
    | Given of float[]
    /// One per gene and sample, genes x samples, above 0: what corrects for length or composition too.
    | GivenPerGene of float[]

/// Size factors of bulk samples.
[<RequireQualifiedAccess>]
module MedianOfRatios =

    /// The mean over samples of ln count; −∞ where a count is 0.
    let private meanLog (counts: SampleCounts) gene =
        let values = counts.Of gene
        let mutable sum = 0.0

        for at in 0 .. values.Length - 1 do
            sum <- sum + log values[at]

        sum / float values.Length

    /// The same with 0 for the logarithm of 0; −∞ for a gene without counts.
    let private meanPositiveLog (counts: SampleCounts) gene =
        let values = counts.Of gene
        let mutable sum = 0.0
        let mutable any = false

        for at in 0 .. values.Length - 1 do
            if values[at] > 0.0 then
                sum <- sum + log values[at]
                any <- true

        if any then sum / float values.Length else -infinity

    /// e^median of ln count − mean log, over the genes that have both.
    let private medianRatio (counts: SampleCounts) (meanLogs: float[]) sample =
        let samples = counts.Samples.Length

        let ratios = [|
            for gene in 0 .. counts.Genes.Length - 1 do
                let count = counts.Values[gene * samples + sample]

                if count > 0.0 && Double.IsFinite meanLogs[gene] then
                    log count - meanLogs[gene]
        |]

        exp (OrderStatistics.median ratios)

    let private requireUsable (counts: SampleCounts) (factors: float[]) =
        match factors |> Array.tryFindIndex (fun f -> not (f > 0.0 && f < infinity)) with
        | Some at ->
            let what =
                $"counts above 0 of sample {counts.Samples[at]}, in genes that tell how deeply it was sequenced,"

            Error(CoExprError.TooFew(what, 0L, 1L, "Leave the sample out, or give size factors."))
        | None -> Ok factors

    let private ofMeans counts mean =
        let meanLogs = Array.init counts.Genes.Length (mean counts)

        if meanLogs |> Array.exists Double.IsFinite then
            requireUsable counts (Array.init counts.Samples.Length (medianRatio counts meanLogs))
        else
            Error(
                CoExprError.TooFew(
                    "genes that are counted in every sample",
                    0L,
                    1L,
                    "Use positive counts (poscounts) or library sizes as size factors."
                )
            )

    let private geometricMeanOne (factors: float[]) =
        let centre = exp (factors |> Array.averageBy log)
        factors |> Array.map (fun factor -> factor / centre)

    let private librarySize (counts: SampleCounts) =
        let samples = counts.Samples.Length

        let totals =
            Array.init samples (fun sample ->
                let mutable sum = 0.0

                for gene in 0 .. counts.Genes.Length - 1 do
                    sum <- sum + counts.Values[gene * samples + sample]

                sum)

        let mean = Array.average totals
        requireUsable counts (totals |> Array.map (fun total -> total / mean))

    let private requireGiven name expected (factors: float[]) =
        if factors.Length <> expected then
            Error(CoExprError.UnequalLengths(name, int64 expected, factors.LongLength))
        else
            match factors |> Array.tryFindIndex (fun f -> not (f > 0.0 && f < infinity)) with
            | Some at ->
                Error(
                    CoExprError.BadOption(
                        name,
                        string factors[at],
                        $"each must be above 0 and finite; see number {at + 1}"
                    )
                )
            | None -> Ok factors

    /// One factor per sample, or genes x samples of them where they were given so. A factor of 2 means twice as deep.
    let factors (kind: SampleFactors) (counts: SampleCounts) : Result<float[], CoExprError> =
        match kind with
        | SampleFactors.MedianOfRatios -> ofMeans counts meanLog
        | SampleFactors.PositiveCounts -> ofMeans counts meanPositiveLog |> Result.map geometricMeanOne
        | SampleFactors.LibrarySize -> librarySize counts
        | SampleFactors.Given factors -> requireGiven "size factors" counts.Samples.Length factors
        | SampleFactors.GivenPerGene factors -> requireGiven "normalization factors" counts.Values.Length factors
