namespace CoExpr.Tests

open System
open NUnit.Framework
open CoExpr

/// Results of tests that are compared to the bit.
[<RequireQualifiedAccess>]
module ResultBits =

    let private bits (values: float[]) =
        values
        |> Array.map (fun value ->
            if Double.IsNaN value then
                0x7FF8000000000000L
            else
                BitConverter.DoubleToInt64Bits value)

    /// Dispersions of genes without counts are NaN, which equals nothing.
    let private dispersions (found: ScreenDispersions) =
        [ found.Means; found.GeneWise; found.Trend; found.Final ] |> List.map bits, found.AtBound, found.IsOutlier

    let private listed (found: DifferentialResult) =
        let rows = found.Rows

        {
            found with
                Rows = ContrastRows.create 0 0 []
                Dispersions = None
        },
        Option.map dispersions found.Dispersions,
        [
            rows.Effect
            rows.LogFoldChange
            rows.Statistic
            rows.PValue
            rows.Log10P
            rows.QValue
            rows.Mean
            rows.ReferenceMean
            rows.Fraction
            rows.ReferenceFraction
            yield! List.map snd rows.Further
        ]
        |> List.map bits,
        List.map fst rows.Further,
        rows.Status

    /// Both are the same to the bit, or the same error.
    let areAlike (first: Result<DifferentialResult, CoExprError>) second =
        match first, second with
        | Ok first, Ok second -> Expect.equal (listed first) (listed second)
        | Error first, Error second -> Expect.equal (CoExprError.describe first) (CoExprError.describe second)
        | _ -> Assert.Fail $"{first} and {second}"
