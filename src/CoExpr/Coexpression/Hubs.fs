namespace CoExpr

/// A gene with many strong partners.
type HubGene = {
    /// Its number among the scored genes.
    Gene: int
    /// The sum over its kept pairs of |score| x cells; of scores in bits, what its partners tell about it over all cells.
    /// A score from thousands of cells so weighs more than the same score from three.
    TotalScore: float
    /// The number of kept pairs that it is in.
    Degree: int
}

/// The genes that the network of kept pairs hangs on.
[<RequireQualifiedAccess>]
module Hubs =

    /// One hub per gene, in order of the genes.
    let ofScores (scores: PairScores) =
        Array.init scores.Genes.Length (fun gene ->
            let partners = scores.Partners gene

            {
                Gene = gene
                TotalScore = partners |> Array.sumBy (fun partner -> abs partner.Score * float partner.Cells)
                Degree = partners.Length
            })

    /// The so many genes of the highest total score, highest first; equals by name.
    let strongest count (scores: PairScores) =
        ofScores scores
        |> Array.sortWith (fun a b ->
            match compare b.TotalScore a.TotalScore with
            | 0 -> System.String.CompareOrdinal(scores.Genes[a.Gene], scores.Genes[b.Gene])
            | order -> order)
        |> Array.truncate count
