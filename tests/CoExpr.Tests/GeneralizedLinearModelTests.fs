namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr
open CoExpr.Kernels
open CoExpr.Reference

[<Properties(MaxTest = 100)>]
module SymmetricSystemTests =

    /// A positive definite matrix from any numbers: B Bᵀ + 1.
    let private matrixOf size (numbers: NormalFloat[]) =
        let value at =
            if at < numbers.Length then
                (float numbers[at]) % 10.0
            else
                0.5

        let b = Array.init size (fun i -> Array.init size (fun j -> value (i * size + j)))
        Array.init size (fun i -> Array.init size (fun j -> SampleModel.dot b[i] b[j] + (if i = j then 1.0 else 0.0)))

    [<Property>]
    let ``solves, inverts and gives the determinant`` (numbers: NormalFloat[]) =
        let size = 3
        let matrix = matrixOf size numbers
        let factor = Array.concat matrix
        let solved = SymmetricSystem.Factor(factor.AsSpan(), size)
        let x = [| 1.0; -2.0; 3.0 |]
        SymmetricSystem.Solve(factor, size, x.AsSpan())
        let inverse = Array.zeroCreate<float> 9
        SymmetricSystem.Invert(factor, size, inverse.AsSpan())

        let expected =
            SampleModel.solve (matrix |> Array.map Array.copy) [| 1.0; -2.0; 3.0 |]

        let expectedInverse =
            SampleModel.inverse (matrix |> Array.map Array.copy) |> Array.concat

        let logDet = log (SampleModel.determinant matrix)
        let near a b = abs (a - b) <= 1e-6 * (1.0 + abs a)

        solved
        && Array.forall2 near expected x
        && Array.forall2 near expectedInverse inverse
        && near logDet (SymmetricSystem.LogDeterminant(factor, size))

    // tr(A⁻¹ dA), the inverse being the one above.
    [<Property>]
    let ``the determinant's slope is the trace`` (numbers: NormalFloat[]) (others: NormalFloat[]) =
        let size = 3
        let matrix, change = matrixOf size numbers, matrixOf size others
        let inverse = SampleModel.inverse (matrix |> Array.map Array.copy)

        let expected =
            Seq.sum (seq { for i in 0..2 -> SampleModel.dot inverse[i] (change |> Array.map (fun row -> row[i])) })

        let factor, other = Array.concat matrix, Array.concat change

        let slope =
            SymmetricSystem.LogDeterminantSlope(factor.AsSpan(), other.AsSpan(), size)

        abs (slope - expected) <= 1e-6 * (1.0 + abs expected)

    // A = (4 1; 1 3) has the determinant 11 and the inverse (3 −1; −1 4) / 11; dA = (1 2; 2 0) has the trace (3 − 2 − 2) / 11.
    [<Test>]
    let ``the determinant's slope by hand`` () =
        let matrix, change = [| 4.0; 0.0; 1.0; 3.0 |], [| 1.0; 0.0; 2.0; 0.0 |]
        let slope = SymmetricSystem.LogDeterminantSlope(matrix.AsSpan(), change.AsSpan(), 2)
        Assert.That(abs (slope + 1.0 / 11.0), Is.LessThan 1e-15)
        let singular, zero = [| 1.0; 1.0; 1.0; 1.0 |], Array.zeroCreate<float> 4
        Assert.That(SymmetricSystem.LogDeterminantSlope(singular.AsSpan(), zero.AsSpan(), 2), Is.NaN)

    [<Test>]
    let ``exponentials at every length`` ([<NUnit.Framework.Range(0, 19)>] length: int) =
        let values = Array.init length (fun at -> float (at - 7) * 3.3)
        let found = Array.create length nan
        SampleRegression.Exponentials(values, found.AsSpan())
        Array.iter2 (fun x e -> Assert.That(abs (e / exp x - 1.0), Is.LessThan 1e-15)) values found

    [<Test>]
    let ``says where a matrix is singular`` () =
        Assert.That(SymmetricSystem.Factor([| 1.0; 1.0; 1.0; 1.0 |].AsSpan(), 2), Is.False)
        Assert.That(SymmetricSystem.Factor([| 0.0 |].AsSpan(), 1), Is.False)

