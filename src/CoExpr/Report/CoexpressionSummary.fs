namespace CoExpr

open CoExpr.Kernels

/// What a report shows of a co-expression result.
[<RequireQualifiedAccess>]
module CoexpressionSummary =

    /// Bins of the distribution of scores.
    let private bins = 60

    /// Genes of the heat map: more would leave no room for their names.
    let private heatMapGenes = 60

    let private hubCount = 200
    let private partnersOfHub = 8

    /// A transform takes the magnitudes of scores and gives plain numbers.
    let private quantity (options: CoexpressionOptions) =
        let signed = options.Signed && Measure.isInformation options.Measure
        let title = Measure.title options.Measure

        match options.Transform with
        | Transform.None -> {
            Name = (if signed then $"signed {title}" else title)
            Unit = Measure.unitName options.Measure
            Signed = Measure.isSigned options.Signed options.Measure
          }
        | Transform.ContextLikelihood -> {
            Name = $"context likelihood of {title}"
            Unit = ""
            Signed = false
          }
        | Transform.MinimumRedundancy -> {
            Name = $"{title} less redundancy"
            Unit = Measure.unitName options.Measure
            Signed = false
          }

    let private convention (options: CoexpressionOptions) =
        match options.Measure, options.Cells with
        | Measure.Jaccard, _ -> "every pair is scored over the cells that express either gene"
        | measure, CellsIn.EitherGene when Measure.hasConvention measure ->
            "cells in which neither gene is expressed are left out of a pair"
        | _ -> "every pair is scored over all cells"

    /// What a reader must know of the convention before trusting a score; nothing for the usual definition.
    let caution (options: CoexpressionOptions) =
        match options.Cells with
        | CellsIn.EitherGene when Measure.hasConvention options.Measure ->
            "Leaving out the cells that express neither gene raises the score of genes that are rarely found together; "
            + "compare --cells all, which is mutual information as usually defined."
            |> Some
        | _ -> None

    let private heatMap (scores: PairScores) (genes: int[]) = [|
        for row in genes do
            for column in genes do
                match scores.TryPair(row, column) with
                | ValueSome pair -> float pair.Score
                | ValueNone -> nan
    |]

    let private hub strength (scores: PairScores) (hub: HubGene) = {
        Gene = scores.Genes[hub.Gene]
        Strength = float hub.TotalScore
        Degree = hub.Degree
        Neighbours =
            PairScores.strongest strength scores hub.Gene
            |> Array.truncate partnersOfHub
            |> Array.map (fun partner -> scores.Genes[partner.Gene], float partner.Score)
    }

    /// The report of a result under the name of its input, with the facts of its run.
    let report source facts (result: CoexpressionResult) : CoexpressionReport =
        let scores = result.Scores
        let hubs = Hubs.strongest hubCount scores
        let shown = hubs |> Array.truncate heatMapGenes |> Array.map (fun hub -> hub.Gene)
        let edges, counts = PairScores.distribution bins scores

        {
            Source = source
            Quantity = quantity result.Options
            Cells = int64 result.Cells
            Genes = int64 scores.Genes.Length
            Convention = convention result.Options
            Caution = caution result.Options
            Facts = facts
            Edges = edges
            Counts = counts
            HeatMapGenes = shown |> Array.map (fun gene -> scores.Genes[gene])
            HeatMapScores = heatMap scores shown
            Hubs = hubs |> Array.map (hub result.Options.Strength scores)
        }
