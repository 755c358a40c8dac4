namespace CoExpr

/// What a co-expression run found, as its report shows it.
type CoexpressionReport = {
    /// Name of the data: the input file's.
    Source: string
    Quantity: Quantity
    Cells: int64
    Genes: int64
    /// How cells are counted, as a clause: "cells in which neither gene is expressed are left out of a pair".
    Convention: string
    /// What a reader must know before trusting the scores, as a sentence.
    Caution: string option
    /// Names and values of the run: version, options, seed, input hash, kernel, seconds, peak memory, threads.
    Facts: (string * string) list
    /// Edges of the bins of scores, one more than there are bins.
    Edges: float[]
    /// Pairs of genes per bin.
    Counts: int64[]
    /// The genes of the heat map, up to about a hundred, in any order.
    HeatMapGenes: string[]
    /// Their scores, genes × genes, row by row; NaN where a pair was not kept.
    HeatMapScores: float[]
    /// The strongest hubs, strongest first.
    Hubs: Hub[]
}

/// The reports of CoExpr's jobs, each one self-contained HTML page.
[<RequireQualifiedAccess>]
module Report =

    let private summary report pairs =
        let cells = Wording.counted report.Cells "cell"
        let genes = Wording.counted report.Genes "gene"

        $"{Quantity.title report.Quantity} of {pairs} of {genes}, estimated from {cells}; {report.Convention}. "
        + Option.defaultValue "" report.Caution

    let private distribution report =
        if Array.sum report.Counts = 0L then
            Html.notice "Distribution of scores" "No pair of genes has a score, so there is no distribution to show."
        else
            Figures.scoreDistribution report.Quantity report.Edges report.Counts
            |> Html.figure "score-distribution"

    let private heatMap report =
        let n = report.HeatMapGenes.Length

        let kept =
            Seq.exists
                (fun at -> at / n < at % n && not (System.Double.IsNaN report.HeatMapScores[at]))
                (seq { 0 .. n * n - 1 })

        if kept then
            Figures.clusteredHeatMap report.Quantity report.HeatMapGenes report.HeatMapScores
            |> Html.figure "gene-clusters"
        else
            Html.notice "Genes by cluster" "No pair of genes was kept, so there is nothing to cluster."

    let private hubs report =
        if report.Hubs.Length = 0 then
            Html.notice "Hubs and their partners" "No pair of genes was kept, so no gene has a partner."
        else
            Html.neighbourTable "hubs" report.Quantity report.Hubs

    /// The page of a co-expression run. What there is nothing of is said in a sentence instead of an empty figure.
    /// Throws ArgumentException where the arrays do not fit together.
    let coexpression report =
        let pairs = Wording.counted (Array.sum report.Counts) "pair"
        let sections = [ distribution report; heatMap report; hubs report ]
        Html.page "co-expression report" report.Source (summary report pairs) report.Facts sections