[<Properties(Arbitrary = [| typeof<SmallDesigns> |], MaxTest = 40)>]
module GeneralizedLinearModelTests =

    let private noRidge = {
        RegressionOptions.standard with
            Ridge = 0.0
    }

    let private fit options formula (small: SmallDesign) =
        let design = Bulk.design formula small.Table
        let counts = Bulk.counts [| small.Counts |]

        let fits =
            GeneralizedLinearModel.fit 1 options design counts small.Factors [| small.Dispersion |]
            |> Expect.ok

        design, fits[0]

    let private near tolerance (a: float) (b: float) =
        abs (a - b) <= tolerance * (1.0 + abs a)

    [<Property>]
    let ``the coefficients are those of the greatest likelihood`` (small: SmallDesign) =
        let design, fit = fit noRidge "~ batch + condition" small
        let rows = Bulk.rows design
        let expected = SampleModel.fit small.Dispersion rows small.Factors small.Counts

        let likelihood =
            SampleModel.logLikelihood small.Dispersion rows small.Factors small.Counts

        Array.forall2 (near 2e-4) expected fit.Coefficients
        && near 1e-8 (likelihood fit.Coefficients) fit.LogLikelihood
        && likelihood fit.Coefficients >= likelihood expected - 1e-8

    [<Property>]
    let ``the score is 0 for every coefficient`` (small: SmallDesign) =
        let design, fit = fit noRidge "~ age + condition" small
        let size = 1.0 + Array.sum small.Counts

        Seq.init design.Width id
        |> Seq.forall (fun j ->
            let scale =
                1.0 + (Bulk.rows design |> Array.map (fun row -> abs row[j]) |> Array.max)

            let score =
                Array.map3
                    (fun (row: float[]) y mu -> row[j] * (y - mu) / (1.0 + small.Dispersion * mu))
                    (Bulk.rows design)
                    small.Counts
                    fit.Means
                |> Array.sum

            abs score <= 1e-7 * size * scale)

    [<Property>]
    let ``the covariance is the inverse of the information`` (small: SmallDesign) =
        let design, fit = fit noRidge "~ batch + condition" small

        let expected =
            SampleModel.inverse (SampleModel.information small.Dispersion (Bulk.rows design) fit.Means)

        Array.forall2 (near 1e-6) (Array.concat expected) fit.Covariance

    [<Property>]
    let ``leverages add up to the number of coefficients`` (small: SmallDesign) =
        let design, fit = fit noRidge "~ batch + condition" small
        near 1e-9 (float design.Width) (Array.sum fit.Leverages)

    [<Property>]
    let ``two groups without factors have the means of their counts`` (small: SmallDesign) =
        let plain = {
            small with
                Factors = Array.create small.Factors.Length 1.0
        }

        let design, fit = fit noRidge "~ condition" plain

        let mean group =
            Array.zip design.GroupOf plain.Counts
            |> Array.filter (fst >> (=) group)
            |> Array.averageBy snd

        near 1e-8 (log (mean 0)) fit.Coefficients[0]
        && near 1e-7 (log (mean 1 / mean 0)) fit.Coefficients[1]

    [<Property>]
    let ``DESeq2's steps end at the same place where no mean is small`` (small: SmallDesign) =
        let shifted = {
            small with
                Counts = small.Counts |> Array.map (fun y -> y + 20.0)
                Factors = Array.create small.Counts.Length 1.0
        }

        let _, plain = fit RegressionOptions.deseq2 "~ batch + condition" shifted
        let _, controlled = fit RegressionOptions.standard "~ batch + condition" shifted

        plain.Status <> FitStatus.NotConverged
        && Array.forall2 (near 5e-3) plain.Coefficients controlled.Coefficients

    [<Property>]
    let ``designs that span the same space fit the same means`` (small: SmallDesign) =
        let _, a = fit noRidge "~ batch + condition" small
        let _, b = fit noRidge "~ 0 + condition + batch" small

        Array.forall2 (near 1e-6) a.Means b.Means
        && near 1e-9 a.LogLikelihood b.LogLikelihood

    [<Property>]
    let ``twice the factors take ln 2 from the intercept alone`` (small: SmallDesign) =
        let _, a = fit noRidge "~ batch + condition" small

        let _, b =
            fit noRidge "~ batch + condition" {
                small with
                    Factors = small.Factors |> Array.map ((*) 2.0)
            }

        near 1e-6 (a.Coefficients[0] - log 2.0) b.Coefficients[0]
        && near 1e-6 a.Coefficients[2] b.Coefficients[2]

    [<Property>]
    let ``the order of samples does not matter`` (small: SmallDesign) =
        let back = Array.init small.Counts.Length (fun at -> small.Counts.Length - 1 - at)

        let reversed = {
            small with
                Table = {
                    Table.take back small.Table with
                        Names = small.Table.Names
                }
                Counts = Array.rev small.Counts
                Factors = Array.rev small.Factors
        }

        let _, a = fit noRidge "~ batch + condition" small
        let _, b = fit noRidge "~ batch + condition" reversed
        Array.forall2 (near 1e-7) a.Coefficients b.Coefficients

    let private design = Bulk.design "~ condition" (Bulk.conditions [ "a", 3; "b", 3 ])
    let private ones = Array.create 6 1.0

    let private one options counts dispersion =
        (GeneralizedLinearModel.fit 1 options design (Bulk.counts [| counts |]) ones [| dispersion |]
         |> Expect.ok)[0]

    [<Test>]
    let ``a gene without counts is said to have none`` () =
        let fit = one RegressionOptions.standard (Array.zeroCreate 6) 0.1
        Expect.equal FitStatus.AllZero fit.Status
        Assert.That(fit.Coefficients, Is.All.NaN)

    [<Test>]
    let ``a group without counts has a coefficient as low as the floor of means`` () =
        let fit = one RegressionOptions.standard [| 5.0; 6.0; 7.0; 0.0; 0.0; 0.0 |] 0.1
        Expect.equal FitStatus.Converged fit.Status
        Assert.That(fit.Coefficients[0], Is.EqualTo(log 6.0).Within 1e-5)
        Assert.That(fit.Coefficients[1], Is.LessThan -12.0)
        Assert.That(fit.Means[5], Is.LessThan 2e-5)

    [<Test>]
    let ``a floor of a half pulls low counts towards it`` () =
        let low = [| 0.0; 0.0; 1.0; 0.0; 0.0; 0.0 |]

        let ours, theirs =
            one RegressionOptions.standard low 0.1, one RegressionOptions.deseq2 low 0.1
        // Clamped throughout, b = ln 0.5 − 1 + 2 mean: the difference is 2 (0 − 1/3).
        Assert.That(theirs.Coefficients[1], Is.EqualTo(-2.0 / 3.0).Within 1e-4)
        Assert.That(ours.Coefficients[1], Is.LessThan -10.0)

    [<Test>]
    let ``huge counts converge`` () =
        let fit = one RegressionOptions.standard [| 1e9; 2e9; 1.5e9; 3e9; 3e9; 3e9 |] 1e-8
        Expect.equal FitStatus.Converged fit.Status
        Assert.That(fit.Coefficients[1], Is.EqualTo(log 2.0).Within 1e-8)

    [<Test>]
    let ``a count far out is fitted to the maximum by the other optimiser`` () =
        // Steps by the expected information go to and fro here.
        let table =
            Bulk.ofColumns (Bulk.sampleNames 8) [|
                "age", Column.Float [| 21.0; 33.0; 45.0; 50.0; 61.0; 64.0; 65.0; 69.9 |]
            |]

        let design = Bulk.design "~ age" table
        let counts = [| 20000.0; 3.0; 1.0; 2.0; 0.0; 1.0; 0.0; 2.0 |]

        let fits =
            GeneralizedLinearModel.fit 1 RegressionOptions.deseq2 design (Bulk.counts [| counts |]) (Array.create 8 1.0) [|
                3.0
            |]
            |> Expect.ok

        let likelihood =
            SampleModel.logLikelihood 3.0 (Bulk.rows design) (Array.create 8 1.0) counts

        Assert.That(fits[0].Status, Is.Not.EqualTo FitStatus.NotConverged)
        let gradient = SampleModel.gradient likelihood fits[0].Coefficients
        Assert.That(gradient, Is.All.EqualTo(0.0).Within 1e-2)

    [<Test>]
    let ``the deviance never rises with step control`` () =
        let space = RegressionSpace(design, RegressionOptions.standard)
        // A ridge that counts keeps the likelihood below the free one, never above.
        let free = space.Fit([| 1.0; 9.0; 4.0; 100.0; 3.0; 0.0 |], ones, 0.5)

        let strong =
            RegressionSpace(
                design,
                {
                    RegressionOptions.standard with
                        Ridge = 10.0
                }
            )

        let held = strong.Fit([| 1.0; 9.0; 4.0; 100.0; 3.0; 0.0 |], ones, 0.5)
        Assert.That(held.LogLikelihood, Is.LessThan free.LogLikelihood)
        Assert.That(abs held.Coefficients[1], Is.LessThan(abs free.Coefficients[1]))

    [<Test>]
    let ``says what does not fit together`` () =
        let counts = Bulk.counts [| Array.create 6 1.0 |]

        let attempt options factors dispersions =
            GeneralizedLinearModel.fit 1 options design counts factors dispersions

        attempt RegressionOptions.standard [| 1.0 |] [| 0.1 |]
        |> Expect.says [ "factors: 1 where 6" ]

        attempt RegressionOptions.standard ones [||]
        |> Expect.says [ "dispersions: 0 where 1" ]

        attempt RegressionOptions.standard ones [| -1.0 |]
        |> Expect.says [ "0 or more" ]

        attempt RegressionOptions.standard (Array.create 6 0.0) [| 0.1 |]
        |> Expect.says [ "above 0" ]

        attempt { noRidge with SmallestMean = 0.0 } ones [| 0.1 |]
        |> Expect.says [ "smallest mean 0" ]

        attempt { noRidge with Ridge = -1.0 } ones [| 0.1 |]
        |> Expect.says [ "ridge -1" ]

        attempt { noRidge with MaxIterations = 0 } ones [| 0.1 |]
        |> Expect.says [ "iterations 0" ]
