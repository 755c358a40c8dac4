namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck
open FsCheck.FSharp
open FsCheck.NUnit
open CoExpr

/// Results of a few perturbations and genes, with ties and gaps.
type HighlightCases =
    static member Any() =
        gen {
            let! perturbations = Gen.choose (1, 7)
            let! genes = Gen.choose (1, 12)

            let! folds =
                Gen.arrayOfLength (perturbations * genes) (Gen.elements [ -2.0; -0.5; 0.0; 0.5; 30.0; infinity; nan ])

            let! logarithms =
                Gen.arrayOfLength (perturbations * genes) (Gen.elements [ -400.0; -3.0; -2.0; -1.0; 0.0; nan ])

            let! statuses =
                Gen.arrayOfLength
                    (perturbations * genes)
                    (Gen.elements [
                        RowStatus.Tested
                        RowStatus.Tested
                        RowStatus.AllZero
                        RowStatus.ZeroInPerturbed
                    ])

            let names (prefix: string) count =
                Array.init count (fun i -> $"{prefix}{(i * 5) % 13}")

            return
                DifferentialSample.ofRows (names "p" perturbations) (names "g" genes) (fun p g ->
                    let place = p * genes + g
                    struct (folds[place], logarithms[place], statuses[place]))
        }
        |> Arb.fromGen

[<Properties(Arbitrary = [| typeof<HighlightCases> |], MaxTest = 200)>]
module DifferentialHighlightsTests =

    /// The rows of one perturbation, in arrays of their own.
    let private rowsOf (result: DifferentialResult) perturbation =
        let genes = result.GeneTable.Names.Length
        let rows = ContrastRows.create 1 genes []
        ContrastRows.copyRow genes result.Rows perturbation rows 0
        rows

    let private withoutRows (result: DifferentialResult) = {
        result with
            Rows = ContrastRows.create 0 result.GeneTable.Names.Length []
    }

    [<Property>]
    let ``a page of rows that are seen one perturbation at a time is that of rows in memory`` result =
        let facts = [ "CoExpr", "0.1.0" ]

        let seen =
            DifferentialHighlights.ofRows (withoutRows result) (rowsOf result)
            |> DifferentialReport.pageOf "screen.h5ad" facts

        seen = DifferentialReport.page "screen.h5ad" facts result

    [<Property>]
    let ``what is gathered is what the rows say`` (result: DifferentialResult) =
        let found = DifferentialHighlights.ofResult result
        let rows, genes = result.Rows, result.GeneTable.Names.Length

        let hits = [
            for place in 0 .. rows.QValue.Length - 1 do
                if rows.QValue[place] <= 0.05 then
                    place
        ]

        let testable =
            [
                for place in 0 .. rows.PValue.Length - 1 do
                    if not (Double.IsNaN rows.PValue[place]) && rows.Status[place] <> RowStatus.AllZero then
                        -rows.Log10P[place]
            ]
            |> List.sortDescending

        let ordered =
            hits
            |> List.sortWith (fun a b ->
                match compare rows.Log10P[a] rows.Log10P[b] with
                | 0 ->
                    match
                        String.CompareOrdinal(result.GeneTable.Names[a % genes], result.GeneTable.Names[b % genes])
                    with
                    | 0 -> String.CompareOrdinal(result.Perturbations[a / genes], result.Perturbations[b / genes])
                    | order -> order
                | order -> order)

        Expect.equal ordered [ for hit in found.Strongest -> hit.Perturbation * genes + hit.Gene ]

        Expect.equal testable [ for point in found.Quantiles -> point.Observed ]
        Expect.equal testable.Length found.Testable
        Expect.equal (rows.Log10P |> Array.filter (Double.IsNaN >> not) |> Array.length |> int64) found.Rows
        Expect.equal (int64 hits.Length) (DifferentialHighlights.allHits found)

        for perturbation in 0 .. result.Perturbations.Length - 1 do
            let own = hits |> List.filter (fun place -> place / genes = perturbation)
            Expect.equal own.Length (DifferentialHighlights.hits found perturbation)

    [<Test>]
    let ``of many hits the five hundred strongest are kept`` () =
        let names prefix =
            Array.init 30 (fun i -> $"{prefix}{i:D2}")

        let found =
            DifferentialSample.ofRows (names "p") (names "g") (fun p g ->
                DifferentialSample.tested 1.0 (-2.0 - float (p * 30 + g)))
            |> DifferentialHighlights.ofResult

        Expect.equal 900L (DifferentialHighlights.allHits found)

        Expect.equal
            [| for at in 899..-1..400 -> at / 30, at % 30 |]
            (found.Strongest |> Array.map (fun hit -> hit.Perturbation, hit.Gene))
