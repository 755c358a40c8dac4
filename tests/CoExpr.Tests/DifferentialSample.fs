namespace CoExpr.Tests

open CoExpr

/// Results of comparisons made by hand, to draw.
[<RequireQualifiedAccess>]
module DifferentialSample =

    /// (perturbation, gene) to log2 fold change, log10 p and status; q is p.
    let ofRows (perturbations: string[]) (genes: string[]) row : DifferentialResult =
        let rows = ContrastRows.create perturbations.Length genes.Length []

        for perturbation in 0 .. perturbations.Length - 1 do
            for gene in 0 .. genes.Length - 1 do
                let place = perturbation * genes.Length + gene
                let struct (fold, log10P, status) = row perturbation gene
                rows.Effect[place] <- fold
                rows.LogFoldChange[place] <- fold
                rows.Log10P[place] <- log10P
                rows.PValue[place] <- 10.0 ** log10P
                rows.QValue[place] <- 10.0 ** log10P
                rows.Mean[place] <- 1.5
                rows.ReferenceMean[place] <- 2.5
                rows.Status[place] <- status

        {
            Options = Screen.options
            Source = "made"
            Perturbations = perturbations
            Reference = "control"
            Cells = perturbations |> Array.mapi (fun i _ -> 10 + i)
            ReferenceCells = perturbations |> Array.map (fun _ -> 100)
            GeneTable = Table.ofNames genes
            CellNames = [||]
            LeftOut = 0
            Dispersions = None
            Calibration = None
            Notes = []
            Rows = rows
        }

    let tested fold log10P = struct (fold, log10P, RowStatus.Tested)

    /// p falls with gene and perturbation; even genes go up. The first four perturbations have hits.
    let named perturbations (genes: string[]) =
        ofRows perturbations genes (fun perturbation gene ->
            let log10P = -(float (gene + 1)) / float (perturbation + 1)
            tested (if gene % 2 = 0 then 0.5 + float gene / 10.0 else -0.75) log10P)

    let dispersions genes : ScreenDispersions = {
        Means = Array.init genes (fun gene -> float (gene + 1) / 10.0)
        GeneWise = Array.init genes (fun gene -> if gene = 0 then 0.0 else 0.3)
        Trend = Array.create genes 0.5
        Final = Array.create genes 0.4
        AtBound = Array.init genes (fun gene -> if gene = 0 then -1y else 0y)
        IsOutlier = Array.zeroCreate genes
    }

    let calibration: Calibration = {
        Names = [| "split 1"; "split 2" |]
        Cells = [| 20; 20 |]
        ControlCells = 100
        MedianCells = 25
        Log10P = [|
            for _ in 1..2 -> [| for rank in 1..100 -> log10 ((float rank - 0.5) / 100.0) |]
        |]
    }

    /// Everything that a page can show.
    let whole perturbations genes = {
        named perturbations genes with
            Options = {
                Screen.options with
                    Test = DifferentialTest.NegativeBinomial NegativeBinomialScreen.defaults
            }
            Dispersions = Some(dispersions genes.Length)
            Calibration = Some calibration
    }
