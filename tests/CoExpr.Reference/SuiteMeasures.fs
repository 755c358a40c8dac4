namespace CoExpr.Reference

open System

/// Measures of other suites than cell-eval as their definitions read.
module SuiteMeasures =

    let private kept (leftOut: int list) (row: float[]) = [
        for at in 0 .. row.Length - 1 do
            if not (List.contains at leftOut) then
                row[at]
    ]

    let private over leftOut x y measure =
        measure (List.zip (kept leftOut x) (kept leftOut y))

    let chebyshev leftOut x y =
        over leftOut x y (List.map (fun (a, b) -> abs (a - b)) >> List.fold max 0.0)

    let canberra leftOut x y =
        over
            leftOut
            x
            y
            (List.sumBy (fun (a, b) ->
                if a = 0.0 && b = 0.0 then
                    0.0
                else
                    abs (a - b) / (abs a + abs b)))

    let brayCurtis leftOut x y =
        over leftOut x y (fun pairs ->
            let apart = pairs |> List.sumBy (fun (a, b) -> abs (a - b))

            if apart = 0.0 then
                0.0
            else
                apart / (pairs |> List.sumBy (fun (a, b) -> abs (a + b))))

    let correlation leftOut x y =
        let x, y = List.toArray (kept leftOut x), List.toArray (kept leftOut y)
        let found = PerturbationEvaluation.pearson x y
        if Double.IsNaN found then 1.0 else 1.0 - found

    /// Concordant pairs less discordant ones, over the root of the pairs that do not tie in x and in y.
    let kendall (x: float[]) (y: float[]) =
        let pairs = [
            for a in 0 .. x.Length - 1 do
                for b in 0 .. a - 1 -> sign (x[a] - x[b]), sign (y[a] - y[b])
        ]

        let free pick =
            pairs |> List.filter (pick >> (<>) 0) |> List.length |> float

        float (pairs |> List.sumBy (fun (a, b) -> a * b)) / sqrt (free fst * free snd)

    let private comparator (cells: float[][]) =
        let sums = Array.transpose cells |> Array.map Array.sum
        let total = Array.sum sums
        sums |> Array.map (fun sum -> log (1.0 + 5e4 * sum / total))

    /// b and its variance by leaving out one cell at a time, of the genes that count.
    let private jackknife kept (cells: float[][]) =
        let pick (row: float[]) =
            kept |> List.map (fun gene -> row[gene])

        let n = cells.Length

        let without = [
            for out in 0 .. n - 1 ->
                cells
                |> Array.indexed
                |> Array.filter (fun (cell, _) -> cell <> out)
                |> Array.map snd
                |> comparator
                |> pick
        ]

        let mean = List.transpose without |> List.map List.average

        let variance =
            without
            |> List.sumBy (fun row -> List.zip row mean |> List.sumBy (fun (a, b) -> (a - b) ** 2.0))

        pick (comparator cells), float (n - 1) / float n * variance

    /// expr_mse_unbiased_capped_norm of counts: cells of each perturbation, predicted and real, the gene that it perturbs, and
    /// the real control's cells.
    let noiseCorrected (perturbations: (float[][] * float[][] * int option)[]) (control: float[][]) =
        let genes = [ 0 .. control[0].Length - 1 ]

        let mean =
            perturbations
            |> Array.map (fun (predicted, _, _) -> comparator predicted)
            |> Array.transpose
            |> Array.map Array.average

        let square a b =
            List.zip a b |> List.sumBy (fun (x, y) -> (x - y) ** 2.0)

        let parts =
            perturbations
            |> Array.map (fun (predicted, real, target) ->
                let kept = genes |> List.filter (fun gene -> Some gene <> target)
                let ofPrediction, claimed = jackknife kept predicted
                let truth, noise = jackknife kept real
                let ofControl, controlNoise = jackknife kept control
                let size = float kept.Length

                {|
                    Spread = square ofPrediction (kept |> List.map (fun gene -> mean[gene]))
                    Shared = min claimed noise
                    Error = fun rho -> (square ofPrediction truth - rho * min claimed noise - noise) / size
                    Effect = (square truth ofControl - noise - controlNoise) / size
                |})

        let rho =
            min
                1.0
                ((parts |> Array.sumBy (fun p -> p.Spread))
                 / (parts |> Array.sumBy (fun p -> p.Shared)))

        let ratio =
            (parts |> Array.sumBy (fun p -> p.Error rho))
            / (parts |> Array.sumBy (fun p -> p.Effect))

        ratio |> max 0.0 |> min 1.0

    /// ln of the likelihood of counts under a negative binomial of this mean.
    let private likelihood mean alpha (counts: float[]) =
        counts |> Array.sumBy (NegativeBinomial.logMass alpha mean)

    /// The dispersion of highest likelihood by trying many, and then more between the neighbours of the best.
    let private bestDispersion (counts: float[]) =
        let mean = Array.average counts

        let rec closer low high rounds =
            let tried =
                [| 0..200 |] |> Array.map (fun step -> low + (high - low) * float step / 200.0)

            let best = tried |> Array.maxBy (fun at -> likelihood mean (exp at) counts)
            let step = (high - low) / 200.0

            if rounds = 0 then
                exp best
            else
                closer (best - step) (best + step) (rounds - 1)

        closer (log 1e-6) (log 1e3) 3

    /// distance_nb_ll of one gene that both sides have.
    let countLoss (predicted: float[]) (real: float[]) =
        let under (fitted: float[]) =
            likelihood (Array.average fitted) (bestDispersion fitted) real

        (under real - under predicted) / float real.Length
