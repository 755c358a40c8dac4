namespace CoExpr

open System

/// What is called significant in the predictions up to an FDR, held against what is in the real cells.
[<Struct>]
type PrecisionRecallPoint = {
    /// Genes with a predicted FDR up to here are called.
    Fdr: float
    Recall: float
    Precision: float
}

/// Precision against recall over all genes of all perturbations together: positives have a real FDR below 0.05.
[<RequireQualifiedAccess>]
module PrecisionRecallCurve =

    /// Steps of a power of ten.
    [<Literal>]
    let private Steps = 25

    /// Smaller FDRs are as one (as in the areas, cell-eval 0.8.1).
    [<Literal>]
    let private Powers = 10

    [<Literal>]
    let private Threshold = 0.05

    /// The bin of an FDR: 0 up to 1e-10, the last for 1 alone.
    let private bin (fdr: float) =
        let power = log10 (Math.Clamp(fdr, Math.Pow(10.0, -float Powers), 1.0))
        int (ceil ((power + float Powers) * float Steps - 1e-9))

    /// Adds one perturbation's genes to the bins; a gene that the prediction lacks counts as FDR 1, and so does NaN.
    let private add
        (real: DeTable)
        (predicted: DeTable)
        geneOf
        (rowOf: int[])
        (positives: int64[])
        (negatives: int64[])
        target
        =
        for row in real.Starts[target] .. real.Starts[target + 1] - 1 do
            if DeTable.hasFdr real row then
                let gene: int = Array.get geneOf (DeTable.feature real row)
                let partner = if gene < 0 then -1 else rowOf[gene]

                let fdr =
                    if
                        partner >= 0
                        && DeTable.hasFdr predicted partner
                        && not (Double.IsNaN predicted.Fdr[partner])
                    then
                        predicted.Fdr[partner]
                    else
                        1.0

                let counts = if real.Fdr[row] < Threshold then positives else negatives
                counts[bin fdr] <- counts[bin fdr] + 1L

    let private counted (real: DeTable) (predicted: DeTable) =
        let targetOf = DeTable.numbersIn predicted.Targets real.Targets
        let geneOf = DeTable.numbersIn predicted.Features real.Features
        let rowOf = Array.create predicted.Features.Length -1
        let bins = Powers * Steps + 1

        let positives, negatives =
            Array.zeroCreate<int64> bins, Array.zeroCreate<int64> bins

        for target in 0 .. real.Targets.Length - 1 do
            let other = targetOf[target]

            let rows =
                if other < 0 then
                    [||]
                else
                    [| predicted.Starts[other] .. predicted.Starts[other + 1] - 1 |]

            for row in rows do
                rowOf[DeTable.feature predicted row] <- row

            add real predicted geneOf rowOf positives negatives target

            for row in rows do
                rowOf[DeTable.feature predicted row] <- -1

        positives, negatives

    /// Points from the smallest FDR to 1, where every gene is called: recall is 1 there, and precision the share of positives.
    /// Thresholds at which nothing more is called are left out. Nothing for tables without positives.
    let compute (real: DeTable) (predicted: DeTable) : PrecisionRecallPoint[] =
        let positives, negatives = counted real predicted
        let all = Array.sum positives
        let mutable right, called = 0L, 0L

        if all = 0L then
            [||]
        else
            [|
                for at in 0 .. positives.Length - 1 do
                    right <- right + positives[at]
                    called <- called + positives[at] + negatives[at]

                    if positives[at] + negatives[at] > 0L then
                        {
                            Fdr = Math.Pow(10.0, float at / float Steps - float Powers)
                            Recall = float right / float all
                            Precision = float right / float called
                        }
            |]
