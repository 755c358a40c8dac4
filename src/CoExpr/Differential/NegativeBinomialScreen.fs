namespace CoExpr

open System
open CoExpr.Kernels

/// Where dispersions come from.
[<RequireQualifiedAccess>]
type DispersionSource =
    /// One per gene from all groups of the screen.
    | Screen of GeneDispersionOptions
    /// One per gene and perturbation, from its cells and the control's alone. Takes as many times as long as there are
    /// perturbations.
    | EachComparison of GeneDispersionOptions
    /// The user's, one per gene.
    | Given of float[]

/// Genes too weakly expressed to be tested: in the control and in the perturbed cells both, the share of cells with the gene
/// and the mean count over size factor are below these. What CRISPYx does.
type LowExpression = {
    ControlFraction: float
    ControlMean: float
    Fraction: float
    Mean: float
}

[<RequireQualifiedAccess>]
module LowExpression =
    /// Below 1 % of the control's cells and 0.05, and below 0.2 % of the perturbed and 0.005.
    let standard = {
        ControlFraction = 0.01
        ControlMean = 0.05
        Fraction = 0.002
        Mean = 0.005
    }

/// What is made of counts that move a comparison by more than they should: those of a Cook's distance above the 0.99
/// quantile of F(2, cells − 2), unless three cells of the two groups have more.
[<RequireQualifiedAccess>]
type CountOutliers =
    /// They are not looked for.
    | Ignored
    /// The row says so, and keeps its p.
    | Flagged
    /// The row says so, and has no p.
    | SetAside

/// Which cells size factors and dispersions are made of.
[<RequireQualifiedAccess>]
type EstimationScope =
    /// All that have a label, of all groups.
    | Screen
    /// Of each row the cells of its two groups alone, as if there were no others.
    | Comparison

[<RequireQualifiedAccess>]
module CountOutliers =

    let private known = [
        "off", CountOutliers.Ignored
        "flag", CountOutliers.Flagged
        "set-aside", CountOutliers.SetAside
    ]

    /// As the command line has it.
    let name outliers = Words.name known outliers

    /// What a name stands for.
    let parse word = Words.parse "--cooks" known word

[<RequireQualifiedAccess>]
module EstimationScope =

    let private known = [ "screen", EstimationScope.Screen; "comparison", EstimationScope.Comparison ]

    /// As the command line has it.
    let name scope = Words.name known scope

    /// The scope of a name.
    let parse word = Words.parse "--scope" known word

/// How a screen is tested with negative binomials.
type NegativeBinomialOptions = {
    SizeFactors: SizeFactorKind
    Dispersion: DispersionSource
    Test: NegativeBinomialTest
    Hypothesis: FoldHypothesis
    /// None: every gene is tested.
    LowExpression: LowExpression option
    Adjustment: Adjustment
    /// Whether rows of which no cell of either group has a count are among the tests of the correction.
    CountUntestable: bool
    /// Whether shrunken fold changes and s-values are added: see `FoldChangeShrinkage`.
    Shrink: FoldShrinkage
    /// Groups with fewer cells are not tested.
    MinimumCells: int
    /// What else the model allows for.
    Covariates: CovariateOptions
    /// Of models without covariates.
    Outliers: CountOutliers
    Scope: EstimationScope
    Threads: int
}

/// What each perturbation of a screen changes, by negative binomials.
type NegativeBinomialResult = {
    Options: NegativeBinomialOptions
    /// The groups that were compared with the control, or the first of each contrast, in the order of the rows.
    Perturbations: int[]
    /// One per cell of the input; none where each comparison has its own.
    SizeFactors: float[]
    /// One for the screen, or one per perturbation; none where they were given.
    Dispersions: GeneDispersions[]
    /// Of quasi-likelihood tests: one for each of the dispersions.
    Quasi: QuasiDispersions[]
    /// Effect and LogFoldChange are log2 fold changes; means are fitted, per size factor of 1.
    Rows: ContrastRows
}

/// Groups of which dispersions are estimated together, and tests that rest on them: all of a screen, or the two of a row.
/// Of a screen there is one for each reference, all with the same groups.
type internal CountComparison = {
    Groups: Groups
    /// What the others are compared with.
    Control: int
    /// The groups that are compared with it.
    Perturbations: int[]
    /// The row of each of them.
    Rows: int[]
}

