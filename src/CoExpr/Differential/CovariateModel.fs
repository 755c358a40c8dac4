namespace CoExpr

open System
open CoExpr.Kernels

/// The model of groups and covariates: ln of a cell's mean count is the intercept of its group, plus its covariates times
/// slopes that all groups share, plus ln of its size factor. Every gene is one fit over the cells of all groups.
[<RequireQualifiedAccess>]
module internal CovariateModel =

    /// Strata of fewer cells than this are no faster than the cells.
    [<Literal>]
    let private LeastInStratum = 16

    /// The genes in the order that the units want them, and what makes units for a thread.
    type private Source = {
        Genes: GroupedGenes
        Units: unit -> CovariateUnits
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

    let private ofStrata threads (counts: SparseCounts) groups (factors: float[]) columns (stratumOf, rows: float[]) =
        let strata = rows.Length / columns

        let genes = GroupedGenes.create threads counts (stratified groups stratumOf strata)

        let nodes = SizeFactorNodes(GroupedGenes.arrange factors genes, genes.Starts)
        Schedule.blocks threads nodes.Groups ignore (fun () group -> nodes.Fill group)

        {
            Genes = genes
            Units = fun () -> StratumUnits(nodes, genes.Starts, rows, columns)
        }

    let private ofCells threads (counts: SparseCounts) groups (factors: float[]) (design: CovariateDesign) =
        let genes = GroupedGenes.create threads counts groups

        let columns =
            design.Columns |> Array.map (fun column -> GroupedGenes.arrange column genes)

        let cells = CellColumns(GroupedGenes.arrange factors genes, columns, genes.Starts)

        {
            Genes = genes
            Units = fun () -> CellUnits cells
        }

    let private sourceOf threads options (counts: SparseCounts) (groups: Groups) factors (design: CovariateDesign) =
        let isLarge strata =
            int64 groups.Labels.Length * int64 strata * int64 LeastInStratum
            <= int64 groups.Order.Length

        match design.Strata with
        | Some(stratumOf, rows) when options.Offsets.Length = 0 && isLarge (rows.Length / design.Names.Length) ->
            ofStrata threads counts groups factors design.Names.Length (stratumOf, rows)
        | _ -> ofCells threads counts groups factors design

    let private loader (options: CovariateOptions) (genes: GroupedGenes) (units: CovariateUnits) gene =
        let offsets =
            if options.Offsets.Length = 0 then
                [||]
            else
                GroupedGenes.arrange options.Offsets[gene] genes

        units.Load(
            Span.op_Implicit (genes.Genes.IndicesOf gene),
            Span.op_Implicit (genes.Genes.ValuesOf gene),
            ReadOnlySpan offsets
        )

    let private intercept (options: CovariateOptions) gene =
        if options.ControlIntercepts.Length = 0 then
            nan
        else
            options.ControlIntercepts[gene]

    /// Poisson estimates, at which profiles of dispersions hold the means.
    let private poisson (fit: CovariateFit) (units: CovariateUnits) known control (slopes: float[]) =
        let at = CovariateCoefficients(units.Groups, units.Columns)
        CovariateFit.Start(units, at)

        if not (isNull slopes) then
            slopes.CopyTo(at.Slopes, 0)

        let held = if Double.IsNaN known then -1 else control

        if held >= 0 then
            at.Intercepts[control] <- known

        let isSolved = fit.Solve(at, GroupFit.LeastDispersion, TiedIntercept.Free held)

        struct (isSolved, at, held)

    /// A gene's dispersion alone; the slopes of its Poisson estimate are kept.
    let private estimate
        options
        control
        (slopes: float[][])
        (found: GeneDispersions)
        isAdjusted
        (units: CovariateUnits, fit, profile: CovariateProfile)
        gene
        =
        found.Means[gene] <- units.MeanOfScaled()

        if Seq.exists (fun group -> units.Total group > 0.0) (seq { 0 .. units.Groups - 1 }) then
            let struct (isSolved, at, held) =
                poisson fit units (intercept options gene) control null

            if isSolved then
                slopes[gene] <- at.Slopes
                profile.Load(at, held)

                let values =
                    found.Profiles.AsSpan(gene * DispersionFit.Points, DispersionFit.Points)

                GeneDispersions.record found gene (DispersionFit.Maximize(profile, isAdjusted, values))

    let private geneWise
        options
        source
        control
        slopes
        (progress: Progress)
        threads
        (estimation: GeneDispersionOptions)
        =
        let lines = source.Genes.Genes.Lines
        let found = GeneDispersions.empty lines
        let advance = Progress.counter progress "dispersions" "genes" (int64 lines)
        let size = GeneDispersions.BlockGenes

        let makeState () =
            let units = source.Units()
            units, CovariateFit units, CovariateProfile units

        Schedule.blocks threads ((lines + size - 1) / size) makeState (fun state block ->
            let first, next = block * size, min lines ((block + 1) * size)
            let units, _, _ = state

            for gene in first .. next - 1 do
                loader options source.Genes units gene
                estimate options control slopes found estimation.CoxReid state gene

            advance (int64 (next - first)))

        found

    let private tester options source control (slopes: float[][]) test hypothesis =
        let units = source.Units()
        let tester = CovariateTester(units, control, test, hypothesis)
        let fit, profile = CovariateFit units, CovariateProfile units
        let mutable loaded = -1

        {
            new IGeneTester with
                member _.Load gene =
                    loaded <- gene
                    loader options source.Genes units gene

                member _.Mode(coxReid, values, centre, variance) =
                    let struct (_, at, held) =
                        poisson fit units (intercept options loaded) control slopes[loaded]

                    profile.Load(at, held)
                    DispersionFit.Mode(profile, coxReid, ReadOnlySpan values, centre, variance)

                member _.Fit(dispersion, quasiDispersion, degrees) =
                    tester.Fit(dispersion, quasiDispersion, degrees, intercept options loaded, slopes[loaded])

                member _.Mean group = tester.Mean group
                member _.Stored group = units.Stored group
                member _.Compare group = tester.Compare group
        }

    let private require (options: CovariateOptions) (cells: Cells) =
        let genes = cells.Counts.Genes

        let unequal what (expected: int) (actual: int) =
            Error(CoExprError.UnequalLengths(what, int64 expected, int64 actual))

        let badOffset gene =
            options.Offsets[gene] |> Array.exists (Double.IsFinite >> not)

        if options.Offsets.Length <> 0 && options.Offsets.Length <> genes then
            unequal "genes of the offsets" genes options.Offsets.Length
        elif
            options.ControlIntercepts.Length <> 0
            && options.ControlIntercepts.Length <> genes
        then
            unequal "intercepts of the control" genes options.ControlIntercepts.Length
        else
            match
                options.Offsets
                |> Array.tryFindIndex (fun own -> own.Length <> cells.Counts.Cells)
            with
            | Some gene ->
                unequal $"offsets of gene {cells.GeneTable.Names[gene]}" cells.Counts.Cells options.Offsets[gene].Length
            | None ->
                match [| 0 .. options.Offsets.Length - 1 |] |> Array.tryFind badOffset with
                | Some gene ->
                    Error(
                        CoExprError.BadOption(
                            "offsets of gene",
                            cells.GeneTable.Names[gene],
                            "they must be finite numbers, logarithms of what the means are multiplied by"
                        )
                    )
                | None -> Ok()

    let private groupSizes (groups: Groups) =
        Array.init groups.Labels.Length (fun group -> groups.Starts[group + 1] - groups.Starts[group])

    /// The model over the cells of the groups, with size factors of all cells of the input. Errors: those of
    /// `CovariateDesign.create`; UnequalLengths for offsets or intercepts that are not one per gene, or per cell.
    let create
        threads
        (options: CovariateOptions)
        (cells: Cells)
        (groups: Groups)
        (factors: float[])
        control
        test
        hypothesis
        : Result<GeneModel, CoExprError> =
        result {
            do! require options cells

            let! design =
                if options.Columns.IsEmpty then
                    Ok CovariateDesign.empty
                else
                    CovariateDesign.create options.Columns groups cells

            let source = sourceOf threads options cells.Counts groups factors design
            let slopes: float[][] = Array.zeroCreate cells.Counts.Genes
            let sizes = groupSizes groups
            let used = sizes |> Array.filter (fun cells -> cells > 0) |> Array.length

            return {
                Genes = cells.Counts.Genes
                Sizes = sizes
                Degrees = float (max 1 (Array.sum sizes - used - design.Names.Length))
                GeneWise = geneWise options source control slopes
                Tester = fun () -> tester options source control slopes test hypothesis
            }
        }
