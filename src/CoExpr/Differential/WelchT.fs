namespace CoExpr

open System
open CoExpr.Kernels

/// How a t-test is made.
type WelchOptions = {
    /// Whether the reference's variance of its mean is taken as if it had as few cells as the perturbation: scanpy's
    /// t-test_overestim_var, which is conservative.
    OverestimateVariance: bool
    /// Whether a group of which all cells have one value is tested, with a variance of 0, as scipy, scanpy and CRISPYx do.
    /// Of a gene that few cells express nearly every perturbation without such a cell then has a p below 0.05.
    ConstantGroups: bool
}

/// The t-test of Welch (1947) of two means whose variances may differ:
///
///     t = (m1 − m0) / √(v1/n1 + v0/n0),   ν = (v1/n1 + v0/n0)² / ((v1/n1)²/(n1 − 1) + (v0/n0)²/(n0 − 1)),
///
/// with variances over n − 1. The effect is the difference of the means of the tested values, m1 − m0; the statistic is t.
[<RequireQualifiedAccess>]
module WelchT =

    /// Each group with its own cells, if they differ.
    let standard = {
        OverestimateVariance = false
        ConstantGroups = false
    }

    /// Cells of a group, their mean and the sum of their squared distances from it.
    [<Struct>]
    type private Moments = {
        Cells: float
        Mean: float
        Squares: float
    }

    /// Two groups as one (Chan, Golub and LeVeque 1979).
    let private merged a b =
        let cells = a.Cells + b.Cells

        if a.Cells = 0.0 then
            b
        elif b.Cells = 0.0 then
            a
        else
            let distance = b.Mean - a.Mean

            {
                Cells = cells
                Mean = a.Mean + distance * b.Cells / cells
                Squares = a.Squares + b.Squares + distance * distance * a.Cells * b.Cells / cells
            }

    let private none = {
        Cells = 0.0
        Mean = 0.0
        Squares = 0.0
    }

    /// All groups but one are those before it and those after it: nothing is subtracted.
    let private others (groups: Moments[]) (into: Moments[]) =
        let before = Array.scan merged none groups
        let after = Array.scanBack merged groups none

        for group in 0 .. groups.Length - 1 do
            into[group] <- merged before[group] after[group + 1]

    let private fillTest (rows: ContrastRows) (degreesOf: float[]) place own reference referenceCells =
        let a = own.Squares / (own.Cells - 1.0) / own.Cells
        let b = reference.Squares / (reference.Cells - 1.0) / referenceCells
        let t = (own.Mean - reference.Mean) / sqrt (a + b)

        let degrees =
            (a + b) * (a + b) / (a * a / (own.Cells - 1.0) + b * b / (referenceCells - 1.0))

        rows.Statistic[place] <- t
        degreesOf[place] <- degrees

    /// A group does not vary, so that its variance is no estimate: there is nothing to test by.
    let private fillConstant (rows: ContrastRows) place own reference =
        if own.Squares + reference.Squares = 0.0 && own.Mean = reference.Mean then
            rows.Statistic[place] <- 0.0
            rows.PValue[place] <- 1.0
            rows.Log10P[place] <- 0.0

            if rows.Status[place] <> RowStatus.AllZero then
                rows.Status[place] <- RowStatus.AllTied
        else
            rows.Status[place] <- RowStatus.NoVariance

    /// The name among further columns of the degrees of freedom.
    [<Literal>]
    let Degrees = "degrees_of_freedom"

    let private fillRow options (rows: ContrastRows) degrees place own reference =
        rows.Effect[place] <- own.Mean - reference.Mean
        let fewest = min own.Squares reference.Squares
        let most = max own.Squares reference.Squares

        if fewest > 0.0 || options.ConstantGroups && most > 0.0 then
            let cells =
                if options.OverestimateVariance then
                    own.Cells
                else
                    reference.Cells

            fillTest rows degrees place own reference cells
        else
            fillConstant rows place own reference

    /// Moments of every group of the gene that the reader has loaded.
    let private momentsOf (tested: TestedGenes) =
        let sums, means, squares =
            Array.zeroCreate<float> tested.Groups,
            Array.zeroCreate<float> tested.Groups,
            Array.zeroCreate<float> tested.Groups

        fun (reader: GeneReader) (groups: Moments[]) ->
            let sums =
                match reader.Sums with
                | Some known -> known
                | None ->
                    GroupMoments.Sums(reader.Values, reader.Bounds, sums)
                    sums

            GroupMoments.Squares(reader.Values, reader.Bounds, reader.Sizes, sums, means, squares)

            for group in 0 .. groups.Length - 1 do
                groups[group] <- {
                    Cells = float reader.Sizes[group]
                    Mean = means[group]
                    Squares = squares[group]
                }

    let private worker (tested: TestedGenes) options (block: GeneRows) =
        let rows = block.Rows
        let degrees = rows.Named Degrees
        let load = momentsOf tested

        let groups, references =
            Array.create tested.Groups none, Array.create tested.Groups none

        let test (reader: GeneReader) at =
            load reader groups

            match tested.Control with
            | Some control -> Array.Fill(references, groups[control])
            | None -> others groups references

            for group in 0 .. groups.Length - 1 do
                let place = at * groups.Length + group

                if rows.Status[place] <> RowStatus.TooFewCells then
                    fillRow options rows degrees place groups[group] references[group]

        let tails = TailColumns.student tested.Alternative degrees

        {
            Test = test
            Finish = fun () -> tails rows
        }

    /// Tests every gene of every perturbation; rows do not have their q-values yet. The same bits for every number of
    /// threads and any division into blocks of genes. Throws ArgumentException for cells in strata.
    let compute progress threads options (tested: TestedGenes) : ContrastRows =
        if tested.Strata <> 1 then
            invalidArg (nameof tested) $"{tested.Strata} strata; a t-test takes 1"

        // A variance needs two cells.
        let tested = {
            tested with
                MinimumCells = max 2 tested.MinimumCells
        }

        GeneBlocks.run progress threads tested [ Degrees ] (worker tested options)
