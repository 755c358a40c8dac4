namespace CoExpr

open System
open System.Collections.Generic

/// How one perturbation's significant genes are told by a prediction (cell-eval2 0.16): the gene that is perturbed does not
/// count, and what is not defined has the worst value.
type SignificanceScore = {
    RealSignificant: int
    PredictedSignificant: int
    /// Predicted significant genes that change as the real ones do, over the longer of both lists; 0 for empty lists.
    FidelityYield: float
    /// The longest start of the real list, surest predictions first, nine tenths of which change as predicted, over the
    /// list; 0 for an empty one.
    Reach: float
    /// Significant genes of both tables over those of either; 1 where there are none.
    Jaccard: float
    /// Σ |x − y| / Σ |y| of fold changes over the real list; None for fewer than ten genes.
    FoldChangeError: float option
    /// TP / positives + TN / negatives − 1; −1 where there are no positives or no negatives.
    Informedness: float
    /// TP / called + TN / not called − 1; −1 where none or all are called.
    Markedness: float
    /// Correlation of truth and call (Matthews 1975); −1 where one is constant.
    Correlation: float
}

[<RequireQualifiedAccess>]
module SignificanceScores =

    /// Share of a prefix whose signs must agree.
    [<Literal>]
    let private Purity = 0.9

    /// Genes that a mean of fold changes needs.
    [<Literal>]
    let private LeastGenes = 10

    /// What a table says of a gene; NaN where it says nothing.
    type private Row = {
        FoldChange: float
        PValue: float
        Fdr: float
    }

    let private nothing = {
        FoldChange = nan
        PValue = nan
        Fdr = nan
    }

    let private rowsOf (table: DeTable) target ownGene =
        let rows = Dictionary<string, Row>()

        if target >= 0 then
            for row in table.Starts[target] .. table.Starts[target + 1] - 1 do
                let gene = table.Features[DeTable.feature table row]

                if gene <> ownGene then
                    rows[gene] <- {
                        FoldChange =
                            if DeTable.hasFoldChange table row then
                                table.Log2FoldChange[row]
                            else
                                nan
                        PValue = table.PValue[row]
                        Fdr = if DeTable.hasFdr table row then table.Fdr[row] else nan
                    }

        rows

    let private significant threshold (rows: Dictionary<string, Row>) = [|
        for KeyValue(gene, row) in rows do
            if row.Fdr < threshold then
                gene
    |]

    let private find (rows: Dictionary<string, Row>) gene =
        match rows.TryGetValue gene with
        | true, row -> row
        | _ -> nothing

    /// Whether both change, and the same way.
    let private agrees (real: Row) (predicted: Row) =
        real.FoldChange * predicted.FoldChange > 0.0

    let private last value =
        if Double.IsNaN value then infinity else value

    /// Surest first: by FDR, p-value, size of the change and name.
    let private surestFirst predicted (genes: string[]) =
        genes
        |> Array.sortWith (fun a b ->
            let x, y = find predicted a, find predicted b

            let size row =
                if Double.IsNaN row.FoldChange then
                    0.0
                else
                    abs row.FoldChange

            match compare (last x.Fdr, last x.PValue, -(size x)) (last y.Fdr, last y.PValue, -(size y)) with
            | 0 -> String.CompareOrdinal(a, b)
            | order -> order)

    let private reach real predicted (genes: string[]) =
        let mutable right, deepest = 0, 0

        surestFirst predicted genes
        |> Array.iteri (fun at gene ->
            if agrees (find real gene) (find predicted gene) then
                right <- right + 1

            if float right >= Purity * float (at + 1) then
                deepest <- at + 1)

        if genes.Length = 0 then
            0.0
        else
            float deepest / float genes.Length

    let private foldChangeError real predicted (genes: string[]) =
        let known =
            genes |> Array.filter (fun gene -> Double.IsFinite (find real gene).FoldChange)

        let size = known |> Array.sumBy (fun gene -> abs (find real gene).FoldChange)

        let error gene =
            let claimed = (find predicted gene).FoldChange
            abs ((if Double.IsFinite claimed then claimed else 0.0) - (find real gene).FoldChange)

        if known.Length < LeastGenes || size = 0.0 then
            None
        else
            Some(Array.sumBy error known / size)

    /// a / n + b / m − 1, −1 where a divisor is 0.
    let private beyondChance a n b m =
        if n = 0 || m = 0 then
            -1.0
        else
            float a / float n + float b / float m - 1.0

    let private matthews right called positives genes =
        let truth = float positives * float (genes - positives)
        let calls = float called * float (genes - called)

        if truth = 0.0 || calls = 0.0 then
            -1.0
        else
            (float right * float genes - float called * float positives)
            / sqrt (truth * calls)

    let private score threshold (real: Dictionary<string, Row>) (predicted: Dictionary<string, Row>) =
        let truth, called = significant threshold real, significant threshold predicted
        let both = HashSet(truth)
        both.IntersectWith called
        let genes = HashSet(real.Keys)
        genes.UnionWith predicted.Keys
        let all, positives, claimed = genes.Count, truth.Length, called.Length
        let wrongless = all - positives - claimed + both.Count

        let right =
            called
            |> Array.filter (fun gene -> agrees (find real gene) (find predicted gene))
            |> Array.length

        let either = positives + claimed - both.Count

        {
            RealSignificant = positives
            PredictedSignificant = claimed
            FidelityYield =
                if either = 0 then
                    0.0
                else
                    float right / float (max positives claimed)
            Reach = reach real predicted truth
            Jaccard = if either = 0 then 1.0 else float both.Count / float either
            FoldChangeError = foldChangeError real predicted truth
            Informedness = beyondChance both.Count positives wrongless (all - positives)
            Markedness = beyondChance both.Count claimed wrongless (all - claimed)
            Correlation = matthews both.Count claimed positives all
        }

    /// What is learnt of each perturbation of the real table. The gene that a perturbation targets is `targetOf` it, or called
    /// as it is. Same results for any number of threads.
    let compute threads threshold (targetOf: Map<string, string>) (real: DeTable) (predicted: DeTable) =
        let numbers = Dictionary<string, int>()
        predicted.Targets |> Array.iteri (fun at name -> numbers[name] <- at)
        let scores = Array.zeroCreate<SignificanceScore> real.Targets.Length

        Schedule.blocks threads scores.Length ignore (fun () target ->
            let name = real.Targets[target]
            let own = Map.tryFind name targetOf |> Option.defaultValue name

            let other =
                match numbers.TryGetValue name with
                | true, at -> at
                | _ -> -1

            scores[target] <- score threshold (rowsOf real target own) (rowsOf predicted other own))

        scores
