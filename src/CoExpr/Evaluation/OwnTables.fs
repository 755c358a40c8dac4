namespace CoExpr

open System
open System.Collections.Generic

/// A table of differential expression that was made here: all its numbers for a file, and those that measures are taken of.
type OwnTable = {
    /// What was tested; the rows are in `Rows`.
    Summary: DifferentialResult
    Rows: RangedRows
    Table: DeTable
    /// Perturbations that were not tested, since a cell of theirs holds NaN or infinity.
    Untested: string list
}

/// Tables of differential expression of cells for which none are supplied.
///
/// The default is what cell-eval 0.8.1 asks of pdex 0.2.5: each perturbation against the control by a rank-sum test of
/// ln(1 + x), x the counts brought to the median total, two-sided, corrected for ties and continuity; fold changes of the
/// geometric means without a pseudocount, 0 where both are 0; q-values over all genes of a perturbation.
[<RequireQualifiedAccess>]
module OwnTables =

    /// Rank-sum tests as pdex makes them: never exact.
    let rankSum =
        DifferentialTest.RankSum {
            Continuity = true
            Ties = true
            Exact = false
            Weight = StratumWeight.Unit
        }

    let private negativeBinomial test =
        DifferentialTest.NegativeBinomial {
            NegativeBinomialScreen.defaults with
                Test = test
        }

    /// The tests that can be asked for by name.
    let tests = [
        rankSum
        DifferentialTest.Welch {
            OverestimateVariance = false
            ConstantGroups = false
        }
        negativeBinomial NegativeBinomialTest.LikelihoodRatio
        negativeBinomial NegativeBinomialTest.Wald
        negativeBinomial NegativeBinomialTest.Score
        negativeBinomial NegativeBinomialTest.QuasiLikelihood
    ]

    /// The word for no test at all.
    [<Literal>]
    let Nothing = "none"

    /// The names of tests, the default first, and of none.
    let names = (tests |> List.map DifferentialTest.name) @ [ Nothing ]

    /// The test of a name; None for none.
    let parse word : Result<DifferentialTest option, CoExprError> =
        match tests |> List.tryFind (fun test -> DifferentialTest.name test = word) with
        | Some test -> Ok(Some test)
        | None when word = Nothing -> Ok None
        | None -> Error(CoExprError.UnknownLabel("--de-test", word, names))

    let private requireCounts test scale (cells: Cells) =
        match test, scale with
        | DifferentialTest.NegativeBinomial _, _ when scale = ExpressionScale.Logarithms || not cells.Counts.Integer ->
            Error(
                CoExprError.BadOption(
                    "--de-test",
                    DifferentialTest.name test,
                    $"it is a test of counts, and {cells.Source} holds other values; rank-sum and welch take any"
                )
            )
        | _ -> Ok()

    /// Cells and what their values are to a test. Counts with fractional parts (corrected ones) are brought to logarithms
    /// here, since tests normalise whole numbers only.
    let private tested scale (cells: Cells) =
        let counts = cells.Counts

        match scale with
        | ExpressionScale.Counts when counts.Integer ->
            let target = ExpressionScale.medianTotal counts
            cells, TestedValues.LogNormalised(if target > 0.0 then target else 1.0)
        | ExpressionScale.Counts ->
            let values = ExpressionScale.values scale (Array.init counts.Genes id) counts

            let logarithms =
                ExpressionScale.rows values (Array.init counts.Cells id)
                |> ExpressionScale.matrix counts.Genes

            { cells with Counts = logarithms }, TestedValues.StoredLogs
        | ExpressionScale.Logarithms -> cells, TestedValues.StoredLogs
        | ExpressionScale.AsTheyAre -> cells, TestedValues.AsStored

    let private optionsOf test (sides: SideOptions) values = {
        DifferentialExpression.defaults with
            Perturbation = [ sides.Column ]
            Control = Some sides.Control
            Test = test
            Values = values
            FoldChange = FoldChange.Geometric
            Pseudocount = 0.0
            CountUntestable = true
            // A rank-sum test has a p for one cell; a t-test needs a variance.
            MinimumCells =
                match test with
                | DifferentialTest.RankSum _ -> 1
                | _ -> 2
            Threads = sides.Threads
    }

    let private isFinite (values: Span<float32>) =
        let mutable at = 0

        while at < values.Length && Single.IsFinite values[at] do
            at <- at + 1

        at = values.Length

    /// Whole numbers are finite.
    let private isSpoilt (groups: Groups) (counts: SparseCounts) group =
        not counts.Integer
        && Groups.members group groups
           |> Array.exists (fun cell -> not (isFinite (counts.ByCell.ValuesOf cell)))

    /// 0/0 is no change, as pdex has it. What has no p keeps NaN.
    let private noChange (rows: ContrastRows) =
        for place in 0 .. rows.PValue.Length - 1 do
            if rows.Mean[place] = 0.0 && rows.ReferenceMean[place] = 0.0 then
                rows.LogFoldChange[place] <- 0.0

    let private nothingTested (options: DifferentialOptions) (cells: Cells) : RangedTests =
        let rows = ContrastRows.create 0 cells.GeneTable.Names.Length []

        {
            Summary = {
                Options = options
                Source = cells.Source
                Perturbations = [||]
                Reference = Option.defaultValue "" options.Control
                Cells = [||]
                ReferenceCells = [||]
                GeneTable = cells.GeneTable
                CellNames = cells.CellTable.Names
                LeftOut = cells.Counts.Cells
                Dispersions = None
                Calibration = None
                Notes = []
                Rows = rows
            }
            Rows = {
                Starts = [| 0 |]
                Make = fun _ -> rows
            }
            FoldChange = [||]
            PValue = [||]
            QValue = [||]
        }

    /// Which of the numbers are not there; nothing where all are.
    let private missing (values: float[]) =
        if Array.exists Double.IsNaN values then
            Array.map Double.IsNaN values
        else
            [||]

    /// Rows of every perturbation that was tested; the others have none. A row has three numbers and no more: its gene is told
    /// by its place.
    let private tableOf precision (perturbations: string[]) (tests: RangedTests) : DeTable =
        let genes = tests.Summary.GeneTable.Names
        let tested = HashSet tests.Summary.Perturbations
        let columns = [| tests.FoldChange; tests.PValue; tests.QValue |]

        if precision = DePrecision.Single then
            for values in columns do
                for row in 0 .. values.Length - 1 do
                    values[row] <- float (float32 values[row])

        {
            Source = tests.Summary.Source
            Targets = perturbations
            Features = genes
            Starts =
                perturbations
                |> Array.map (fun name -> if tested.Contains name then genes.Length else 0)
                |> Array.scan (+) 0
            Feature = [||]
            Log2FoldChange = tests.FoldChange
            PValue = tests.PValue
            Fdr = tests.QValue
            NoFoldChange = missing tests.FoldChange
            NoFdr = missing tests.QValue
        }

    let private numbered (cells: Cells) = {
        cells with
            CellTable = {
                cells.CellTable with
                    Names = Array.init cells.Counts.Cells string
            }
    }

    /// The cells of groups without NaN, and which groups are left out.
    let private usable (groups: Groups) (cells: Cells) =
        let spoilt =
            [| 0 .. groups.Labels.Length - 1 |]
            |> Array.filter (isSpoilt groups cells.Counts)

        let kept =
            if spoilt.Length = 0 then
                cells
            else
                [| 0 .. groups.Labels.Length - 1 |]
                |> Array.except spoilt
                |> Array.collect (fun group -> Groups.members group groups)
                |> fun members -> Cells.takeCells (Array.sort members) cells

        numbered kept, [ for group in spoilt -> groups.Labels[group] ]

    let private test progress atOnce (options: DifferentialOptions) (cells: Cells) (tested: string[]) spoilt =
        if
            tested.Length = 0
            || options.Control |> Option.exists (fun control -> List.contains control spoilt)
        then
            Ok(nothingTested options cells)
        else
            RangedTests.compute progress atOnce options noChange cells

    /// `compute` with at most about `atOnce` rows in memory with all their numbers.
    let internal computeAtOnce atOnce progress precision testBy (sides: SideOptions) scale (cells: Cells) =
        result {
            let! groups = Groups.create [ sides.Column ] (Some sides.Control) cells
            let kept, spoilt = usable groups cells
            do! requireCounts testBy scale kept
            let kept, values = tested scale kept
            let perturbations = groups.Labels |> Array.filter ((<>) sides.Control)
            let left = perturbations |> Array.except spoilt
            let! found = test progress atOnce (optionsOf testBy sides values) kept left spoilt

            return {
                Summary = found.Summary
                Rows = found.Rows
                Table = tableOf precision perturbations found
                Untested =
                    if List.contains sides.Control spoilt then
                        List.ofArray perturbations
                    else
                        spoilt
            }
        }

    /// Rows that are in memory at once with all their numbers, a hundred bytes each.
    [<Literal>]
    let private RowsAtOnce = 524288

    /// The table of these cells, whose values are on this scale. Perturbations of which a cell holds NaN or infinity are not
    /// tested and have no rows, nor has any if the control has such a cell; that is in the result. Errors are those of
    /// `DifferentialExpression.compute`, two genes of one name among them; and BadOption for a test of counts of other values.
    let compute progress precision testBy sides scale cells : Result<OwnTable, CoExprError> =
        computeAtOnce RowsAtOnce progress precision testBy sides scale cells

    /// The cells of the real control, and those of the predicted perturbations, both on the scale that is compared.
    let private underRealControl (options: SideOptions) (sides: PerturbationSides) source : Result<Cells, CoExprError> =
        let control = options.Control
        let labelled side group = Groups.members group side.Groups

        let parts = [|
            for side in [ sides.Real; sides.Predicted ] do
                for group in 0 .. side.Groups.Labels.Length - 1 do
                    let label = side.Groups.Labels[group]

                    if (label = control) = obj.ReferenceEquals(side, sides.Real) then
                        let members = labelled side group
                        Array.replicate members.Length label, ExpressionScale.rows side.Values members
        |]

        let labels = parts |> Array.collect fst

        let table =
            Table.ofNames (Array.init labels.Length string)
            |> Table.withColumn options.Column (Column.categories labels)

        Cells.create
            source
            (ExpressionScale.matrix sides.Genes.Length (parts |> Array.collect snd))
            table
            (Table.ofNames sides.Genes)

    /// The scale of values that were brought to the compared scale already.
    let private compared scale =
        match scale with
        | ExpressionScale.AsTheyAre -> ExpressionScale.AsTheyAre
        | _ -> ExpressionScale.Logarithms

    /// Refuses a test of counts against the real control: both sides then stand in one table, on the scale that is compared,
    /// where values are no counts any more.
    let internal requireOwnControl test source scale =
        match test, source with
        | DifferentialTest.NegativeBinomial _, ControlSource.Real when compared scale = ExpressionScale.Logarithms ->
            Error(
                CoExprError.BadOption(
                    "--de-test",
                    DifferentialTest.name test,
                    "it is a test of counts, and beside the real control predicted cells stand as logarithms; say --control-source predicted, or take rank-sum or welch"
                )
            )
        | _ -> Ok()

    /// The table of predicted cells, against their own control or, as effects are, against the real one.
    let ofPredicted
        progress
        precision
        testBy
        (options: SideOptions)
        source
        (sides: PerturbationSides)
        (predicted: Cells)
        =
        let scale = sides.Predicted.Scale

        match source with
        | ControlSource.Predicted -> compute progress precision testBy options scale predicted
        | ControlSource.Real ->
            requireOwnControl testBy source scale
            |> Result.bind (fun () -> underRealControl options sides predicted.Source)
            |> Result.bind (compute progress precision testBy options (compared scale))
