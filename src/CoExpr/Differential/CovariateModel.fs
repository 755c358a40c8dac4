namespace CoExpr

open System
open CoExpr.Kernels

/// What all genes are fitted with in some cells, whichever the genes.
type internal CovariateCells = {
    Options: CovariateOptions
    /// The cells in the order that the units want them.
    Order: Groups
    /// Makes units for a thread.
    Units: unit -> CovariateUnits
    /// Cells of each group.
    Sizes: int[]
    /// Columns of covariates.
    Columns: int
    Control: int
}

/// The model of groups and covariates: ln of a cell's mean count is the intercept of its group, plus its covariates times
/// slopes that all groups share, plus ln of its size factor. Every gene is one fit over the cells of all groups.
[<RequireQualifiedAccess>]
module internal CovariateModel =

    /// Strata of fewer cells than this are no faster than the cells.
    [<Literal>]
    let private LeastInStratum = 16

    /// Some genes, and the cells they are fitted in.
    type private Setting = {
        Cells: CovariateCells
        /// In the order that the units want them.
        Genes: GroupedGenes
        /// The first of them among those of the screen, of which offsets and the control's intercepts are.
        First: int
        /// Of each gene the coefficients that its dispersion was found at; null before it was.
        Coefficients: CovariateCoefficients[]
    }

    /// Each group's cells stratum by stratum.
    let private stratified (groups: Groups) (stratumOf: int[]) strata : Groups =
        let members = [|
            for group in 0 .. groups.Labels.Length - 1 do
                let own =
                    Groups.members group groups
                    |> Array.groupBy (fun cell -> stratumOf[cell])
                    |> dict

                for stratum in 0 .. strata - 1 ->
                    match own.TryGetValue stratum with
                    | true, cells -> cells
                    | _ -> [||]
        |]

        {
            Labels = members |> Array.mapi (fun i _ -> $"{groups.Labels[i / strata]}|{i % strata}")
            Order = Array.concat members
            Starts = members |> Array.map Array.length |> Array.scan (+) 0
            Control = None
        }

    /// The order of the cells, and what makes units for a thread.
    let private ofStrata threads groups factors columns (stratumOf, rows: float[]) =
        let order = stratified groups stratumOf (rows.Length / columns)
        let nodes = GroupModel.nodes threads factors order
        struct (order, (fun () -> StratumUnits(nodes, order.Starts, rows, columns) :> CovariateUnits))

    let private ofCells (groups: Groups) (factors: float[]) (design: CovariateDesign) =
        let arrange (column: float[]) =
            groups.Order |> Array.map (fun cell -> column[cell])

        let cells =
            CellColumns(arrange factors, design.Columns |> Array.map arrange, groups.Starts)

        struct (groups, (fun () -> CellUnits cells :> CovariateUnits))

    let private layout threads options (groups: Groups) factors (design: CovariateDesign) =
        let isLarge strata =
            int64 groups.Labels.Length * int64 strata * int64 LeastInStratum
            <= int64 groups.Order.Length

        match design.Strata with
        | Some(stratumOf, rows) when options.Offsets.Length = 0 && isLarge (rows.Length / design.Names.Length) ->
            ofStrata threads groups factors design.Names.Length (stratumOf, rows)
        | _ -> ofCells groups factors design

    let private load setting (units: CovariateUnits) gene =
        let options, genes = setting.Cells.Options, setting.Genes

        let offsets =
            if options.Offsets.Length = 0 then
                [||]
            else
                GroupedGenes.arrange options.Offsets[setting.First + gene] genes

        units.Load(
            Span.op_Implicit (genes.Genes.IndicesOf gene),
            Span.op_Implicit (genes.Genes.ValuesOf gene),
            ReadOnlySpan offsets
        )

    /// The control's intercept where it is known, else NaN.
    let private known setting gene =
        if setting.Cells.Options.ControlIntercepts.Length = 0 then
            nan
        else
            setting.Cells.Options.ControlIntercepts[setting.First + gene]

    let private held setting =
        if setting.Cells.Options.ControlIntercepts.Length = 0 then
            -1
        else
            setting.Cells.Control

    /// Intercepts at their Poisson estimates given the slopes, ln(Σ y / Σ s e^(xγ)): those of groups alone where there are
    /// no covariates.
    let private setIntercepts setting gene (units: CovariateUnits) (at: CovariateCoefficients) =
        for group in 0 .. units.Groups - 1 do
            at.Intercepts[group] <-
                match units.Total group with
                | 0.0 -> CovariateUnits.Absent
                | total -> log (total / units.Intercept(group, 0.0, 0.0, ReadOnlySpan at.Slopes).Expected)

        if held setting >= 0 then
            at.Intercepts[setting.Cells.Control] <- known setting gene

    type private Estimator = {
        Units: CovariateUnits
        Fit: CovariateFit
        Profile: CovariateProfile
        IsAdjusted: bool
    }

    let private makeEstimator setting (estimation: GeneDispersionOptions) =
        let units = setting.Cells.Units()

        {
            Units = units
            Fit = CovariateFit units
            Profile = CovariateProfile units
            IsAdjusted = estimation.CoxReid
        }

    /// The dispersion with means held at these coefficients. The profile is left in `values`.
    let private maximize setting (estimator: Estimator) isAdjusted (at: CovariateCoefficients) (values: float[]) =
        estimator.Profile.Load(at, held setting)
        DispersionFit.Maximize(estimator.Profile, isAdjusted, values.AsSpan())

    /// A gene's dispersion alone. With covariates means differ within a group, and Poisson estimates give too much to cells
    /// of high ones: they only serve to find a first dispersion, without the adjustment, at which the means are then fitted
    /// that are held.
    let private estimate setting (found: GeneDispersions) (estimator: Estimator) gene =
        let units = estimator.Units
        let at = CovariateCoefficients(units.Groups, units.Columns)
        let values = Array.zeroCreate<float> DispersionFit.Points
        setIntercepts setting gene units at

        let solve dispersion =
            estimator.Fit.Solve(at, dispersion, TiedIntercept.Free(held setting))

        let isSolved =
            units.Columns = 0
            || solve GroupFit.LeastDispersion
               && solve (exp (maximize setting estimator false at values).LogDispersion)

        if isSolved then
            GeneDispersions.record found gene (maximize setting estimator estimator.IsAdjusted at values)
            values.CopyTo(found.Profiles, gene * DispersionFit.Points)
            setting.Coefficients[gene] <- at

    let private hasCounts (units: CovariateUnits) =
        Seq.exists (fun group -> units.Total group > 0.0) (seq { 0 .. units.Groups - 1 })

    let private geneWise setting (progress: Progress) threads (estimation: GeneDispersionOptions) =
        let lines = setting.Genes.Genes.Lines
        let found = GeneDispersions.empty lines
        let advance = Progress.counter progress "dispersions" "genes" (int64 lines)
        let size = GeneDispersions.BlockGenes

        let work (estimator: Estimator) block =
            let first, next = block * size, min lines ((block + 1) * size)

            for gene in first .. next - 1 do
                load setting estimator.Units gene
                found.Means[gene] <- estimator.Units.MeanOfScaled()

                if hasCounts estimator.Units then
                    estimate setting found estimator gene

            advance (int64 (next - first))

        Schedule.blocks threads ((lines + size - 1) / size) (fun () -> makeEstimator setting estimation) work
        found

    let private fill
        (sizes: int[])
        control
        (units: CovariateUnits)
        (tester: CovariateTester)
        (block: GeneRows)
        at
        groups
        =
        let rows, errors = block.Rows, block.Rows.Named ContrastRows.StandardError

        let share group =
            if sizes[group] = 0 then
                nan
            else
                float (units.Stored group) / float sizes[group]

        for group in groups do
            let place = at * block.Groups + group
            rows.Mean[place] <- tester.Mean group
            rows.ReferenceMean[place] <- tester.Mean control
            rows.Fraction[place] <- share group
            rows.ReferenceFraction[place] <- share control
            FoldTest.fill rows errors place (tester.Compare group)

    let private tester setting test hypothesis =
        let units = setting.Cells.Units()
        let tester = CovariateTester(units, setting.Cells.Control, test, hypothesis)
        let profile = CovariateProfile units
        let mutable loaded = -1

        {
            new IGeneTester with
                member _.Load gene =
                    loaded <- gene
                    load setting units gene

                member _.Mode(coxReid, values, centre, variance) =
                    profile.Load(setting.Coefficients[loaded], held setting)
                    DispersionFit.Mode(profile, coxReid, ReadOnlySpan values, centre, variance)

                // Groups share the slopes: all are fitted.
                member _.Fit(_, dispersion, quasiDispersion) =
                    tester.Fit(dispersion, quasiDispersion, known setting loaded, setting.Coefficients[loaded])

                member _.Mean group = tester.Mean group

                member _.Fill(block, at, groups) =
                    fill setting.Cells.Sizes setting.Cells.Control units tester block at groups

                member _.Posterior(_, _, _) =
                    invalidOp "posteriors of counts are not found with covariates; options refuse them"
        }

    let private require (options: CovariateOptions) (cells: Cells) =
        let hasBad own =
            own |> Array.exists (Double.IsFinite >> not)

        result {
            do! CovariateOptions.requireLengths options cells

            match options.Offsets |> Array.tryFindIndex hasBad with
            | Some gene ->
                return!
                    Error(
                        CoExprError.BadOption(
                            "offsets of gene",
                            cells.GeneTable.Names[gene],
                            "they must be finite numbers, logarithms of what the means are multiplied by"
                        )
                    )
            | None -> return ()
        }

    let private groupSizes (groups: Groups) =
        Array.init groups.Labels.Length (fun group -> groups.Starts[group + 1] - groups.Starts[group])

    /// What all genes are fitted with over the cells of the groups, with size factors of all cells of the input; of the
    /// counts only their numbers of cells and genes are looked at. Errors: those of `CovariateDesign.create`;
    /// UnequalLengths for offsets or intercepts that are not one per gene, or per cell.
    let prepare
        threads
        (options: CovariateOptions)
        (cells: Cells)
        (groups: Groups)
        (factors: float[])
        control
        : Result<CovariateCells, CoExprError> =
        result {
            do! require options cells

            let! design =
                if options.Columns.IsEmpty then
                    Ok CovariateDesign.empty
                else
                    CovariateDesign.create options.Columns groups cells

            let struct (order, units) = layout threads options groups factors design

            return {
                Options = options
                Order = order
                Units = units
                Sizes = groupSizes groups
                Columns = design.Names.Length
                Control = control
            }
        }

    /// Cells less coefficients, at least 1.
    let degrees (cells: CovariateCells) =
        let used = cells.Sizes |> Array.filter (fun size -> size > 0) |> Array.length
        float (max 1 (Array.sum cells.Sizes - used - cells.Columns))

    /// The model of some genes, of which these are the counts and the first is this one of the screen.
    let create threads test hypothesis first (counts: SparseCounts) (cells: CovariateCells) : GeneModel =
        let setting = {
            Cells = cells
            Genes = GroupedGenes.create threads counts cells.Order
            First = first
            Coefficients = Array.zeroCreate counts.Genes
        }

        {
            Genes = counts.Genes
            Sizes = cells.Sizes
            Degrees = degrees cells
            Coefficients = setting.Coefficients
            GeneWise = geneWise setting
            Tester = fun () -> tester setting test hypothesis
            Cooks = None
        }
