namespace CoExpr

open System

/// The figures of comparisons, as Vega-Lite specifications; None where there is nothing to draw.
[<RequireQualifiedAccess>]
module DifferentialFigures =

    let private rows count = Wording.counted count "row"
    let private cells (count: int) = Wording.counted (int64 count) "cell"
    let private groups (count: int) = Wording.counted (int64 count) "group"

    let private against (result: DifferentialResult) =
        match result.Options.Control with
        | _ when not result.Options.Contrasts.IsEmpty -> "cells of each contrast's second label"
        | Some control -> $"cells labelled {control}"
        | None -> "all other cells"

    let private shareOf (shown: int) (all: int) noun =
        if shown = all then
            $"all {Wording.counted (int64 all) noun}"
        else
            $"{Wording.count (int64 shown)} of {Wording.counted (int64 all) noun}"

    /// Hits of the perturbations with most, up and down.
    let hitCounts (found: DifferentialHighlights) =
        let result = found.Result

        let shown =
            DifferentialHighlights.byHits found
            |> Array.filter (fun perturbation -> DifferentialHighlights.hits found perturbation > 0)

        let withHits = shown.Length
        let shown = Array.truncate HitCounts.Most shown

        let having = shareOf withHits result.Perturbations.Length "perturbation"

        let most =
            if withHits > shown.Length then
                $" Shown: the {shown.Length} with most."
            else
                ""

        if withHits = 0 then
            None
        else
            Some {
                Title = "Hits of each perturbation"
                Caption =
                    $"Genes with q of at most {DifferentialHits.Level}, lower (blue) and higher (orange) than in {against result}: "
                    + $"{having} have any.{most}"
                Reading =
                    "A perturbation of more cells finds more genes at the same effect: compare numbers of hits with numbers of "
                    + "cells, which a bar tells when it is pointed at. A perturbation without hits may have had no effect, "
                    + "too few cells, or guides that did not work."
                Spec = HitCounts.spec found shown
            }

    let private thinned (found: DifferentialHighlights) =
        let drawn = found.Volcanoes |> Array.sumBy _.LongLength

        if drawn = found.Rows then
            ""
        else
            $" Drawn are {Wording.count drawn} of {rows found.Rows}: of a perturbation the strongest hits, up to "
            + $"{Wording.count (int64 (Volcano.room found.Volcanoes.Length * 3 / 4))}, and of the other genes every n-th in order of p. "
            + "The table of results has all."

    /// A volcano of every perturbation, of which the page shows the one that is chosen, and the perturbations in the order
    /// in which they are offered: most hits first. None if no row has a p.
    let volcano (found: DifferentialHighlights) =
        let result, order = found.Result, DifferentialHighlights.byHits found

        let volcanoes =
            order |> Array.map (fun perturbation -> found.Volcanoes[perturbation])

        if volcanoes |> Array.forall Array.isEmpty then
            None
        else
            let figure = {
                Title = "Volcano of a perturbation"
                Caption =
                    $"log2 fold change against −log10 p of each gene, compared with {against result}. Coloured: q of at most "
                    + $"{DifferentialHits.Level}. Diamonds at an edge: one of the groups lacks the gene, so that it has no fold change, or p is 0."
                    + thinned found
                Reading =
                    "The further up, the less a difference is like chance; the further out, the larger it is. A gene far out "
                    + "but low is one of few counts. Point at a gene for its name and numbers; the strongest are named. The "
                    + "perturbed gene itself should be among the lower ones if the perturbation represses or cuts it."
                Spec = Volcano.spec result order volcanoes
            }

            Some(order, figure)

    let private quantiles title caption reading points =
        match points with
        | [||] -> None
        | _ ->
            Some {
                Title = title
                Caption = caption
                Reading = reading
                Spec = QuantileQuantile.spec points
            }

    let private bandWords =
        "The line is where uniform p-values lie; 95 % of them, were they independent, lie in the grey band."

    /// All p-values against uniform ones.
    let pValues (found: DifferentialHighlights) =
        quantiles
            "p-values against chance"
            ($"p-values of {rows (int64 found.Testable)}, ordered; the 200 lowest and some of the others. {bandWords}")
            ("Were there no effects, the points would lie on the line. Where many genes change, the points leave it at the "
             + "right end. If they leave it from the very beginning, either most genes change, or the test is too sure of "
             + "itself: calibration by controls (--calibrate) tells which.")
            found.Quantiles

    let private percent (share: float) =
        (100.0 * share).ToString("0.0", Globalization.CultureInfo.InvariantCulture)
        + " %"

    let private sizes (calibration: Calibration) =
        let low, high = Array.min calibration.Cells, Array.max calibration.Cells

        if low = high then
            Wording.counted (int64 low) "cell"
        else
            $"{Wording.count (int64 low)} to {cells high}"

    /// The rates in words.
    let calibrationWords (calibration: Calibration) =
        let rate level =
            percent (Calibration.rate level calibration)

        let each = Calibration.rates 0.05 calibration |> Array.filter (Double.IsNaN >> not)

        let range =
            if each.Length > 1 then
                $" ({percent (Array.min each)} to {percent (Array.max each)} of each group)"
            else
                ""

        $"{rate 0.05} of the p-values are at most 0.05{range} and {rate 0.01} at most 0.01, where 5 %% and 1 %% should be."

    /// p-values of controls against controls.
    let calibration (calibration: Calibration) =
        quantiles
            "Calibration: controls against controls"
            ($"p-values of {groups calibration.Names.Length} of {sizes calibration} (the median perturbation has "
             + $"{Wording.count (int64 calibration.MedianCells)}), each tested against the others of the {Wording.count (int64 calibration.ControlCells)} controls: "
             + $"{calibrationWords calibration} {bandWords}")
            ("Between controls there is nothing to find. Points above the band are false positives: the real p-values are too "
             + "small by as much. Points below it mean that the test misses effects, as it must where counts are few, since "
             + "p-values then take few values. Guides in place of random groups also show what guides and batches do.")
            (Calibration.sorted calibration |> QuantileQuantile.points)

    /// Dispersions against means, of tests that estimate them for the whole screen.
    let dispersions (result: DifferentialResult) =
        match result.Dispersions with
        | None -> None
        | Some dispersions ->
            match MeanDispersion.chosen dispersions with
            | [||] -> None
            | genes ->
                let floor = Wording.score (MeanDispersion.floor dispersions genes)

                let shown =
                    shareOf genes.Length result.GeneTable.Names.Length "gene"
                    |> Wording.sentenceCase

                Some {
                    Title = "Dispersion against mean"
                    Caption =
                        $"{shown}: own estimates (grey), what the tests use (blue), and the trend "
                        + $"(orange). Both axes are logarithmic; lower estimates, 0 too, stand at {floor}."
                    Reading =
                        "Counts vary by mean + dispersion x mean². A gene of few counts says little of its own dispersion, so it "
                        + "is drawn towards the trend; one far above the trend keeps its own. Estimates at the bottom show no more "
                        + "variation than chance. A trend that misses the bulk of the points is a reason to choose another one."
                    Spec = MeanDispersion.spec result.GeneTable.Names dispersions genes
                }

    /// Genes that are hits of two perturbations or more, and those perturbations.
    let sharedHits (found: DifferentialHighlights) =
        match found.Shared with
        | None -> None
        | Some result ->
            let struct (genes, perturbations) =
                SharedHits.ordered result [| 0 .. result.GeneTable.Names.Length - 1 |] [|
                    0 .. result.Perturbations.Length - 1
                |]

            let full = Wording.score (SharedHits.fullColour result genes perturbations)

            Some {
                Title = "Hits that perturbations share"
                Caption =
                    $"log2 fold changes of the {genes.Length} genes that are hits of most perturbations, in the {perturbations.Length} "
                    + $"perturbations with most of them, both clustered by average linkage. Dots: q of at most {DifferentialHits.Level}. "
                    + $"Colours are full at {full}; tooltips give each number. Blank: not tested."
                Reading =
                    "Perturbations with the same pattern stand side by side: they may act on one pathway. A gene that answers to "
                    + "nearly all perturbations alike says more of the cells' state, or of the control, than of any of them."
                Spec = SharedHits.spec result genes perturbations
            }
