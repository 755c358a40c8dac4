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
    /// All of the input, and all groups.
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
        Rows: ContrastRows
        /// Of `ScreenDispersions.names`, where the rows have them.
        Columns: float[][]
        /// Of each group's comparison the Cook's distance of an outlier.
        Limits: float[]
    }

    /// The names among further columns of the largest Cook's distance of a row, and of the cell that has it: its number in the
    /// input, from 0 on.
    [<Literal>]
    let CooksDistance = "cooks_distance"

    [<Literal>]
    let CooksCell = "cooks_cell"

    let private log2e = 1.0 / log 2.0

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

    let private share stored cells =
        if cells = 0 then nan else float stored / float cells

    /// Whether a row, of which means and fractions are known, is of a gene too weakly expressed.
    let internal isLow (rule: LowExpression option) (rows: ContrastRows) place =
        match rule with
        | None -> false
        | Some low ->
            rows.ReferenceFraction[place] < low.ControlFraction
            && rows.ReferenceMean[place] < low.ControlMean
            && rows.Fraction[place] < low.Fraction
            && rows.Mean[place] < low.Mean

    let private fillMeans (pass: Pass) (tester: IGeneTester) group place =
        let sizes, rows, control = pass.Model.Sizes, pass.Rows, pass.Comparison.Control
        rows.Mean[place] <- tester.Mean group
        rows.ReferenceMean[place] <- tester.Mean control
        rows.Fraction[place] <- share (tester.Stored group) sizes[group]
        rows.ReferenceFraction[place] <- share (tester.Stored control) sizes[control]

    let private fillTest (pass: Pass) (tester: IGeneTester) group place =
        let rows, found = pass.Rows, tester.Compare group
        rows.Effect[place] <- found.LogFold * log2e
        rows.LogFoldChange[place] <- found.LogFold * log2e
        (snd rows.Further.Head)[place] <- found.StandardError * log2e
        rows.Statistic[place] <- found.Statistic
        rows.PValue[place] <- found.PValue
        rows.Log10P[place] <- found.Log10P
        rows.Status[place] <- found.Status

    /// Where each row has its own, they are columns beside it.
    let private fillDispersions (pass: Pass) place gene =
        match pass.Prior.Dispersions with
        | Some found when pass.Columns.Length > 0 ->
            pass.Columns[0][place] <- found.Final[gene]
            pass.Columns[1][place] <- found.GeneWise[gene]
            pass.Columns[2][place] <- found.Trend[gene]
        | _ -> ()

    let private canBeOutlier status =
        status = RowStatus.Tested
        || status = RowStatus.ZeroInPerturbed
        || status = RowStatus.ZeroInReference

    let private fillCooks options (pass: Pass) (cooks: IGeneCooks) group place =
        let rows = pass.Rows

        if canBeOutlier rows.Status[place] then
            let found = cooks.Largest(group, pass.Comparison.Control, pass.Limits[group])
            (rows.Named CooksDistance)[place] <- found.Distance

            if found.Position >= 0 then
                (rows.Named CooksCell)[place] <- float (cooks.Cell found.Position)

            if found.IsOutlier then
                rows.Status[place] <- RowStatus.OutlyingCount

                if options.Outliers = CountOutliers.SetAside then
                    rows.PValue[place] <- nan
                    rows.Log10P[place] <- nan

    let private fillRow options (pass: Pass) (tester: IGeneTester) cooks row group gene =
        let place = row * pass.Model.Genes + gene
        fillMeans pass tester group place
        fillDispersions pass place gene

        if min pass.Model.Sizes[group] pass.Model.Sizes[pass.Comparison.Control] < options.MinimumCells then
            pass.Rows.Status[place] <- RowStatus.TooFewCells
        elif isLow options.LowExpression pass.Rows place then
            pass.Rows.Status[place] <- RowStatus.LowExpression
        else
            fillTest pass tester group place
            cooks |> Option.iter (fun cooks -> fillCooks options pass cooks group place)

    let private fitGene (prior: CountPrior) (tester: IGeneTester) gene =
        match prior.Quasi with
        | Some quasi -> tester.Fit(prior.Alphas[gene], quasi.Shrunk[gene], quasi.PriorDegrees + quasi.Degrees)
        | None -> tester.Fit(prior.Alphas[gene], 1.0, infinity)

    let private testGene options (pass: Pass) (struct (tester: IGeneTester, cooks: IGeneCooks option)) gene =
        let comparison = pass.Comparison
        tester.Load gene
        finalDispersion pass tester gene
        fitGene pass.Prior tester gene

        cooks
        |> Option.iter (fun cooks ->
            let fitted = Array.append comparison.Perturbations [| comparison.Control |]
            cooks.Load(gene, pass.Prior.Alphas[gene], fitted, tester.Mean))

        comparison.Perturbations
        |> Array.iteri (fun i group -> fillRow options pass tester cooks comparison.Rows[i] group gene)

    let private testAll (progress: Progress) options (pass: Pass) =
        let genes = pass.Model.Genes
        let advance = Progress.counter progress "tests" "genes" (int64 genes)
        let size = GeneDispersions.BlockGenes

        let room () =
            struct (pass.Model.Tester(),
                    match pass.Model.Cooks with
                    | Some make when options.Outliers <> CountOutliers.Ignored -> Some(make ())
                    | _ -> None)

        Schedule.blocks options.Threads ((genes + size - 1) / size) room (fun tester block ->
            let first, next = block * size, min genes ((block + 1) * size)

            for gene in first .. next - 1 do
                testGene options pass tester gene

            advance (int64 (next - first)))

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
        testAll progress options {
            Model = model
            Comparison = comparison
            Prior = prior
            Rows = rows
            Columns = [|
                for name, values in rows.Further do
                    if List.contains name ScreenDispersions.names then
                        values
            |]
            Limits =
                if options.Outliers = CountOutliers.Ignored then
                    [||]
                else
                    model.Sizes |> Array.map (cooksLimit model.Sizes[comparison.Control])
        }

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

    let private groupModel (options: NegativeBinomialOptions) nodes (comparison: CountComparison) = {
        Degrees = GroupModel.degrees comparison.Groups.Starts
        Coefficients = 0
        Create =
            fun _ counts ->
                GroupedGenes.create options.Threads counts comparison.Groups
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
            let nodesOf =
                laidOut (fun comparison -> GroupModel.nodes options.Threads factors comparison.Groups)

            fun at -> groupModel options (nodesOf at) comparisons[at]
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
        fitGene prior tester gene

        comparison.Perturbations
        |> Array.iteri (fun i group ->
            let row = comparison.Rows[i]
            let place = row * genes + gene
            let estimate = rows.LogFoldChange[place] / log2e

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

    /// The options as they are of some of the cells alone.
    let private optionsOf (options: NegativeBinomialOptions) (chosen: int[]) : NegativeBinomialOptions =
        let ofChosen (values: float[]) =
            chosen |> Array.map (fun cell -> values[cell])

        {
            options with
                Scope = EstimationScope.Screen
                Dispersion =
                    match options.Dispersion with
                    | DispersionSource.EachComparison estimation -> DispersionSource.Screen estimation
                    | other -> other
                SizeFactors =
                    match options.SizeFactors with
                    | SizeFactorKind.Given factors when factors.Length > Array.last chosen ->
                        SizeFactorKind.Given(ofChosen factors)
                    | other -> other
                Covariates.Offsets = options.Covariates.Offsets |> Array.map ofChosen
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
