namespace CoExpr.Tests

open System
open CoExpr
open CoExpr.IO
open CoExpr.Kernels
open NUnit.Framework
open FsCheck
open FsCheck.FSharp
open FsCheck.NUnit

/// Tests of counts as CRISPYx 0.1.1 makes them.
module CrispyxScreenTests =

    let private golden name =
        TestData.golden (IO.Path.Combine("differential-expression", "crispyx", name))

    /// Columns by name; an empty field is NaN.
    let private table name =
        let text =
            use file = IO.File.OpenRead(golden name)

            if name.EndsWith ".gz" then
                use unpacked =
                    new IO.Compression.GZipStream(file, IO.Compression.CompressionMode.Decompress)

                use reader = new IO.StreamReader(unpacked)
                reader.ReadToEnd()
            else
                use reader = new IO.StreamReader(file)
                reader.ReadToEnd()

        let lines =
            text.TrimEnd().Split '\n' |> Array.map (fun line -> line.TrimEnd().Split ',')

        let number text =
            if text = "" then
                nan
            else
                Double.Parse(text, Globalization.CultureInfo.InvariantCulture)

        fun (column: string) ->
            let at = Array.IndexOf(lines[0], column)
            lines[1..] |> Array.map (fun line -> number line[at])

    let private counts =
        lazy (Input.read Input.standard (golden "counts.h5ad") |> Expect.ok)

    let private computeOf threads settings cells =
        DifferentialExpression.compute
            Progress.none
            {
                DifferentialExpression.defaults with
                    Control = Some "ctrl"
                    Test = DifferentialTest.Crispyx settings
                    Threads = threads
            }
            cells
        |> Expect.ok

    let private compute settings = computeOf 2 settings counts.Value

    /// The largest difference, relative to theirs where that is above 1; NaN where they have NaN and nowhere else.
    let private largest (theirs: float[]) (ours: float[]) =
        Array.map2
            (fun (a: float) (b: float) ->
                if Double.IsNaN a || Double.IsNaN b then
                    if Double.IsNaN a = Double.IsNaN b then 0.0 else infinity
                else
                    abs (a - b) / max 1.0 (abs a))
            theirs
            ours
        |> Array.max

    /// Of itself; where p is small it has the error of z times z, and their trend is that of a search that stops early.
    let private relative (theirs: float[]) (ours: float[]) =
        Array.map2
            (fun (a: float) (b: float) ->
                if Double.IsNaN a then
                    0.0
                else
                    abs (log (b / a)) / max 1.0 -(log a))
            theirs
            ours
        |> Array.max

    let private agrees name settings =
        let theirs, found = table name, compute settings
        let rows = found.Rows

        for column, ours in
            [
                "effect", rows.Effect
                "logfoldchanges", rows.LogFoldChange
                "z_score", rows.Statistic
                "pts", rows.Fraction
                "pts_rest", rows.ReferenceFraction
                yield! rows.Further
            ] do
            let difference = largest (theirs column) ours
            TestContext.Out.WriteLine $"{column}: largest difference {difference}"
            Assert.That(difference, Is.LessThan 1e-6, column)

        for column, ours in [ "pvalue", rows.PValue; "pvalue_adj", rows.QValue ] do
            Assert.That(largest (theirs column) ours, Is.LessThan 1e-6, column)
            Assert.That(relative (theirs column) ours, Is.LessThan 1e-6, column)

    [<Test>]
    let ``every layer of its defaults`` () =
        agrees "crispyx_nb_default.csv.gz" CrispyxScreen.defaults

    [<Test>]
    let ``every layer with a least mean of 1e-6`` () =
        agrees "crispyx_nb_minmu1e-6.csv.gz" {
            CrispyxScreen.defaults with
                LeastMean = 1e-6
        }

    [<Test>]
    let ``rows without numbers say why`` () =
        let status settings =
            let found = compute settings
            found.Rows.Status[found.Place(0, 7)], found.Rows.Status[found.Place(0, 11)]

        Expect.equal (RowStatus.AllZero, RowStatus.Tested) (status CrispyxScreen.defaults)

        Expect.equal
            (RowStatus.AllZero, RowStatus.NotConverged)
            (status {
                CrispyxScreen.defaults with
                    LeastMean = 1e-6
            })

    [<Test>]
    let ``its shrinkage starts at 0`` () =
        let theirs = table "crispyx_apeglm.csv"

        Array.zip (Array.zip (theirs "lfc") (theirs "se")) (Array.zip (theirs "shrunk") (theirs "shrunk_se"))
        |> Array.iter (fun ((estimate, error), (shrunk, deviation)) ->
            let found = FoldChangeShrinkage.shrinkFromZero 0.9302326878682574 estimate error

            Assert.That(found.LogFold, Is.EqualTo(shrunk).Within 1e-7)
            Assert.That(found.Deviation, Is.EqualTo(deviation).Within 1e-7))

        // The fault of the specification's example: z of 7.5, and nothing is left of the estimate.
        Assert.That((FoldChangeShrinkage.shrinkFromZero 0.01 3.0 0.4).LogFold, Is.EqualTo(0.0009).Within 1e-4)
        Assert.That((FoldChangeShrinkage.shrink 0.01 3.0 0.4).LogFold, Is.EqualTo(2.889).Within 1e-3)

    [<Test>]
    let ``shrunken columns are of its shrinkage`` () =
        let rows =
            (compute {
                CrispyxScreen.defaults with
                    Shrink = true
            })
                .Rows

        let raw, errors = rows.Named "logfoldchange_raw_ln", rows.Named "standard_error_ln"
        let ofFirst (values: float[]) = values[..119]
        let scale = EffectPrior.scale (ofFirst raw) (ofFirst errors)

        for place in [ 0; 3; 50 ] do
            let expected = FoldChangeShrinkage.shrinkFromZero scale raw[place] errors[place]

            Assert.That(
                (rows.Named FoldChangeShrinkage.Shrunken)[place],
                Is.EqualTo(expected.LogFold / log 2.0).Within 1e-9
            )

    [<Test>]
    let ``threads change no bit`` () =
        let one, three =
            computeOf 1 CrispyxScreen.defaults counts.Value, computeOf 3 CrispyxScreen.defaults counts.Value

        Expect.equal one.Rows.Statistic three.Rows.Statistic
        Expect.equal one.Rows.QValue three.Rows.QValue

    [<Test>]
    let ``its fold changes are too small where counts are few, and the default's are not`` () =
        let truth = table "truth.csv"

        let slope (found: DifferentialResult) =
            let mutable product, square = 0.0, 0.0

            found.Perturbations
            |> Array.iteri (fun row label ->
                let folds = truth $"ln_fold_change_{label}"

                for gene in 0 .. folds.Length - 1 do
                    if (truth "base_mean")[gene] < 0.3 && gene <> 7 && gene <> 11 then
                        let place = found.Place(row, gene)

                        if found.Rows.Status[place] = RowStatus.Tested then
                            product <- product + folds[gene] * found.Rows.LogFoldChange[place] * log 2.0
                            square <- square + folds[gene] * folds[gene])

            product / square

        let right =
            DifferentialExpression.compute
                Progress.none
                {
                    DifferentialExpression.defaults with
                        Control = Some "ctrl"
                }
                counts.Value
            |> Expect.ok

        let wrong, right = slope (compute CrispyxScreen.defaults), slope right
        TestContext.Out.WriteLine $"slope of CRISPYx {wrong}, of the default {right}"
        Assert.That(wrong, Is.LessThan 0.5)
        Assert.That(right, Is.InRange(0.85, 1.15))

    [<Test>]
    let ``what it has no meaning for is refused`` () =
        let refused change =
            DifferentialExpression.compute
                Progress.none
                (change {
                    DifferentialExpression.defaults with
                        Control = Some "ctrl"
                        Test = DifferentialTest.Crispyx CrispyxScreen.defaults
                })
                counts.Value

        Expect.says
            [ "--alternative"; "two-sided" ]
            (refused (fun options -> {
                options with
                    Alternative = TwoSampleAlternative.Greater
            }))

        Expect.says
            [ "--min-mean"; "0"; "above 0" ]
            (refused (fun options -> {
                options with
                    Test =
                        DifferentialTest.Crispyx {
                            CrispyxScreen.defaults with
                                LeastMean = 0.0
                        }
            }))

    /// The sums of the specification's section A.2, term by term.
    let private plainSums (factors: float[]) (counts: float[]) predictor alpha least =
        let mutable weight, response, moment = 0.0, 0.0, 0.0

        for at in 0 .. factors.Length - 1 do
            let eta = min 20.0 (max (log least) (predictor + log factors[at]))
            let mu = max (exp eta) least
            let w = mu * mu / max (mu + alpha * mu * mu) least
            let z = eta + (counts[at] - mu) / max mu least
            weight <- weight + w
            response <- response + w * (z - log factors[at])

            moment <-
                moment
                + ((counts[at] - mu) * (counts[at] - mu) - counts[at]) / max (mu * mu) least

        weight, response, moment

    [<Property>]
    let ``sums are those of the definition`` (seed: uint16) (PositiveInt cells) =
        let stream = Random.stream (uint64 seed) (Purpose.named "clamped sums") 0
        let cells = cells % 40
        let factors = Array.init cells (fun _ -> exp (stream.Normal()))
        let counts = Array.init cells (fun _ -> floor (4.0 * stream.Uniform()))
        let padded = Array.create (ClampedRegression.Length cells) 7.0
        Array.blit counts 0 padded 0 cells
        let predictor, alpha = 2.0 * stream.Normal(), stream.Uniform()
        let least = if seed % 2us = 0us then 0.5 else 1e-6

        let struct (weight, response, moment) =
            ClampedRegression(ReadOnlySpan factors).Sums(padded, predictor, alpha, least)

        let near (a: float) b = abs (a - b) <= 1e-10 * (1.0 + abs b)

        let expectedWeight, expectedResponse, expectedMoment =
            plainSums factors counts predictor alpha least

        near weight expectedWeight
        && near response expectedResponse
        && near moment expectedMoment
