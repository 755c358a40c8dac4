namespace CoExpr

open System

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
    [<Struct>]
    type private Row = {
        FoldChange: float
        PValue: float
        Fdr: float
    }

    /// Two tables whose genes have numbers in common.
    type private Pair = {
        Real: DeTable
        Predicted: DeTable
        /// Names of the genes of either.
        Genes: string[]
        /// Of each table's genes their numbers among these.
        OfReal: int[]
        OfPredicted: int[]
        Threshold: float
    }

    let private pairOf threshold (real: DeTable) (predicted: DeTable) =
        let genes = Array.append real.Features predicted.Features |> Array.distinct

        {
            Real = real
            Predicted = predicted
            Genes = genes
            OfReal = DeTable.numbersIn genes real.Features
            OfPredicted = DeTable.numbersIn genes predicted.Features
            Threshold = threshold
        }

    /// What a table says of one perturbation's genes, by their numbers in common. Room of one thread.
    type private Side(table: DeTable, numberOf: int[], genes: int) =
        let rowOf = Array.create genes -1

        /// The genes that are there.
        member val Genes: int[] = [||] with get, set

        /// Takes the rows of a perturbation, −1 for none, but not that of one gene.
        member this.Take(target, ownGene: string) =
            for gene in this.Genes do
                rowOf[gene] <- -1

            this.Genes <- [|
                if target >= 0 then
                    for row in table.Starts[target] .. table.Starts[target + 1] - 1 do
                        let feature = DeTable.feature table row

                        if table.Features[feature] <> ownGene then
                            rowOf[numberOf[feature]] <- row
                            numberOf[feature]
            |]

        member _.Has gene = rowOf[gene] >= 0

        member _.Find gene : Row =
            match rowOf[gene] with
            | -1 -> {
                FoldChange = nan
                PValue = nan
                Fdr = nan
              }
            | row -> {
                FoldChange =
                    if DeTable.hasFoldChange table row then
                        table.Log2FoldChange[row]
                    else
                        nan
                PValue = table.PValue[row]
                Fdr = if DeTable.hasFdr table row then table.Fdr[row] else nan
              }

    let private significant threshold (side: Side) =
        side.Genes |> Array.filter (fun gene -> (side.Find gene).Fdr < threshold)

    /// Whether both change, and the same way.
    let private agrees (real: Row) (predicted: Row) =
        real.FoldChange * predicted.FoldChange > 0.0

    let private last value =
        if Double.IsNaN value then infinity else value

    /// Surest first: by FDR, p-value, size of the change and name.
    let private surestFirst (names: string[]) (predicted: Side) (genes: int[]) =
        genes
        |> Array.sortWith (fun a b ->
            let x, y = predicted.Find a, predicted.Find b

            let size row =
                if Double.IsNaN row.FoldChange then
                    0.0
                else
                    abs row.FoldChange

            let byRate, byP, bySize =
                (last x.Fdr).CompareTo(last y.Fdr),
                (last x.PValue).CompareTo(last y.PValue),
                (size y).CompareTo(size x)

            if byRate <> 0 then byRate
            elif byP <> 0 then byP
            elif bySize <> 0 then bySize
            else String.CompareOrdinal(names[a], names[b]))

    let private reach names (real: Side) (predicted: Side) (genes: int[]) =
        let mutable right, deepest = 0, 0

        surestFirst names predicted genes
        |> Array.iteri (fun at gene ->
            if agrees (real.Find gene) (predicted.Find gene) then
                right <- right + 1

            if float right >= Purity * float (at + 1) then
                deepest <- at + 1)

        if genes.Length = 0 then
            0.0
        else
            float deepest / float genes.Length

    let private foldChangeError (real: Side) (predicted: Side) (genes: int[]) =
        let known =
            genes |> Array.filter (fun gene -> Double.IsFinite (real.Find gene).FoldChange)

        let size = known |> Array.sumBy (fun gene -> abs (real.Find gene).FoldChange)

        let error gene =
            let claimed = (predicted.Find gene).FoldChange
            abs ((if Double.IsFinite claimed then claimed else 0.0) - (real.Find gene).FoldChange)

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

    let private score pair (real: Side) (predicted: Side) =
        let truth, called =
            significant pair.Threshold real, significant pair.Threshold predicted

        let isTrue gene = (real.Find gene).Fdr < pair.Threshold

        let both = called |> Array.filter isTrue |> Array.length

        let all =
            real.Genes.Length
            + (predicted.Genes |> Array.filter (real.Has >> not) |> Array.length)

        let positives, claimed = truth.Length, called.Length
        let wrongless = all - positives - claimed + both

        let right =
            called
            |> Array.filter (fun gene -> agrees (real.Find gene) (predicted.Find gene))
            |> Array.length

        let either = positives + claimed - both

        {
            RealSignificant = positives
            PredictedSignificant = claimed
            FidelityYield =
                if either = 0 then
                    0.0
                else
                    float right / float (max positives claimed)
            Reach = reach pair.Genes real predicted truth
            Jaccard = if either = 0 then 1.0 else float both / float either
            FoldChangeError = foldChangeError real predicted truth
            Informedness = beyondChance both positives wrongless (all - positives)
            Markedness = beyondChance both claimed wrongless (all - claimed)
            Correlation = matthews both claimed positives all
        }

    /// What is learnt of each perturbation of the real table. The gene that a perturbation targets is `targetOf` it, or called
    /// as it is. Same results for any number of threads.
    let compute threads threshold (targetOf: Map<string, string>) (real: DeTable) (predicted: DeTable) =
        let pair = pairOf threshold real predicted
        let targetIn = DeTable.numbersIn predicted.Targets real.Targets
        let scores = Array.zeroCreate<SignificanceScore> real.Targets.Length

        let room () =
            Side(real, pair.OfReal, pair.Genes.Length), Side(predicted, pair.OfPredicted, pair.Genes.Length)

        Schedule.blocks threads scores.Length room (fun (ofReal, ofPredicted) target ->
            let name = real.Targets[target]
            let own = Map.tryFind name targetOf |> Option.defaultValue name

            ofReal.Take(target, own)
            ofPredicted.Take(targetIn[target], own)
            scores[target] <- score pair ofReal ofPredicted)

        scores
