namespace CoExpr

/// The report of what perturbations change, as one self-contained page.
[<RequireQualifiedAccess>]
module DifferentialReport =

    let private cells (count: int) = Wording.counted (int64 count) "cell"
    let private hits count = Wording.counted count "hit"
    let private genes (count: int) = Wording.counted (int64 count) "gene"

    let private perturbations (count: int) =
        Wording.counted (int64 count) "perturbation"

    let private testWords test =
        match test with
        | DifferentialTest.RankSum _ -> "rank-sum tests"
        | DifferentialTest.Welch _ -> "Welch's t-tests"
        | DifferentialTest.Crispyx _ -> "Wald tests as CRISPYx makes them"
        | DifferentialTest.Deseq2 _ -> "Wald tests as DESeq2 makes them, of each comparison by itself"
        | DifferentialTest.NegativeBinomial chosen ->
            match chosen.Test with
            | NegativeBinomialTest.LikelihoodRatio -> "negative-binomial likelihood-ratio tests"
            | NegativeBinomialTest.Wald -> "negative-binomial Wald tests"
            | NegativeBinomialTest.Score -> "negative-binomial score tests"
            | NegativeBinomialTest.QuasiLikelihood -> "quasi-likelihood F-tests"

    let private reference (result: DifferentialResult) =
        match result.Options.Control with
        | Some control ->
            let count = Array.tryHead result.ReferenceCells |> Option.defaultValue 0
            $"{cells count} labelled {control}"
        | None -> "all other cells"

    let private summary (found: DifferentialHighlights) =
        let result = found.Result

        $"Changes of {genes result.GeneTable.Names.Length} by {perturbations result.Perturbations.Length} against "
        + $"{reference result}, by {testWords result.Options.Test}: {hits (DifferentialHighlights.allHits found)} with q of at most "
        + $"{DifferentialHits.Level}. "
        + (result.Calibration
           |> Option.bind Calibration.warning
           |> Option.map (fun words -> Wording.sentenceCase words)
           |> Option.defaultValue "")

    let private figureOr id heading words figure =
        match figure with
        | Some figure -> Html.figure id figure
        | None -> Html.notice heading words

    let private hitCounts found =
        DifferentialFigures.hitCounts found
        |> figureOr
            "hits-per-perturbation"
            "Hits of each perturbation"
            $"No perturbation has a gene with q of at most {DifferentialHits.Level}."

    let private choice (found: DifferentialHighlights) perturbation =
        let count = int64 (DifferentialHighlights.hits found perturbation)
        $"{found.Result.Perturbations[perturbation]} ({hits count})"

    let private volcano (found: DifferentialHighlights) =
        match DifferentialFigures.volcano found with
        | Some(order, figure) -> Html.chosenFigure "volcano" "Perturbation" (order |> Array.map (choice found)) figure
        | None -> Html.notice "Volcano of a perturbation" "No row has a p-value, so there is nothing to draw."

    let private sharedHits found =
        DifferentialFigures.sharedHits found
        |> figureOr "shared-hits" "Hits that perturbations share" "No gene is a hit of two perturbations."

    let private pValues found =
        DifferentialFigures.pValues found
        |> figureOr "p-values" "p-values against chance" "No row has a p-value that could have been below 1."

    /// Of two-sample tests there is nothing to say.
    let private dispersions (result: DifferentialResult) =
        match result.Options.Test with
        | DifferentialTest.RankSum _
        | DifferentialTest.Welch _ -> []
        | DifferentialTest.Deseq2 _ -> [
            figureOr
                "dispersions"
                "Dispersion against mean"
                "Dispersions were estimated anew for each comparison, so there is no one trend to show."
                None
          ]
        | DifferentialTest.Crispyx _ -> [
            DifferentialFigures.dispersions result
            |> figureOr "dispersions" "Dispersion against mean" "No gene has counts to estimate a dispersion from."
          ]
        | DifferentialTest.NegativeBinomial chosen ->
            let words =
                match chosen.Dispersion with
                | DispersionSource.Screen _ when NegativeBinomialScreen.hasOwnDispersions chosen ->
                    "Dispersions were estimated anew for each comparison, so there is no one trend to show."
                | DispersionSource.Given _ -> "Dispersions were given, so there is no trend to show."
                | DispersionSource.EachComparison _ ->
                    "Dispersions were estimated anew for each perturbation, so there is no one trend to show."
                | DispersionSource.Screen _ -> "No gene has counts to estimate a dispersion from."

            [
                DifferentialFigures.dispersions result
                |> figureOr "dispersions" "Dispersion against mean" words
            ]

    let private calibration (result: DifferentialResult) =
        let heading = "Calibration: controls against controls"

        match result.Calibration with
        | None ->
            Html.notice
                heading
                "The test was not tried on controls alone; --calibrate does that, and tells how many false positives there are."
        | Some found ->
            DifferentialFigures.calibration found
            |> figureOr "calibration" heading "No gene could be tested among the controls."

    /// The page of a run, under the name of its input, with the facts of the run, from what was gathered of its rows. What
    /// there is nothing of is said in a sentence instead of an empty figure.
    let pageOf source (facts: (string * string) list) (found: DifferentialHighlights) =
        Html.page "differential-expression report" source (summary found) facts [
            hitCounts found
            volcano found
            HitTable.section "hits" found
            sharedHits found
            pValues found
            yield! dispersions found.Result
            calibration found.Result
        ]

    /// The same of a result with all its rows.
    let page source facts (result: DifferentialResult) =
        pageOf source facts (DifferentialHighlights.ofResult result)