/// How the genes of a comparison are fitted: what its cells have in common for all genes.
type internal ComparisonModel = {
    Degrees: float
    /// Numbers of a gene that testing takes from estimating beside dispersions.
    Coefficients: int
    /// Of genes of which these are the counts and the first is this one of the screen.
    Create: int -> SparseCounts -> GeneModel
}

/// What tests of single genes take from all genes of a comparison; one value per gene.
type internal CountPrior = {
    Estimation: GeneDispersionOptions
    /// None where they were given.
    Dispersions: GeneDispersions option
    Quasi: QuasiDispersions option
    /// Dispersions that tests use where no posterior mode is looked for.
    Alphas: float[]
}

/// Negative-binomial tests of every gene of every perturbation of a screen against shared controls. Counts of group p are
/// negative binomial with mean s e^β_p, s being the cell's size factor, and variance mu + alpha mu²; given alpha the groups
/// are fitted one by one, and cells without counts enter by a few Gauss nodes, so that only counts above 0 are visited.
[<RequireQualifiedAccess>]
module NegativeBinomialScreen =

    /// Library sizes without the twentieth of the genes with the most counts, dispersions of the screen, likelihood ratios,
    /// two-sided, q per perturbation.
    let defaults = {
        SizeFactors = SizeFactorKind.TrimmedLibrarySize 0.05
        Dispersion = DispersionSource.Screen GeneDispersions.standard
        Test = NegativeBinomialTest.LikelihoodRatio
        Hypothesis = FoldHypothesis.Beyond(TwoSampleAlternative.TwoSided, 0.0)
        LowExpression = None
        Adjustment = Adjustment.PerPerturbation
        CountUntestable = false
        Shrink = FoldShrinkage.Nothing
        MinimumCells = 2
        Covariates = CovariateOptions.none
        Outliers = CountOutliers.Ignored
        Scope = EstimationScope.Screen
        Threads = Schedule.defaultThreads
    }

    /// What one pass over some genes needs.
    type private Pass = {
        Model: GeneModel
        Comparison: CountComparison
        /// Of these genes.
        Prior: CountPrior
        /// Of each group's comparison the Cook's distance of an outlier.
        Limits: float[]
    }

    /// What one thread of a pass works with.
    type private Room = {
        Tester: IGeneTester
        Cooks: IGeneCooks option
        Block: GeneRows
        /// Of `ScreenDispersions.names`, where the rows have them.
        Columns: float[][]
        /// Reads p from the statistics of the block.
        Tails: ContrastRows -> unit
    }

    /// The names among further columns of the largest Cook's distance of a row, and of the cell that has it: its number in the
    /// input, from 0 on.
    [<Literal>]
    let CooksDistance = "cooks_distance"

    [<Literal>]
    let CooksCell = "cooks_cell"

    /// Where the mode is asked for and was not reached by precisions alone, it is looked for from the gene's profile.
    let private finalDispersion (pass: Pass) (tester: IGeneTester) gene =
        let prior = pass.Prior

        match prior.Dispersions with
        | Some found when
            prior.Quasi.IsNone
            && prior.Estimation.Shrinkage = ScreenShrinkage.PosteriorMode
            && found.PriorVariance > 0.0
            && not found.IsOutlier[gene]
            && not (Double.IsNaN found.GeneWise[gene])
            ->
            let values =
                Array.sub found.Profiles (gene * DispersionFit.Points) DispersionFit.Points

            let mode =
                tester.Mode(prior.Estimation.CoxReid, values, log found.Trend[gene], found.PriorVariance)

            found.Final[gene] <- exp mode
            prior.Alphas[gene] <- found.Final[gene]
        | _ -> ()

    /// Whether a row, of which means and fractions are known, is of a gene too weakly expressed.
    let internal isLow (rule: LowExpression option) (rows: ContrastRows) place =
        match rule with
        | None -> false
        | Some low ->
            rows.ReferenceFraction[place] < low.ControlFraction
            && rows.ReferenceMean[place] < low.ControlMean
            && rows.Fraction[place] < low.Fraction
            && rows.Mean[place] < low.Mean

    /// Where each row has its own, they are columns beside it.
    let private fillDispersions (pass: Pass) room place gene =
        match pass.Prior.Dispersions with
        | Some found when room.Columns.Length > 0 ->
            room.Columns[0][place] <- found.Final[gene]
            room.Columns[1][place] <- found.GeneWise[gene]
            room.Columns[2][place] <- found.Trend[gene]
        | _ -> ()

    let private canBeOutlier status =
        status = RowStatus.Tested
        || status = RowStatus.ZeroInPerturbed
        || status = RowStatus.ZeroInReference

    let private fillCooks (pass: Pass) (rows: ContrastRows) (cooks: IGeneCooks) group place =
        if canBeOutlier rows.Status[place] then
            let found = cooks.Largest(group, pass.Comparison.Control, pass.Limits[group])
            (rows.Named CooksDistance)[place] <- found.Distance

            if found.Position >= 0 then
                (rows.Named CooksCell)[place] <- float (cooks.Cell found.Position)

            if found.IsOutlier then
                rows.Status[place] <- RowStatus.OutlyingCount

    let private setStatus room errors place status =
        FoldTest.clear room.Block.Rows errors place
        room.Block.Rows.Status[place] <- status

    /// What the tester does not know of a row.
    let private finishRow options (pass: Pass) room errors group gene place =
        let rows = room.Block.Rows
        fillDispersions pass room place gene

        if min pass.Model.Sizes[group] pass.Model.Sizes[pass.Comparison.Control] < options.MinimumCells then
            setStatus room errors place RowStatus.TooFewCells
        elif isLow options.LowExpression rows place then
            setStatus room errors place RowStatus.LowExpression
        else
            match room.Cooks with
            | Some cooks -> fillCooks pass rows cooks group place
            | None -> ()

    let private fitGene (prior: CountPrior) (tester: IGeneTester) groups gene =
        match prior.Quasi with
        | Some quasi -> tester.Fit(groups, prior.Alphas[gene], quasi.Shrunk[gene])
        | None -> tester.Fit(groups, prior.Alphas[gene], 1.0)

    /// Tests a gene at its place in the block.
    let private testGene options (pass: Pass) room gene at =
        let comparison, tester = pass.Comparison, room.Tester
        tester.Load gene
        finalDispersion pass tester gene
        fitGene pass.Prior tester comparison.Perturbations gene

        room.Cooks
        |> Option.iter (fun cooks ->
            let fitted = Array.append comparison.Perturbations [| comparison.Control |]
            cooks.Load(gene, pass.Prior.Alphas[gene], fitted, tester.Mean))

        tester.Fill(room.Block, at, comparison.Perturbations)
        let errors = room.Block.Rows.Named ContrastRows.StandardError

        for group in comparison.Perturbations do
            finishRow options pass room errors group gene (at * room.Block.Groups + group)

    /// Rows whose counts are set aside have no p.
    let private setAside (rows: ContrastRows) =
        for place in 0 .. rows.Status.Length - 1 do
            if rows.Status[place] = RowStatus.OutlyingCount then
                rows.PValue[place] <- nan
                rows.Log10P[place] <- nan

    /// Likelihood ratios over a quasi-likelihood dispersion have the tail of so many degrees of freedom.
    let private tails options (pass: Pass) (block: GeneRows) : ContrastRows -> unit =
        let alternative = FoldHypothesis.alternative options.Hypothesis

        match pass.Prior.Quasi with
        | Some quasi when not (Double.IsInfinity(quasi.PriorDegrees + quasi.Degrees)) ->
            Array.create block.Rows.Statistic.Length (quasi.PriorDegrees + quasi.Degrees)
            |> TailColumns.student alternative
        | _ -> TailColumns.normal alternative

    let private makeRoom options (pass: Pass) (rows: ContrastRows) =
        let block = GeneRows.create pass.Model.Sizes.Length (rows.Further |> List.map fst)

        {
            Tester = pass.Model.Tester()
            Cooks =
                match pass.Model.Cooks with
                | Some make when options.Outliers <> CountOutliers.Ignored -> Some(make ())
                | _ -> None
            Block = block
            Columns = [|
                for name, values in block.Rows.Further do
                    if List.contains name ScreenDispersions.names then
                        values
            |]
            Tails = tails options pass block
        }

    let private testBlock options (pass: Pass) room first count =
        GeneRows.clear room.Block

        for at in 0 .. count - 1 do
            testGene options pass room (first + at) at

        room.Tails room.Block.Rows

        if options.Outliers = CountOutliers.SetAside then
            setAside room.Block.Rows

    let private testAll (progress: Progress) options (pass: Pass) rows =
        let genes, size = pass.Model.Genes, GeneRows.Genes
        let advance = Progress.counter progress "tests" "genes" (int64 genes)
        let comparison = pass.Comparison

        Schedule.blocks
            options.Threads
            ((genes + size - 1) / size)
            (fun () -> makeRoom options pass rows)
            (fun room block ->
                let first = block * size
                let count = min size (genes - first)
                testBlock options pass room first count
                GeneRows.copyTo comparison.Perturbations comparison.Rows count room.Block first genes rows
                advance (int64 count))

    let private quasiOf options degrees (found: GeneDispersions) =
        if options.Test = NegativeBinomialTest.QuasiLikelihood then
            Some(QuasiDispersions.create degrees found.Means found.GeneWise found.Trend)
        else
            None

    /// First stage, gene by gene: what some genes say of their dispersions. None where dispersions are given.
    let internal estimate progress options (model: GeneModel) =
        match options.Dispersion with
        | DispersionSource.Given _ -> None
        | DispersionSource.Screen chosen
        | DispersionSource.EachComparison chosen -> Some(model.GeneWise progress options.Threads chosen)

    /// Second stage, of all genes together: trend and prior. `degrees`: cells less coefficients.
    let internal settle options degrees (found: GeneDispersions option) : CountPrior =
        match options.Dispersion, found with
        | DispersionSource.Screen chosen, Some found
        | DispersionSource.EachComparison chosen, Some found ->
            let found = GeneDispersions.shrink chosen found
            let quasi = quasiOf options degrees found

            {
                Estimation = chosen
                Dispersions = Some found
                Quasi = quasi
                Alphas = if quasi.IsSome then found.Trend else Array.copy found.Final
            }
        | DispersionSource.Given alphas, _ -> {
            Estimation = GeneDispersions.standard
            Dispersions = None
            Quasi = None
            Alphas = alphas
          }
        | _, None -> invalidArg (nameof found) "dispersions are to be estimated, and none are here"

    /// What the genes from `first` to before `next` take from all.
    let internal priorOf first next (prior: CountPrior) = {
        prior with
            Dispersions = prior.Dispersions |> Option.map (GeneDispersions.block first next)
            Quasi = prior.Quasi |> Option.map (QuasiDispersions.block first next)
            Alphas = Array.sub prior.Alphas first (next - first)
    }

    /// The 0.99 quantile of F(2, d), d being cells − 2: d/2 (0.01^(−2/d) − 1). Infinity without degrees of freedom.
    let internal cooksLimit cells referenceCells =
        let free = float (cells + referenceCells - 2)

        if free > 0.0 then
            free / 2.0 * (exp (2.0 / free * log 100.0) - 1.0)
        else
            infinity

    /// Third stage, gene by gene: fills in the rows of the model's genes, perturbations x these genes. What modes are found
    /// goes into the prior's dispersions.
    let internal test progress options (model: GeneModel) comparison prior rows =
        let pass = {
            Model = model
            Comparison = comparison
            Prior = prior
            Limits =
                if options.Outliers = CountOutliers.Ignored then
                    [||]
                else
                    model.Sizes |> Array.map (cooksLimit model.Sizes[comparison.Control])
        }

        testAll progress options pass rows

    let private invariant (value: float) =
        value.ToString("R", Globalization.CultureInfo.InvariantCulture)

    let private badThreshold hypothesis =
        match hypothesis with
        | FoldHypothesis.Beyond(_, threshold) when not (threshold >= 0.0 && threshold < infinity) ->
            Some(threshold, "a finite log2 fold change of 0 or more is needed")
        | FoldHypothesis.Within threshold when not (threshold > 0.0 && threshold < infinity) ->
            Some(threshold, "a finite log2 fold change above 0 is needed")
        | _ -> None

    /// What is wrong with the options, whatever the data.
    let validate (options: NegativeBinomialOptions) : Result<unit, CoExprError> =
        let bad option value allowed =
            Error(CoExprError.BadOption(option, value, allowed))

        match badThreshold options.Hypothesis, options.Dispersion, options.Test with
        | _ when
            options.Shrink = FoldShrinkage.ByCounts
            && options.Scope = EstimationScope.Comparison
            ->
            bad
                "--shrink-by"
                "counts"
                "with --scope comparison fold changes are shrunken by their estimates and errors alone: statistics"
        | _ when options.Shrink = FoldShrinkage.ByCounts && not options.Covariates.IsNone ->
            bad
                "--shrink-by"
                "counts"
                "with covariates (--covariates) fold changes are shrunken by their estimates and errors alone: statistics"
        | Some(threshold, allowed), _, _ -> bad "--threshold" (invariant threshold) allowed
        | _ when options.Outliers <> CountOutliers.Ignored && not options.Covariates.IsNone ->
            bad "--cooks" "with --covariates" "leverages are those of groups alone"
        | _, DispersionSource.Given _, NegativeBinomialTest.QuasiLikelihood ->
            bad "--test" "ql" "quasi-likelihood needs dispersions that are estimated, not given ones"
        | _ ->
            if options.MinimumCells < 1 then
                bad "--min-cells" (string options.MinimumCells) "1 or more are needed"
            elif options.Threads < 1 then
                bad "--threads" (string options.Threads) "1 or more are needed"
            else
                Ok()

    /// The control, which tests of counts need.
    let internal requireControl minimumCells (groups: Groups) =
        match groups.Control with
        | None ->
            Error(
                CoExprError.BadOption(
                    "tests of counts",
                    "against all other cells",
                    "negative-binomial tests need the label of the control; rank-sum tests can compare with all other cells"
                )
            )
        | Some control ->
            let cells = groups.Starts[control + 1] - groups.Starts[control]

            if cells < minimumCells then
                Error(
                    CoExprError.TooFew(
                        $"cells of the control {groups.Labels[control]}",
                        int64 cells,
                        int64 minimumCells,
                        "Name a control with more cells, or lower --min-cells."
                    )
                )
            else
                Ok control

    /// What every value must be, and what is said of one that is not.
    let internal valueRule: (float32 -> bool) * string =
        (fun value -> value >= 0.0f && value = MathF.Floor value && value < 16777216.0f),
        "Negative binomials need counts: whole numbers from 0 to 16,777,215. Name the layer with the raw counts, or use a rank-sum or t test."

    let internal requireCounts (cells: Cells) =
        if cells.Counts.Integer then
            Ok cells
        else
            let isGood, advice = valueRule
            cells |> Cells.requireValues isGood advice

    let internal requireDispersions options (cells: Cells) =
        match options.Dispersion with
        | DispersionSource.Given alphas -> GeneDispersions.given cells.GeneTable.Names alphas |> Result.map ignore
        | _ -> Ok()

    /// Whether each row has dispersions of its own.
    let internal isEach options =
        match options.Dispersion with
        | DispersionSource.EachComparison _ -> true
        | DispersionSource.Screen _
        | DispersionSource.Given _ -> false

    /// Whether each row has dispersions of its own that are estimated.
    let internal hasOwnDispersions options =
        match options.Dispersion, options.Scope with
        | DispersionSource.EachComparison _, _
        | DispersionSource.Screen _, EstimationScope.Comparison -> true
        | DispersionSource.Screen _, EstimationScope.Screen
        | DispersionSource.Given _, _ -> false

    /// Covariates of all cells are refused before counts are looked at; those of single comparisons when it is their turn.
    let internal requireCovariates options groups cells =
        match options.Covariates.Columns, options.Scope with
        | [], _
        | _, EstimationScope.Comparison -> Ok()
        | _ when isEach options -> Ok()
        | columns, _ -> CovariateDesign.create columns groups cells |> Result.map ignore

    /// Names of the further columns that tests fill in: the standard error, dispersions where each row has its own, and Cook's
    /// distances where they are asked for.
    let internal further options = [
        ContrastRows.StandardError
        if hasOwnDispersions options then
            yield! ScreenDispersions.names
        if options.Outliers <> CountOutliers.Ignored then
            CooksDistance
            CooksCell
    ]

    /// Refuses numbers of the user's that are not one for each cell, or for each gene.
    let internal requireLengths (options: NegativeBinomialOptions) (cells: Cells) : Result<unit, CoExprError> =
        SizeFactorKind.requireLength cells.Counts.Cells options.SizeFactors
        |> Result.bind (fun () -> CovariateOptions.requireLengths options.Covariates cells)

    /// With the user's numbers of these cells alone.
    let internal takeCells (chosen: int[]) (options: NegativeBinomialOptions) = {
        options with
            SizeFactors = SizeFactorKind.takeCells chosen options.SizeFactors
            Covariates = CovariateOptions.takeCells chosen options.Covariates
    }

    /// Gives cells other numbers, in some rows: those that they have in a larger input.
    let internal renumber (numbers: int[]) genes first count (rows: ContrastRows) =
        for name, values in rows.Further do
            if name = CooksCell then
                for place in first * genes .. (first + count) * genes - 1 do
                    if not (Double.IsNaN values[place]) then
                        values[place] <- float numbers[int values[place]]

    /// What is estimated and tested together. Where dispersions are of the screen, they are estimated in the first.
    let internal comparisons options (groups: Groups) (pairs: ComparedGroups[]) : CountComparison[] =
        if isEach options then
            pairs
            |> Array.mapi (fun row pair -> {
                Groups = Groups.choose [| pair.Reference.Value; pair.Group |] (Some 0) groups
                Control = 0
                Perturbations = [| 1 |]
                Rows = [| row |]
            })
        else
            ScreenContrast.byReference pairs
            |> Array.map (fun (reference, rows) -> {
                Groups = groups
                Control = reference.Value
                Perturbations = rows |> Array.map (fun row -> pairs[row].Group)
                Rows = rows
            })

    /// What tests against another reference go by, once those against the first have found the modes.
    let internal afterModes (prior: CountPrior) = { prior with Dispersions = None }

    /// What is wrong with options in the cells of some groups alone, with which those are.
    let private amongCells (groups: Groups) error =
        match error with
        | CoExprError.BadOption(option, value, reason) ->
            let both = String.Join(" and ", groups.Labels)
            CoExprError.BadOption(option, value, $"among the cells of {both}, {reason}")
        | _ -> error

    let private among options (comparison: CountComparison) error =
        if isEach options then
            amongCells comparison.Groups error
        else
            error

    /// What covariates add to the cells of a comparison.
    let private covariateCells options (cells: Cells) factors (comparison: CountComparison) =
        CovariateModel.prepare options.Threads options.Covariates cells comparison.Groups factors comparison.Control
        |> Result.mapError (among options comparison)

    /// Counts in the order of the groups, which all comparisons of the same groups share while one of them holds them.
    let private grouping (options: NegativeBinomialOptions) groups : SparseCounts -> GroupedGenes =
        let counts, made =
            WeakReference<SparseCounts>(Unchecked.defaultof<_>), WeakReference<GroupedGenes>(Unchecked.defaultof<_>)

        let make (wanted: SparseCounts) =
            match counts.TryGetTarget(), made.TryGetTarget() with
            | (true, known), (true, genes) when obj.ReferenceEquals(known, wanted) -> genes
            | _ ->
                let genes = GroupedGenes.create options.Threads wanted groups
                counts.SetTarget wanted
                made.SetTarget genes
                genes

        fun wanted -> lock made (fun () -> make wanted)

    let private groupModel (options: NegativeBinomialOptions) (struct (nodes, grouped)) (comparison: CountComparison) = {
        Degrees = GroupModel.degrees comparison.Groups.Starts
        Coefficients = 0
        Create =
            fun _ counts ->
                grouped counts
                |> GroupModel.create nodes comparison.Control options.Test options.Hypothesis
    }

    let private covariateModel (options: NegativeBinomialOptions) (cells: CovariateCells) = {
        Degrees = CovariateModel.degrees cells
        Coefficients = cells.Sizes.Length + cells.Columns
        Create =
            fun first counts -> CovariateModel.create options.Threads options.Test options.Hypothesis first counts cells
    }

    /// What the cells of a comparison have in common for all genes is made once where all comparisons are of all groups; of
    /// many pairs it would not fit.
    let internal modelsOf (options: NegativeBinomialOptions) cells factors (comparisons: CountComparison[]) =
        let laidOut what =
            if isEach options then
                fun at -> what comparisons[at]
            else
                let first = what comparisons[0]
                fun _ -> first

        if options.Covariates.IsNone then
            let groupsOf =
                laidOut (fun comparison ->
                    struct (GroupModel.nodes options.Threads factors comparison.Groups,
                            grouping options comparison.Groups))

            fun at -> groupModel options (groupsOf at) comparisons[at]
        else
            let cellsOf = laidOut (covariateCells options cells factors >> CoExprError.unwrap)

            fun at ->
                covariateModel options {
                    cellsOf at with
                        Control = comparisons[at].Control
                }

    /// What was found of a comparison, and how to look at its counts again.
    type private Found = {
        Model: unit -> GeneModel
        Comparison: CountComparison
        Prior: CountPrior
        /// Whether dispersions were estimated here, and not taken over from another.
        Estimated: bool
    }

    /// All three stages over all genes.
    let private run progress options rows keeps make (comparison: CountComparison) =
        let model: GeneModel = make ()
        let prior = estimate progress options model |> settle options model.Degrees
        test progress options model comparison prior rows

        {
            // Many would not fit.
            Model = if keeps then (fun () -> model) else make
            Comparison = comparison
            Prior = prior
            Estimated = true
        }

    /// The last stage, by what another comparison has found.
    let private runAfter progress options rows (prior: CountPrior) make comparison =
        let prior = afterModes prior
        test progress options (make ()) comparison prior rows

        {
            Model = make
            Comparison = comparison
            Prior = prior
            Estimated = false
        }

    /// Modes of the posteriors of a gene's rows that have an estimate.
    let private shrinkGene
        (comparison: CountComparison)
        prior
        genes
        (rows: ContrastRows)
        (scales: float[])
        modes
        deviations
        (tester: IGeneTester)
        gene
        =
        tester.Load gene
        fitGene prior tester comparison.Perturbations gene

        comparison.Perturbations
        |> Array.iteri (fun i group ->
            let row = comparison.Rows[i]
            let place = row * genes + gene
            let estimate = rows.LogFoldChange[place] / FoldTest.log2e

            if Double.IsFinite estimate && rows.Status[place] <> RowStatus.AllZero then
                let posterior = tester.Posterior(group, scales[row], estimate)
                Array.set modes place posterior.LogFold
                Array.set deviations place posterior.Deviation)

    /// Fourth stage, gene by gene, of rows whose perturbations have priors of these scales: modes of posteriors and their
    /// deviations, natural logarithms. `prior` is that with which the model's genes were tested, modes found.
    let internal shrinkGenes options (model: GeneModel) comparison prior rows scales modes deviations advance =
        Schedule.blocks options.Threads model.Genes model.Tester (fun tester gene ->
            shrinkGene comparison prior model.Genes rows scales modes deviations tester gene
            advance 1L)

    let private shrinkByCounts (progress: Progress) options (found: Found[]) perturbations genes (rows: ContrastRows) =
        let scales = FoldChangeShrinkage.scales options.Threads perturbations genes rows

        let modes, deviations =
            Array.create rows.PValue.Length nan, Array.create rows.PValue.Length nan

        let advance =
            Progress.counter progress "shrinking" "genes" (int64 found.Length * int64 genes)

        for made in found do
            shrinkGenes options (made.Model()) made.Comparison made.Prior rows scales modes deviations advance

        FoldChangeShrinkage.ofModes options.Threads perturbations genes modes deviations rows

    let private shrunken progress options found perturbations genes rows =
        match options.Shrink with
        | FoldShrinkage.Nothing -> rows
        | FoldShrinkage.ByStatistics -> FoldChangeShrinkage.ofRows options.Threads perturbations genes rows
        | FoldShrinkage.ByCounts -> shrinkByCounts progress options found perturbations genes rows

    /// All comparisons: each by itself, or all by what the first has found.
    let private runAll progress options (cells: Cells) factors rows (compared: CountComparison[]) =
        let modelOf = modelsOf options cells factors compared

        let make at () = (modelOf at).Create 0 cells.Counts

        if isEach options then
            compared
            |> Array.mapi (fun at comparison -> run progress options rows false (make at) comparison)
        else
            let first = run progress options rows true (make 0) compared[0]

            compared[1..]
            |> Array.mapi (fun at comparison -> runAfter progress options rows first.Prior (make (at + 1)) comparison)
            |> Array.append [| first |]

    /// Fills in the rows of all pairs from one set of size factors; gives these, and what was found of dispersions.
    let private fillScreen
        progress
        (options: NegativeBinomialOptions)
        (groups: Groups)
        pairs
        (cells: Cells)
        rows
        placeOf
        =
        result {
            let! factors = SizeFactors.create options.SizeFactors cells
            do! SizeFactors.requirePositive factors groups.Order cells

            let! found =
                CoExprError.protect (fun () ->
                    comparisons options groups pairs
                    |> Array.map (fun comparison -> {
                        comparison with
                            Rows = comparison.Rows |> Array.map placeOf
                    })
                    |> runAll progress options cells factors rows)

            return struct (factors, found)
        }

    /// The options as they are of the cells of a comparison alone.
    let private optionsOf (options: NegativeBinomialOptions) (chosen: int[]) : NegativeBinomialOptions = {
        takeCells chosen options with
            Scope = EstimationScope.Screen
            Dispersion =
                match options.Dispersion with
                | DispersionSource.EachComparison estimation -> DispersionSource.Screen estimation
                | other -> other
    }

    /// The cells of a pair in the order of the input, and the groups that they would have in a file of their own.
    let private alone (groups: Groups) (pair: ComparedGroups) : int[] * Groups =
        let reference = pair.Reference.Value
        let labels = Array.sort [| pair.Group; reference |]

        let both: Groups =
            Groups.choose labels (Some(Array.IndexOf(labels, reference))) groups

        let chosen = Array.sort both.Order

        chosen,
        {
            both with
                Order = both.Order |> Array.map (fun cell -> Array.BinarySearch(chosen, cell))
        }

    /// One row from its own cells alone.
    let private fillAlone
        progress
        (options: NegativeBinomialOptions)
        groups
        (cells: Cells)
        rows
        row
        (pair: ComparedGroups)
        =
        let chosen, own = alone groups pair
        let control = own.Control.Value

        let found =
            fillScreen
                progress
                (optionsOf options chosen)
                own
                [|
                    {
                        Group = 1 - control
                        Reference = Some control
                    }
                |]
                (Cells.takeCells chosen cells)
                rows
                (fun _ -> row)
            |> Result.mapError (amongCells own)
            |> CoExprError.unwrap

        renumber chosen cells.Counts.Genes row 1 rows
        let struct (_, found) = found
        // Their cells are not kept: there are as many as comparisons.
        found
        |> Array.map (fun found -> {
            found with
                Model = fun () -> invalidOp "the cells of one comparison are no longer there"
        })

    let private fillEachAlone
        (progress: Progress)
        (options: NegativeBinomialOptions)
        groups
        (cells: Cells)
        rows
        (pairs: ComparedGroups[])
        =
        let advance =
            Progress.counter progress "comparisons" "comparisons" (int64 pairs.Length)

        let quiet = { progress with Report = ignore }

        pairs
        |> Array.mapi (fun row pair ->
            progress.Token.ThrowIfCancellationRequested()
            let found = fillAlone quiet options groups cells rows row pair
            advance 1L
            found)
        |> Array.concat

    let private fill progress (options: NegativeBinomialOptions) groups pairs cells rows =
        match options.Scope with
        | EstimationScope.Screen -> fillScreen progress options groups pairs cells rows id
        | EstimationScope.Comparison ->
            CoExprError.protect (fun () -> struct ([||], fillEachAlone progress options groups cells rows pairs))

    /// Tests every gene of the first group of every contrast against the second, or without contrasts of every group against
    /// the control: dispersions are of all groups either way, unless each comparison is to have its own. The same bits for
    /// every number of threads and order of the genes.
    ///
    /// Errors: no control or one with too few cells; contrasts of unknown labels; values that are no counts, by gene and cell;
    /// a cell without counts in a group, which has no size factor; given size factors or dispersions that do not fit; covariates
    /// that are missing, constant or confounded (see `CovariateDesign.create`). What concerns single rows, such as a group
    /// without counts of a gene, is in their status.
    let contrast
        (progress: Progress)
        (options: NegativeBinomialOptions)
        (contrasts: ScreenContrast list)
        (groups: Groups)
        (cells: Cells)
        : Result<NegativeBinomialResult, CoExprError> =
        result {
            do! validate options
            let! _ = requireControl options.MinimumCells groups
            let! pairs = ScreenContrast.compared contrasts groups
            do! requireLengths options cells
            do! requireCovariates options groups cells
            let! cells = requireCounts cells
            do! requireDispersions options cells
            let rows = ContrastRows.create pairs.Length cells.Counts.Genes (further options)
            let! struct (factors, found) = fill progress options groups pairs cells rows

            ContrastRows.adjust
                options.Threads
                options.Adjustment
                options.CountUntestable
                pairs.Length
                cells.Counts.Genes
                rows

            return {
                Options = options
                Perturbations = pairs |> Array.map _.Group
                SizeFactors = factors
                Dispersions = found |> Array.choose _.Prior.Dispersions
                Quasi = found |> Array.filter _.Estimated |> Array.choose _.Prior.Quasi
                Rows = shrunken progress options found pairs.Length cells.Counts.Genes rows
            }
        }

    /// Tests every gene of every group against the control group: `contrast` without contrasts.
    let compute progress options groups cells =
        contrast progress options [] groups cells
